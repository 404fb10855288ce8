#include "journal/cursor.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "journal/cursor_file.h"
#include "journal/journal_state.h"

namespace thorlog {
namespace {

constexpr std::int64_t kWriteEvery = 10'000'000;    // ns
constexpr std::int64_t kSyncEvery = 1'000'000'000;  // ns
static_assert(static_cast<std::size_t>(DropReason::count) <= kCursorReasons);

constexpr std::array<std::string_view, static_cast<std::size_t>(DropReason::count)> kReasons = {
    "expired", "damaged", "removed", "lost_in_crash", "parked", "full", "max_lag", "oversize"};

}  // namespace

std::string_view name_of(DropReason reason) noexcept {
  const auto index = static_cast<std::size_t>(reason);
  return index < kReasons.size() ? kReasons[index] : std::string_view();
}

std::uint64_t CursorBooks::dropped_total() const noexcept {
  std::uint64_t total = 0;
  for (const std::uint64_t each : dropped) total += each;
  return total;
}

struct Cursor::State {
  State(FileSystem& file_system, const Clock& the_clock, const Journal& the_journal)
      : files(file_system), clock(the_clock), journal(the_journal) {}

  Status open(const std::string& folder, const std::string& output, Start start);
  Status set_aside(const std::string& folder, std::string_view why);
  Status create(const std::string& folder, Start start);
  void load(const CursorSlots& slots);
  void clamp();
  void drop(Position to, DropReason reason, std::uint64_t records);
  void settle(Position to, std::uint64_t acknowledged, std::uint64_t filtered);
  Status save(bool now);
  Status write();
  const Uuid& journal_id() const { return journal.state_->id; }

  FileSystem& files;
  const Clock& clock;
  const Journal& journal;
  std::string name;
  std::string path;
  std::unique_ptr<File> file;
  Position position;
  CursorBooks books;
  std::uint64_t generation = 0;
  bool changed = false;
  bool unsynced = false;
  std::int64_t written_at = 0;  // steady
  std::int64_t synced_at = 0;
};

Status Cursor::State::open(const std::string& folder, const std::string& output, Start start) {
  name = output;
  path = folder + "/" + output + ".cur";
  if (auto made = files.make_folder(folder); !made) return made;
  if (!files.exists(path)) return create(folder, start);
  auto opened = files.open(path, FileSystem::Open::read_write, FaultPoint::none);
  if (!opened) return fail(std::move(opened).error());
  file = *std::move(opened);
  auto slots = read_slots(*file);
  if (!slots) return fail(std::move(slots).error());
  if (!slots->newest) {
    if (auto aside = set_aside(folder, "both of its slots are damaged"); !aside) return aside;
    return create(folder, Start::oldest);
  }
  if (slots->newest->journal_id != journal_id()) {
    if (auto aside = set_aside(folder, "it belongs to another journal"); !aside) return aside;
    return create(folder, Start::oldest);
  }
  if (slots->other_damaged) {
    log(Severity::warning, "cursor " + name, "one of its two slots was damaged; the other one counts");
  }
  load(*slots);
  clamp();
  return ok();
}

// Keeps it for whoever wants to look.
Status Cursor::State::set_aside(const std::string& folder, std::string_view why) {
  file.reset();
  std::string aside = path + ".bad";
  for (int i = 2; files.exists(aside); ++i) aside = fmt::format("{}.bad-{}", path, i);
  if (auto renamed = files.rename(path, aside, FaultPoint::none); !renamed) return renamed;
  log(Severity::error, "cursor " + name,
      fmt::format("{}: {}. It is kept as {}; the output starts at the oldest record", path, why, aside));
  return files.sync_folder(folder, FaultPoint::dir_sync);
}

Status Cursor::State::create(const std::string& folder, Start start) {
  auto made = files.open(path, FileSystem::Open::create_new, FaultPoint::none);
  if (!made) return fail(std::move(made).error());
  file = *std::move(made);
  const JournalState now = journal.state();
  position = start == Start::now ? now.end : now.first;
  books = {};
  books.start_seq = position.seq;
  changed = true;
  if (auto saved = save(true); !saved) return saved;
  return files.sync_folder(folder, FaultPoint::dir_sync);
}

void Cursor::State::load(const CursorSlots& slots) {
  const CursorSlot& slot = *slots.newest;
  position = {slot.places[0].offset, slot.places[0].seq};
  generation = slot.generation;
  books.start_seq = slot.start_seq;
  books.acknowledged = slot.acknowledged;
  books.filtered = slot.filtered;
  for (std::size_t i = 0; i < books.dropped.size(); ++i) books.dropped[i] = slot.dropped[i];
}

// Puts it back between the oldest record and the end.
void Cursor::State::clamp() {
  const JournalState now = journal.state();
  if (position.seq < now.first.seq) {
    const std::uint64_t gone = now.first.seq - position.seq;
    settle(now.first, 0, 0);
    log(Severity::warning, "cursor " + name, fmt::format("{} records were removed before it had read them", gone));
  } else if (position.seq > now.end.seq) {
    // The journal jumps over the numbers of each cursor it finds, so this file was put here by somebody.
    const std::uint64_t ahead = position.seq - now.end.seq;
    position = now.end;
    books.start_seq -= std::min(books.start_seq, ahead);  // the books stay balanced
    changed = true;
    log(Severity::error, "cursor " + name,
        fmt::format("it was {} records ahead of the journal's end and is put back there", ahead));
  } else if (const Missing gap = journal.missing(position.seq, now.end.seq); gap.lost_in_crash > 0) {
    log(Severity::warning, "cursor " + name,
        fmt::format("{} records that it had not read were lost in a crash", gap.lost_in_crash));
  }
}

void Cursor::State::drop(Position to, DropReason reason, std::uint64_t records) {
  books.dropped[static_cast<std::size_t>(reason)] += records;
  settle(to, 0, 0);
}

void Cursor::State::settle(Position to, std::uint64_t acknowledged, std::uint64_t filtered) {
  THORLOG_ASSERT(to.seq >= position.seq);
  books.acknowledged += acknowledged;
  books.filtered += filtered;
  // What of the numbers up to `to` is in no book yet could not be read.
  const std::uint64_t booked = books.acknowledged + books.filtered + books.dropped_total();
  const std::uint64_t passed = to.seq - books.start_seq;
  THORLOG_ASSERT(booked <= passed);
  if (std::uint64_t missing = passed - booked; missing > 0) {
    const Missing why = journal.missing(position.seq, to.seq);
    const auto book = [&](DropReason reason, std::uint64_t most) {
      const std::uint64_t count = std::min(missing, most);
      books.dropped[static_cast<std::size_t>(reason)] += count;
      missing -= count;
    };
    book(DropReason::expired, why.expired);
    book(DropReason::lost_in_crash, why.lost_in_crash);
    book(DropReason::damaged, missing);
  }
  position = to;
  changed = true;
}

Status Cursor::State::save(bool now) {
  const std::int64_t time = clock.steady();
  if (changed && (now || time - written_at >= kWriteEvery)) {
    if (auto wrote = write(); !wrote) return wrote;
    written_at = time;
  }
  if (!unsynced || (!now && time - synced_at < kSyncEvery)) return ok();
  if (auto synced = file->sync_data(FaultPoint::cursor_sync); !synced) return synced;
  synced_at = time;
  unsynced = false;
  return ok();
}

Status Cursor::State::write() {
  CursorSlot slot;
  slot.generation = generation + 1;
  slot.journal_id = journal_id();
  slot.start_seq = books.start_seq;
  slot.acknowledged = books.acknowledged;
  slot.filtered = books.filtered;
  for (std::size_t i = 0; i < books.dropped.size(); ++i) slot.dropped[i] = books.dropped[i];
  slot.places[0] = {0, position.offset, position.seq};
  seal_slot(slot);
  const iovec part{&slot, sizeof slot};
  // The generation decides which slot: never over the newest one.
  const std::uint64_t at = slot.generation % 2 * kCursorSlotSize;
  if (auto wrote = file->write_at(at, {&part, 1}, FaultPoint::cursor_slot, nullptr); !wrote) return wrote;
  generation = slot.generation;
  changed = false;
  unsynced = true;
  return ok();
}

Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
Cursor::~Cursor() = default;

Result<std::unique_ptr<Cursor>> Cursor::open(FileSystem& files, const Clock& clock, const std::string& folder,
                                             const std::string& output, const Journal& journal, Start start) {
  auto state = std::make_unique<State>(files, clock, journal);
  if (auto opened = state->open(folder, output, start); !opened) return fail(std::move(opened).error());
  return std::unique_ptr<Cursor>(new Cursor(std::move(state)));
}

Position Cursor::position() const noexcept { return state_->position; }
const CursorBooks& Cursor::books() const noexcept { return state_->books; }
void Cursor::settle(Position to, std::uint64_t acknowledged, std::uint64_t filtered) {
  state_->settle(to, acknowledged, filtered);
}
void Cursor::drop(Position to, DropReason reason, std::uint64_t records) { state_->drop(to, reason, records); }
Status Cursor::save(bool now) { return state_->save(now); }

}  // namespace thorlog
