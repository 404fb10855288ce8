#include "outputs/worker.h"

#include <algorithm>

#include "base/log.h"

namespace thorlog {
namespace {

// After so many bytes the loop gets its turn, so that timers and sockets are never kept waiting for long.
constexpr std::size_t kBytesPerTurn = 1U << 20;

}  // namespace

OutputWorker::OutputWorker(Loop& loop, OutputEnvironment environment, OutputSettings settings, Matcher matcher,
                           std::unique_ptr<Cursor> cursor)
    : loop_(loop),
      env_(std::move(environment)),
      settings_(std::move(settings)),
      matcher_(std::move(matcher)),
      journal_id_(env_.journal.uuid()),
      cursor_(std::move(cursor)),
      reader_(env_.journal, cursor_->position()),
      wake_(loop, [this] { turn(); }),
      tick_(loop, [this] { tick(); }),
      deadline_(loop,
                [this] {
                  if (replacement_ && !stopping_) return install_sink();
                  closing_ ? finish() : close_when_drained();
                }),
      skip_before_(cursor_->position().seq) {
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
  return true;
}

// False: the sink takes no more for now, and the batch isn't through.
bool OutputWorker::feed_batch() {
  const std::int64_t lag = settings_.max_lag.count();
  const bool late = lag != 0 && batch_->stored() < now_ - lag;
  if (!late && !sink_->ready()) return false;
  for (;;) {
    if (!held_ && !records_->next(record_)) return true;
    held_ = false;
    if (records_->seq() < skip_before_) continue;
    switch (hand_over(late)) {
      case Taken::yes:
        break;
      case Taken::oversize:
        ++tally_.oversize;
        break;
      case Taken::not_now:
        held_ = true;
        return false;
    }
  }
}

Taken OutputWorker::hand_over(bool late) {
  const Event& event = record_.event;
  if (event.kind == Kind::life) {  // our own heartbeat: for the scan watch only
    ++tally_.filtered;
    return Taken::yes;
  }
  const StoredRecord stored{.record = record_,
                            .partition = batch_->partition(),
                            .offset = records_->offset(),
                            .seq = records_->seq(),
                            .journal_id = journal_id_,
                            .input_name = input_name(record_.input),
                            .asset = wants_asset_ ? asset_of(event) : std::string_view{}};
  if (!matcher_.matches(stored)) {
    ++tally_.filtered;
    return Taken::yes;
  }
  if (late) {
    ++tally_.max_lag;
    return Taken::yes;
  }
  const Taken taken = sink_->write(stored);
  if (taken == Taken::yes) {
    ++tally_.acknowledged;
    ledger_.took(record_.received, now_);
  }
  return taken;
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
  drop(entry.tally.max_lag, DropReason::max_lag);
  drop(entry.tally.oversize, DropReason::oversize);
  cursor_->settle(entry.end, entry.tally.acknowledged, entry.tally.filtered);
  ledger_.pop_front();
}

void OutputWorker::settle_free() {
  while (ledger_.front_is_free()) settle_front();
}

void OutputWorker::do_rewind() {
  rewind_wanted_ = false;
  settle_free();
  ledger_.clear();
  tally_ = {};
  held_ = false;
  records_.reset();
  batch_ = {};
  reader_.seek(cursor_->position());
  skip_before_ = cursor_->position().seq;
  drained_ = false;
}

void OutputWorker::drop_before(Position to, DropReason reason) {
  if (to.seq <= cursor_->position().seq) return;
  while (!ledger_.empty() && cursor_->position().seq < to.seq) {
    const Ledger::Entry& entry = ledger_.front();
    const std::uint64_t kept = entry.tally.filtered;
    Position middle = cursor_->position();
    middle.seq = entry.end.seq - kept;
    cursor_->drop(middle, reason, middle.seq - cursor_->position().seq);
    cursor_->settle(entry.end, 0, kept);
    ledger_.pop_front();
  }
  if (cursor_->position().seq < to.seq) {  // not read that far yet
    cursor_->drop(to, reason, to.seq - cursor_->position().seq);
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
  to.latency = latency_;
  if (to.target.size() != sink.target.size() || to.target != sink.target) to.target = sink.target;
  if (errors_seen_ != sink.error_count) {
    errors_seen_ = sink.error_count;
    to.last_error = sink.last_error;
    to.last_error_at = sink.last_error_at;
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
