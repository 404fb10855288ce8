// JournalReader: recent batches from memory, older ones from the disk.
#include <algorithm>
#include <deque>

#include "base/log.h"
#include "journal/journal_state.h"
#include "journal/scanner.h"

namespace thorlog {
namespace {

constexpr std::size_t kReadBytes = 1U << 20;
constexpr std::size_t kSeekBytes = 64U << 10;  // while looking for a place only headers are wanted; for few batches

}  // namespace

struct JournalReader::State {
  State(Journal::State& the_journal, Position from) : journal(the_journal), position(from) {}

  using Where = SharedLog::Where;
  Result<BatchRef> next();
  Result<BatchRef> next_from_disk(const SharedLog::DiskRange& range);
  Status open(const SharedLog::DiskRange& range);
  Result<std::uint64_t> find_start(const SharedLog::DiskRange& range);
  Result<BatchRef> give_from_disk(const SharedLog::DiskRange& range);
  BatchRef checked_batch(std::uint64_t end_seq);
  void note_damaged_records(const Batch& batch);
  BatchRef take(BatchRef batch);
  void close_file();

  Journal::State& journal;
  Position position;
  bool only_synced = false;
  std::size_t read_bytes = kReadBytes;
  SharedLog::Place place;
  std::vector<BatchRef> taken;  // from memory, given one by one
  std::size_t given = 0;
  // The segment being read from the disk.
  std::shared_ptr<const Segment> segment;
  std::unique_ptr<File> file;
  std::unique_ptr<Scanner> scanner;
  std::uint64_t least_seq = 0;  // a batch with a lower number is not sound
};

JournalReader::JournalReader(Journal& journal, Position from)
    : state_(std::make_unique<State>(*journal.state_, from)) {
  state_->place.seq = from.seq;
  state_->journal.shared.enter(state_->place);
}

JournalReader::~JournalReader() { state_->journal.shared.leave(state_->place); }

Position JournalReader::position() const noexcept { return state_->position; }
void JournalReader::only_synced(bool on) { state_->only_synced = on; }
void JournalReader::read_little() { state_->read_bytes = kSeekBytes; }
Result<BatchRef> JournalReader::next() { return state_->next(); }

void JournalReader::seek(Position to) {
  state_->taken.clear();
  state_->given = 0;
  state_->close_file();
  state_->position = to;
  state_->journal.shared.move(state_->place, to.seq);
}

BatchRef JournalReader::State::take(BatchRef batch) {
  // Numbers before the first segment are expired, those between two segments lost in a crash; the rest is damage.
  if (batch->base_seq() > position.seq) journal.shared.note_damage(position.seq, batch->base_seq());
  position = {batch->end_offset(), batch->end_seq()};
  return batch;
}

Result<BatchRef> JournalReader::State::next() {
  for (;;) {
    if (given < taken.size()) return take(std::move(taken[given++]));
    taken.clear();
    given = 0;
    SharedLog::DiskRange range;
    switch (journal.shared.look(place, position, only_synced, taken, range)) {
      case Where::memory:
        close_file();
        continue;
      case Where::nothing:
        if (range.skip_to.seq > position.seq) position = range.skip_to;
        return BatchRef();
      case Where::disk:
        break;
    }
    const Position before = position;
    auto batch = next_from_disk(range);
    if (!batch || *batch) return batch;
    if (position.seq == before.seq) return batch;  // can't happen; never turn in circles
  }
}

void JournalReader::State::close_file() {
  scanner.reset();
  file.reset();
  segment.reset();
}

Result<BatchRef> JournalReader::State::next_from_disk(const SharedLog::DiskRange& range) {
  if (segment != range.segment) {
    if (auto opened = open(range); !opened) {
      // Removed under our eyes (by us, or by somebody else): its numbers are gone.
      if (journal.files.exists(range.segment->path)) return fail(std::move(opened).error());
      journal.shared.note_damage(std::max(position.seq, range.segment->first_seq), range.end_seq);
      position = {range.end, range.end_seq};
      return BatchRef();
    }
  }
  return give_from_disk(range);
}

Status JournalReader::State::open(const SharedLog::DiskRange& range) {
  close_file();
  auto opened = journal.files.open(range.segment->path, FileSystem::Open::read, FaultPoint::none);
  if (!opened) return fail(std::move(opened).error());
  file = *std::move(opened);
  auto start = find_start(range);
  if (!start) {
    file.reset();
    return fail(std::move(start).error());
  }
  scanner = std::make_unique<Scanner>(*file, range.segment->base, journal.checksum, read_bytes);
  scanner->go_to(*start, range.end);
  segment = range.segment;
  least_seq = segment->first_seq;
  return ok();
}

// The offset of the batch that holds the position, or the first one after it.
Result<std::uint64_t> JournalReader::State::find_start(const SharedLog::DiskRange& range) {
  const std::uint64_t first = range.segment->base + kSegmentHeaderSize;
  if (position.seq <= range.segment->first_seq) return first;
  Scanner headers(*file, range.segment->base, journal.checksum, kSeekBytes);
  if (position.offset >= first && position.offset < range.end) {  // most positions are at the begin of a batch
    headers.go_to(position.offset, range.end);
    auto found = headers.next(false, 0);
    if (found && *found == Scanner::Found::batch && headers.header().base_seq == position.seq) return position.offset;
  }
  headers.go_to(first, range.end);
  for (std::uint64_t least = 0;;) {
    auto found = headers.next(false, least);
    if (!found) return fail(std::move(found).error());
    if (*found == Scanner::Found::end) return headers.position();
    if (*found == Scanner::Found::damage) continue;
    least = headers.header().base_seq + headers.header().count;
    if (least > position.seq) return headers.position() - headers.header().bytes;
  }
}

// The next batch of the open file. Nothing: the rest of the range holds none, and the position is behind it.
Result<BatchRef> JournalReader::State::give_from_disk(const SharedLog::DiskRange& range) {
  scanner->set_limit(range.end);
  for (;;) {
    auto found = scanner->next(true, least_seq);
    if (!found) return fail(std::move(found).error());
    if (*found == Scanner::Found::damage) {
      log_limited(Severity::error, "journal-damage", segment->path, "damaged bytes are skipped");
      continue;
    }
    const BatchHeader& header = scanner->header();
    if (*found == Scanner::Found::end || header.base_seq >= range.end_seq) {
      journal.shared.note_damage(std::max(position.seq, segment->first_seq), range.end_seq);
      position = {range.end, range.end_seq};
      return BatchRef();
    }
    least_seq = header.base_seq + header.count;
    if (least_seq > position.seq) return take(checked_batch(range.end_seq));
  }
}

// The batch that the scanner found, with all of its checksums looked at. A torn one at a segment's end says more
// records than the segment holds.
BatchRef JournalReader::State::checked_batch(std::uint64_t end_seq) {
  const BatchHeader& header = scanner->header();
  const std::span<const std::byte> body = scanner->body();
  const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(header.count, end_seq - header.base_seq));
  const bool doubtful = inspect_batch(body, count, journal.checksum).sound < count;
  BatchRef batch = Batch::inside(scanner->memory(), scanner->at(), body.size(), count, journal.checksum, doubtful);
  if (doubtful) note_damaged_records(*batch);
  return batch;
}

void JournalReader::State::note_damaged_records(const Batch& batch) {
  log_limited(Severity::error, "journal-damage", segment->path, "damaged records are skipped");
  BatchReader reader(batch);
  Record record;
  std::uint64_t expected = batch.base_seq();
  while (reader.next(record)) {
    if (reader.seq() > expected) journal.shared.note_damage(expected, reader.seq());
    expected = reader.seq() + 1;
  }
  if (expected < batch.end_seq()) journal.shared.note_damage(expected, batch.end_seq());
}

}  // namespace thorlog
