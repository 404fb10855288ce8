#include "outputs/worker.h"

#include <algorithm>

#include "base/log.h"
#include "wire/encode_syslog.h"

namespace thorlog {
namespace {

// After so many bytes the loop gets its turn, so that timers and sockets are never kept waiting for long.
constexpr std::size_t kBytesPerTurn = 1U << 20;

}  // namespace

OutputWorker::OutputWorker(Loop& loop, OutputEnvironment environment, OutputSettings settings, Matcher matcher,
                           std::unique_ptr<Cursor> cursor, std::shared_ptr<DeadLetters> letters)
    : loop_(loop),
      env_(std::move(environment)),
      settings_(std::move(settings)),
      matcher_(std::move(matcher)),
      journal_id_(env_.journal.uuid()),
      cursor_(std::move(cursor)),
      letters_(std::move(letters)),
      reader_(env_.journal, cursor_->position()),
      wake_(loop, [this] { turn(); }),
      tick_(loop, [this] { tick(); }),
      deadline_(loop,
                [this] {
                  if (replacement_ && !stopping_) return install_sink();
                  closing_ ? finish() : close_when_drained();
                }),
      park_again_(loop,
                  [this] {
                    park_refused_ = false;
                    turn();
                  }),
      replay_timer_(loop, [this] { turn(); }),
      skip_before_(cursor_->position().seq),
      replay_(replay_environment()) {
  find_parked();
  replay_.load(cursor_->position().seq);
  assets_changed();
}

OutputWorker::~OutputWorker() = default;

void OutputWorker::wake() noexcept {
  // The journal has published before this; the output sets asleep_ by an exchange, too, and looks at the journal once
  // more after it. Of the two exchanges the later one sees what stands before the other.
  if (asleep_.exchange(false)) wake_.ring();
}

// ---- reading, matching, writing

void OutputWorker::turn() {
  if (finished_) return;
  asleep_.store(false, std::memory_order_relaxed);
  now_ = env_.clock.wall();
  if (rewind_wanted_) do_rewind();
  const bool more = feed();
  feed_replay();
  if (!closing_ && !replacement_) sink_->flush();
  if (rewind_wanted_) do_rewind();
  settle_free();
  save(false);
  publish();
  if (stopping_ && !closing_) close_when_drained();
  if (finished_) return;
  if (more || !sleep()) wake_.ring();
}

// Gives false when somebody else has to call again: the journal, or the sink.
bool OutputWorker::feed() {
  std::size_t bytes = 0;
  while (!rewind_wanted_ && !closing_ && !replacement_) {
    if (bytes >= kBytesPerTurn) return true;
    if (!batch_ && !next_batch()) return false;
    if (!feed_batch()) return rewind_wanted_;
    bytes += batch_->bytes().size();
    end_batch();
  }
  return rewind_wanted_;
}

// Fetched also when the sink takes nothing, so that the age of what waits is known.
bool OutputWorker::next_batch() {
  auto next = reader_.next();
  if (!next) {
    log_limited(Severity::error, "read", "output " + settings_.name, next.error().message());
    return false;
  }
  drained_ = !*next;
  if (drained_) {
    // The last numbers may be of records that can't be read any more.
    if (const Position end = reader_.position(); end.seq > skip_before_) {
      ledger_.close(end, {}, 0);
      skip_before_ = end.seq;
    }
    return false;
  }
  batch_ = *std::move(next);
  records_.emplace(*batch_);
  held_ = false;
  sink_->begin_batch(batch_);
  return true;
}

// False: the sink takes no more for now, and the batch isn't through.
bool OutputWorker::feed_batch() {
  const std::int64_t lag = settings_.max_lag.count();
  const bool late = lag != 0 && batch_->stored() < now_ - lag;
  if (park_refused_ || (!late && !sink_->ready())) return false;
  for (;;) {
    if (!held_ && !next_record()) return true;
    held_ = false;
    if (records_->seq() < skip_before_) continue;
    switch (hand_over(late)) {
      case Taken::yes:
        break;
      case Taken::oversize:  // and there was no room for it among the dead letters
      case Taken::not_now:
        held_ = true;
        if (sink_->wants_early_marks()) mark_half_batch();
        return false;
    }
  }
}

// The fields only where somebody looks at them: reading them takes longer than handing over the line.
bool OutputWorker::next_record() {
  if (wants_fields_) return records_->next(record_);
  while (records_->next_line(record_)) {
    const bool is_syslog = settings_.type == OutputType::syslog;
    if (!is_syslog || !may_have_hops(record_.event.raw)) {
      record_.event.structured_data = {};  // an earlier record's
      return true;
    }
    if (records_->read_fields(record_)) return true;
  }
  return false;
}

Taken OutputWorker::hand_over(bool late) {
  const Event& event = record_.event;
  if (event.kind == Kind::life) {  // our own heartbeat: for the scan watch only
    ++tally_.filtered;
    return Taken::yes;
  }
  const bool too_long = is_too_long(event);
  if (!too_long && is_parked(records_->seq())) {
    ++tally_.parked;
    return Taken::yes;
  }
  const StoredRecord stored = stored_record(*batch_, *records_, record_);
  if (!matcher_.matches(stored)) {
    ++tally_.filtered;
    return Taken::yes;
  }
  if (late) {
    ++tally_.max_lag;
    return Taken::yes;
  }
  if (settings_.type == OutputType::syslog && hops_of(event) >= kMostHops) {
    return park_unsent(stored, "loop", "it came through eight thorlogds: the outputs send in a circle");
  }
  if (too_long) return hand_over_shortened(stored);
  const Taken taken = sink_->write(stored);
  if (taken == Taken::oversize) {
    return park_unsent(stored, "oversize", "longer than the target takes, as it is configured");
  }
  if (taken == Taken::yes) {
    ++tally_.acknowledged;
    ledger_.took(record_.received, now_);
  }
  return taken;
}

StoredRecord OutputWorker::stored_record(const Batch& batch, const BatchReader& at, const Record& record) {
  return {.record = record,
          .partition = batch.partition(),
          .offset = at.offset(),
          .seq = at.seq(),
          .journal_id = journal_id_,
          .input_name = input_name(record.input),
          .asset = wants_asset_ ? asset_of(record.event) : std::string_view{}};
}

void OutputWorker::end_batch() {
  const Position end{batch_->end_offset(), batch_->end_seq()};
  const Token token = ledger_.close(end, tally_, batch_->stored());
  tally_ = {};
  skip_before_ = end.seq;
  records_.reset();
  batch_ = {};
  if (token != 0) sink_->mark(token);
}

// What the sink has taken of the batch in hand gets a mark of its own, so that it can be settled without the rest.
// The offset is only where a reader begins to look, so it stays at the batch's begin.
void OutputWorker::mark_half_batch() {
  if (!batch_ || rewind_wanted_ || tally_.total() == 0) return;
  const std::uint64_t looked_at = records_->seq() + (held_ ? 0 : 1);
  const Position end{batch_->base_offset(), std::max(skip_before_, looked_at)};
  const Token token = ledger_.close(end, tally_, batch_->stored());
  tally_ = {};
  skip_before_ = end.seq;
  if (token != 0) sink_->mark(token);
}

std::string_view OutputWorker::input_name(std::uint16_t number) {
  if (number >= input_names_.size()) input_names_.resize(number + 1U);
  std::string& name = input_names_[number];
  if (name.empty()) name = env_.journal.name_of(number);
  return name;
}

std::string_view OutputWorker::asset_of(const Event& event) {
  return assets_ ? assets_->find(event.canonical_host, event.host, event.ip) : std::string_view{};
}

void OutputWorker::assets_changed() {
  assets_ = env_.assets ? env_.assets() : nullptr;
  if (assets_ && assets_->size() == 0) assets_ = nullptr;
}

// ---- what comes back

void OutputWorker::sink_ready() noexcept { wake_.ring(); }

void OutputWorker::rewind() noexcept {
  rewind_wanted_ = true;
  wake_.ring();
}

void OutputWorker::reached(Token token) noexcept { ledger_.reached(token, env_.clock.wall(), latency_); }

void OutputWorker::delivered(Token token) noexcept {
  if (rewind_wanted_) return;
  reached(token);
  bool any = false;
  for (; !ledger_.empty() && ledger_.front().token <= token; any = true) settle_front();
  replay_.delivered(token);
  if (!any) return;
  save(false);
  publish();
}

void OutputWorker::settle_front() {
  const Ledger::Entry& entry = ledger_.front();
  const auto drop = [this](std::uint64_t records, DropReason reason) {
    if (records == 0) return;
    Position to = cursor_->position();
    to.seq += records;  // which of them it was does not matter: all up to entry.end are settled here
    cursor_->drop(to, reason, records);
  };
  const std::uint64_t from = cursor_->position().seq;
  drop(entry.tally.max_lag, DropReason::max_lag);
  const std::uint64_t handed = handed_and_parked_before(entry.end.seq);
  drop(entry.tally.parked + handed, DropReason::parked);
  cursor_->settle(entry.end, entry.tally.acknowledged - handed, entry.tally.filtered);
  parked_.erase(parked_.begin(), parked_.lower_bound(entry.end.seq));
  history_.note({.from = from,
                 .to = entry.end.seq,
                 .first = now_,
                 .last = env_.clock.wall(),
                 .acknowledged = entry.tally.acknowledged - handed,
                 .dropped = entry.tally.max_lag,
                 .reason = entry.tally.max_lag == 0 ? DropReason::count : DropReason::max_lag});
  ledger_.pop_front();
}

void OutputWorker::settle_free() {
  while (ledger_.front_is_free()) settle_front();
}

void OutputWorker::do_rewind() {
  rewind_wanted_ = false;
  settle_free();
  ledger_.clear();
  for (auto& [seq, handed] : parked_) handed = false;
  replay_.rewind();
  tally_ = {};
  held_ = false;
  records_.reset();
  batch_ = {};
  reader_.seek(cursor_->position());
  skip_before_ = cursor_->position().seq;
  drained_ = false;
}

// All up to `to`, but for those that were filtered, and those that lie among the dead letters.
void OutputWorker::drop_upto(Position to, DropReason reason, std::uint64_t filtered) {
  const std::uint64_t parked = parked_before(to.seq);
  Position middle = cursor_->position();
  history_.note({.from = middle.seq,
                 .to = to.seq,
                 .first = env_.clock.wall(),
                 .last = env_.clock.wall(),
                 .acknowledged = 0,
                 .dropped = to.seq - middle.seq - parked - filtered,
                 .reason = reason});
  middle.seq += parked;
  cursor_->drop(middle, DropReason::parked, parked);
  middle.seq = to.seq - filtered;
  cursor_->drop(middle, reason, middle.seq - cursor_->position().seq);
  cursor_->settle(to, 0, filtered);
  parked_.erase(parked_.begin(), parked_.lower_bound(to.seq));
}

void OutputWorker::drop_before(Position to, DropReason reason) {
  if (to.seq <= cursor_->position().seq) return;
  while (!ledger_.empty() && cursor_->position().seq < to.seq) {
    const Ledger::Entry& entry = ledger_.front();
    drop_upto(entry.end, reason, entry.tally.filtered);
    ledger_.pop_front();
  }
  if (cursor_->position().seq < to.seq) {  // not read that far yet
    drop_upto(to, reason, 0);
    do_rewind();
  }
  save(true);
  turn();
}

// ---- housekeeping

void OutputWorker::save(bool now) {
  if (auto saved = cursor_->save(now); !saved) {
    log_limited(Severity::error, "cursor", "output " + settings_.name, saved.error().message());
  }
}

void OutputWorker::tick() {
  const CursorBooks& books = cursor_->books();
  const std::uint64_t settled = books.acknowledged + books.filtered + books.dropped_total();
  std::uint64_t& slot = settled_at_tick_[ticks_ % settled_at_tick_.size()];
  const std::size_t span = std::min(ticks_, settled_at_tick_.size());
  if (span != 0)
    rate_ = static_cast<double>(settled - (span == settled_at_tick_.size() ? slot : settled_at_tick_[0])) /
            static_cast<double>(span);
  slot = settled;
  ++ticks_;
  replay_.tick();
  turn();
}

// True when nothing is left to do until somebody rings. The journal is looked at once more after asleep_ is set, so
// that no ring is missed.
bool OutputWorker::sleep() {
  if (batch_ || closing_ || replacement_) return true;  // the sink will call
  asleep_.exchange(true);
  if (!next_batch()) return true;
  asleep_.store(false, std::memory_order_relaxed);
  return false;
}

void OutputWorker::publish() {
  const SinkStatus& sink = sink_->status();
  const std::lock_guard lock(mutex_);
  OutputSnapshot& to = published_;
  if (to.name.empty()) to.name = settings_.name;
  to.state = finished_ ? OutputState::stopped : sink.state;
  if (to.state == OutputState::streaming && drained_) to.state = OutputState::idle;
  to.books = cursor_->books();
  to.position = cursor_->position();
  to.oldest_pending = !ledger_.empty() ? ledger_.front().stored : batch_ ? batch_->stored() : 0;
  to.retries = sink.retries;
  to.possibly_lost_bytes = sink.possibly_lost_bytes;
  to.repeated_bytes = sink.repeated_bytes;
  to.rate = rate_;
  to.replay = replay_.progress();
  to.dead_letters = letters_->count();
  to.dead_letter_bytes = letters_->bytes();
  to.latency = latency_;
  to.figures = sink.figures;
  if (to.target.size() != sink.target.size() || to.target != sink.target) to.target = sink.target;
  if (errors_seen_ != sink.error_count) {
    errors_seen_ = sink.error_count;
    to.last_error = sink.last_error;
    to.last_error_at = sink.last_error_at;
  }
  if (park_refused_ && !finished_) {
    to.state = OutputState::holding;
    to.last_error = park_error_;
    to.last_error_at = env_.clock.wall();
  }
}

OutputSnapshot OutputWorker::snapshot() const {
  OutputSnapshot copy;
  {
    const std::lock_guard lock(mutex_);
    copy = published_;
  }
  // The journal only grows, and the position was taken before: so the law holds with the end of now.
  const std::uint64_t end = std::max(env_.journal.state().end.seq, copy.position.seq);
  copy.stored = end - copy.books.start_seq;
  copy.pending = end - copy.position.seq;
  if (copy.pending == 0) copy.oldest_pending = 0;
  return copy;
}

}  // namespace thorlog
