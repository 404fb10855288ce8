#include "journal/journal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "journal/cursor_file.h"
#include "journal/journal_state.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kLeastSegment = 64U << 10;
constexpr std::uint64_t kSegmentsInLimit = 8;  // open, next, reserve, and some to read from

std::string parent_of(const std::string& folder) {
  const std::size_t slash = folder.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : folder.substr(0, slash);
}

}  // namespace

Journal::State::State(FileSystem& file_system, const Clock& the_clock, JournalOptions the_options)
    : files(file_system),
      clock(the_clock),
      options(std::move(the_options)),
      partition_folder(options.folder + "/p00"),
      quarantine(options.folder + "/quarantine"),
      life(random_u64()),
      boot(boot_id()),
      shared(options.cache_bytes) {
  if (options.cursors.empty()) options.cursors = parent_of(options.folder) + "/cursors";
  // A small journal has small segments: a limit of one or two segments could never give anything back.
  const std::uint64_t most = options.max_bytes / kSegmentsInLimit / 4096 * 4096;
  options.segment_bytes =
      std::clamp(options.segment_bytes / 4096 * 4096, kLeastSegment, std::max(most, kLeastSegment));
}

Status Journal::State::open() {
  if (options.max_bytes < kSegmentsInLimit * kLeastSegment) {
    return fail({Errc::config,
                 fmt::format("journal.max_size is {} bytes, at least {} are needed", options.max_bytes,
                             kSegmentsInLimit * kLeastSegment),
                 0});
  }
  if (auto done = prepare_folders(); !done) return done;
  if (auto done = load_identity(); !done) return done;
  auto known = Names::open(files, options.folder);
  if (!known) return fail(std::move(known).error());
  names = *std::move(known);
  if (auto done = recover_segments(); !done) return done;
  return start();
}

Status Journal::State::prepare_folders() {
  const std::string state_folder = parent_of(options.folder);
  if (auto made = files.make_folder(partition_folder); !made) return made;
  auto network = files.network_kind(state_folder);
  if (!network) return fail(std::move(network).error());
  if (!network->empty()) {
    return fail({Errc::config,
                 fmt::format("{} is on a network file system ({}), which can't keep the journal's promises: "
                             "set state_directory to a local disk",
                             state_folder, *network),
                 0});
  }
  auto locked = files.lock_folder(state_folder);
  if (!locked) return fail(std::move(locked).error());
  lock = *std::move(locked);
  return ok();
}

Status Journal::State::load_identity() {
  auto in_segments = find_journal_id(files, partition_folder);
  if (!in_segments) return fail(std::move(in_segments).error());
  const std::string path = options.folder + "/JOURNAL";
  JournalFile stored;
  stored.magic = 0;
  if (files.exists(path)) {
    auto bytes = read_file(files, path, sizeof stored);
    if (!bytes) return fail(std::move(bytes).error());
    if (bytes->size() == sizeof stored) std::memcpy(&stored, bytes->data(), sizeof stored);
  }
  const bool sound =
      stored.magic == kJournalMagic && is_sealed(stored, Checksum(Checksum::seed_of(stored.journal_id)));
  if (sound && stored.version != kFormatVersion) {
    return fail({Errc::config,
                 fmt::format("{} has format version {}, this program knows {}", path, stored.version, kFormatVersion),
                 0});
  }
  auto any = has_segments(files, partition_folder);
  if (!any) return fail(std::move(any).error());
  if (sound && *any) {
    id = stored.journal_id;
    checksum = Checksum(Checksum::seed_of(id));
    return ok();
  }
  const bool segments = *in_segments != Uuid{};
  if (segments)
    log(Severity::error, "journal", fmt::format("{} is lost or damaged; made again from the segments", path));
  if (sound)
    log(Severity::warning, "journal",
        fmt::format("no segment is left in {}: a new journal begins", partition_folder));
  // Without segments nobody knows which ids were given out: only a new journal_id keeps them unique.
  return make_identity(segments ? *in_segments : random_uuid());
}

Status Journal::State::make_identity(const Uuid& uuid) {
  id = uuid;
  checksum = Checksum(Checksum::seed_of(id));
  JournalFile fresh;
  fresh.journal_id = id;
  fresh.created = clock.wall();
  seal_header(fresh, checksum);
  return replace_file(files, options.folder, "JOURNAL", {reinterpret_cast<const char*>(&fresh), sizeof fresh});
}

Status Journal::State::recover_segments() {
  auto found = recover(files, partition_folder, quarantine, 0, id, checksum, options.segment_bytes);
  if (!found) return fail(std::move(found).error());
  const CursorFloor floor = lowest_unused(files, options.cursors, id);
  log_end_seq = found->end_seq;
  next_base = round_up(std::max(found->next_base, floor.offset), 4096);
  next_seq = std::max(found->end_seq, floor.seq);
  last_stored = found->last_stored;
  log_time_base = std::max(clock.wall(), last_stored) - clock.steady();
  if (found->damaged > 0) {
    log(Severity::error, "journal", fmt::format("{} records can't be read (damaged)", found->damaged));
  }
  shared.begin(std::move(found->segments), {next_base + kSegmentHeaderSize, next_seq}, found->damaged);
  return ok();
}

Status Journal::State::start() {
  keeper = std::make_unique<Keeper>(options.background,
                                    [this](const Status& status, Position upto) { on_synced(status, upto); });
  next = std::make_unique<NextSegment>(files, *keeper, partition_folder);
  auto needs_space = [this](Error error) {
    if (error.code == Errc::disk_full) {
      error.doing = fmt::format("no space to start the journal in {}, {} bytes are needed: {}", options.folder,
                                2 * options.segment_bytes, error.doing);
    }
    return fail(std::move(error));
  };
  if (auto made = next->make_reserve(options.segment_bytes); !made) return needs_space(std::move(made).error());
  if (!fits_in_limit(options.segment_bytes)) {
    full = true;  // outputs drain it; tend() finds out when there is room
    wanted_bytes = options.segment_bytes;
    shared.set_full(true);
    update_books();
    return ok();
  }
  next->order(next_header(options.segment_bytes));
  auto made = next->take();
  if (!made) return needs_space(std::move(made).error());
  return begin_segment(*std::move(made));
}

Status Journal::State::close() {
  if (closed) return ok();
  if (auto left = leave_failed_file(); !left) log(Severity::error, "journal", left.error().message());
  closed = true;
  next->discard();
  if (segment) seal_open();
  keeper->wait_idle();
  if (failed) return fail({Errc::io, "closing the journal, which had failed before", 0});
  return ok();
}

Result<std::unique_ptr<Journal>> Journal::open(FileSystem& files, const Clock& clock, JournalOptions options) {
  auto state = std::make_unique<State>(files, clock, std::move(options));
  if (auto opened = state->open(); !opened) return fail(std::move(opened).error());
  return std::unique_ptr<Journal>(new Journal(std::move(state)));
}

Journal::Journal(std::unique_ptr<State> state) : state_(std::move(state)) {}

Journal::~Journal() {
  if (auto closed = close(); !closed) log(Severity::error, "journal", closed.error().message());
}

Status Journal::append(std::span<const BatchRef> batches, Room room) { return state_->append(batches, room); }
bool Journal::has_space() const noexcept { return !state_->full.load(std::memory_order_relaxed); }
std::int64_t Journal::log_time() const noexcept { return state_->log_time(); }
std::uint64_t Journal::life() const noexcept { return state_->life; }
void Journal::tend(Position acknowledged, std::string_view pinning) { state_->tend(acknowledged, pinning); }
Status Journal::close() { return state_->close(); }
std::uint64_t Journal::checksum_seed() const noexcept { return state_->checksum.seed(); }
std::string Journal::uuid() const { return to_text(state_->id); }
JournalState Journal::state() const { return state_->shared.state(); }
Missing Journal::missing(std::uint64_t from_seq, std::uint64_t to_seq) const {
  return state_->shared.missing(from_seq, to_seq);
}
Position Journal::place_before(std::uint64_t offset) const { return state_->shared.place_before(offset); }
TimeRangePlaces Journal::places_of(std::int64_t since, std::int64_t until) const {
  return state_->shared.places_of(since, until);
}
void Journal::on_progress(std::function<void()> wake) { state_->wake = std::move(wake); }
Result<std::uint16_t> Journal::number_of(std::string_view name) { return state_->names->number_of(name); }
std::string Journal::name_of(std::uint16_t number) const { return state_->names->name_of(number); }

}  // namespace thorlog
