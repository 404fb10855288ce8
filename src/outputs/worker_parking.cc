// Dead letters of an output's worker: what the target will never take leaves the stream, whole and synced, so that it
// blocks nobody.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "outputs/worker.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kParkAgainMs = 2000;

}  // namespace

// A crash between a park and the cursor: the letter is there, and the record must not be sent or parked once more.
void OutputWorker::find_parked() {
  for (const std::uint64_t seq : letters_->numbers()) {
    if (seq >= cursor_->position().seq) parked_.emplace(seq, false);
  }
}

std::uint64_t OutputWorker::parked_before(std::uint64_t seq) const {
  if (parked_.empty()) return 0;
  return static_cast<std::uint64_t>(std::distance(parked_.begin(), parked_.lower_bound(seq)));
}

std::uint64_t OutputWorker::handed_and_parked_before(std::uint64_t seq) const {
  if (parked_.empty()) return 0;
  return static_cast<std::uint64_t>(
      std::count_if(parked_.begin(), parked_.lower_bound(seq), [](const auto& each) { return each.second; }));
}

bool OutputWorker::park(std::uint64_t seq, std::string_view reason, std::string_view answer) noexcept {
  if (replay_.park(seq, reason, answer)) return true;
  if (seq < cursor_->position().seq || is_parked(seq)) return true;  // settled before: nothing waits for it
  const Status parked = park_from_journal(seq, reason, answer);
  if (parked) return true;
  if (parked.error().code == Errc::corrupt_record) {  // nobody can keep it any more: the reader skips and counts it
    rewind();
    return true;
  }
  log_limited(Severity::error, "park", "output " + settings_.name,
              fmt::format("record {} can't be parked: {}; the output holds", seq, parked.error().message()));
  return false;
}

Status OutputWorker::park_stored(const StoredRecord& record, bool handed, std::string_view reason,
                                 std::string_view answer) {
  if (auto put = letters_->put(record, reason, answer, env_.clock.wall()); !put) return put;
  parked_.emplace(record.seq, handed);
  log_limited(Severity::warning, "parked", "output " + settings_.name,
              fmt::format("record {}-{} lies among the dead letters now ({}{}{}): see thorlogctl dead-letter list",
                          record.partition, record.offset, reason, answer.empty() ? "" : ": ", answer));
  return ok();
}

// Where reading must begin to find the record: at the end of the newest entry before it.
Position OutputWorker::place_before(std::uint64_t seq) const {
  Position at = cursor_->position();
  ledger_.for_each([&](const Ledger::Entry& entry) {
    if (entry.end.seq <= seq) at = entry.end;
  });
  return at;
}

Status OutputWorker::park_from_journal(std::uint64_t seq, std::string_view reason, std::string_view answer) {
  JournalReader reader(env_.journal, place_before(seq));
  for (;;) {
    auto batch = reader.next();
    if (!batch) return fail(std::move(batch).error());
    if (!*batch || (*batch)->base_seq() > seq) break;
    if ((*batch)->end_seq() <= seq) continue;
    BatchReader records(**batch);
    Record record;
    while (records.next(record)) {
      if (records.seq() == seq) return park_stored(stored_record(**batch, records, record), true, reason, answer);
    }
    break;
  }
  return fail({Errc::corrupt_record, "reading the record again in the journal: it is damaged or gone", 0});
}

// The record was never handed to the sink. Oversize: the disk or the limit refuses; the record stays in hand, and so
// does everything behind it.
Taken OutputWorker::park_unsent(const StoredRecord& record, std::string_view reason, std::string_view why) {
  if (is_parked(record.seq)) {
    ++tally_.parked;
    return Taken::yes;
  }
  const Status parked = park_stored(record, false, reason, why);
  if (parked) {
    ++tally_.parked;
    return Taken::yes;
  }
  park_error_ = parked.error().message();
  log_limited(Severity::error, "park", "output " + settings_.name, park_error_);
  park_refused_ = true;
  park_again_.start(kParkAgainMs);
  return Taken::oversize;
}

// Detections are ours, and short; a cut one would be none.
bool OutputWorker::is_too_long(const Event& event) const noexcept {
  return settings_.max_event != 0 && event.raw.size() > settings_.max_event && event.kind != Kind::detection;
}

// The whole line goes among the dead letters, and a shortened one to the target. It counts as parked, and is settled
// when the target has the shortened one; after a break or a crash that is sent again, the letter is not written
// again.
Taken OutputWorker::hand_over_shortened(const StoredRecord& record) {
  if (!sink_->ready()) return Taken::not_now;
  if (!is_parked(record.seq)) {
    const Taken parked = park_unsent(record, "max_event", "longer than max_event: a shortened one was sent");
    if (parked != Taken::yes) return parked;
    --tally_.parked;  // it is counted when it is settled
  }
  const Taken taken = sink_->write(shortener_.shorten(record, static_cast<std::size_t>(settings_.max_event)));
  if (taken == Taken::not_now) return taken;
  if (taken == Taken::oversize) {  // not even that: then the letter is all there is
    ++tally_.parked;
    return Taken::yes;
  }
  parked_[record.seq] = true;
  ++tally_.acknowledged;
  ledger_.took(record.record.received, now_);
  return Taken::yes;
}

}  // namespace thorlog
