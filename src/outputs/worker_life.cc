// Beginning, change of target and end of an output's worker.
#include <algorithm>

#include "base/log.h"
#include "outputs/kinds.h"
#include "outputs/worker.h"

namespace thorlog {
namespace {

// An old sink gets this long to bring its last lines to their end before the new one takes over.
constexpr std::uint64_t kReplaceWithinMs = 2000;
constexpr std::uint64_t kTickMs = 1000;

}  // namespace

SinkContext OutputWorker::sink_context() {
  return {.loop = loop_, .host = *this, .clock = env_.clock, .name = settings_.name, .durability = env_.durability};
}

Result<std::unique_ptr<Sink>> OutputWorker::new_sink(const OutputSettings& settings) {
  return env_.make_sink ? env_.make_sink(settings, sink_context()) : make_sink(settings, sink_context());
}

Status OutputWorker::make_first_sink() {
  auto sink = new_sink(settings_);
  if (!sink) return fail(std::move(sink).error());
  sink_ = *std::move(sink);
  look_at_needs(settings_);
  publish();
  return ok();
}

// What of a record must be read. The rest of a batch in hand is read again, since what was read of it may be too
// little.
void OutputWorker::look_at_needs(const OutputSettings& settings) {
  wants_asset_ = needs_asset(settings) || matcher_.needs_asset();
  wants_fields_ = needs_fields(settings) || matcher_.needs_fields();
  record_ = {};
  if (!batch_) return;
  if (const std::uint64_t seq = records_->seq(); seq != 0)
    skip_before_ = std::max(skip_before_, seq + (held_ ? 0 : 1));
  records_.emplace(*batch_);
  held_ = false;
}

void OutputWorker::start() {
  sink_->start();
  tick_.start(kTickMs, kTickMs);
  turn();
}

void OutputWorker::update(OutputSettings settings, Matcher matcher) {
  if (finished_ || stopping_) return;
  matcher_ = std::move(matcher);
  look_at_needs(settings);
  const bool keep = same_sink(replacement_ ? *replacement_ : settings_, settings);
  if (keep) {
    (replacement_ ? *replacement_ : settings_) = std::move(settings);
    if (!replacement_) sink_->reopen();
  } else {
    replace_sink(std::move(settings));
  }
  turn();
}

void OutputWorker::reopen() {
  if (!finished_ && !closing_ && !replacement_) sink_->reopen();
}

void OutputWorker::replace_sink(OutputSettings settings) {
  const bool under_way = replacement_.has_value();
  replacement_ = std::move(settings);
  if (under_way) return;
  mark_half_batch();
  sink_->flush();
  deadline_.start(kReplaceWithinMs);
  sink_->close([this] { deadline_.start(0); });  // not from inside the sink's own callback
}

void OutputWorker::install_sink() {
  auto sink = new_sink(*replacement_);
  if (!sink) {  // was checked before; something has changed since
    log_limited(Severity::error, "update", "output " + settings_.name, sink.error().message());
    deadline_.start(kReplaceWithinMs);
    return;
  }
  settings_ = *std::move(replacement_);
  replacement_.reset();
  rewind_wanted_ = true;  // what the old one had not delivered goes to the new one
  sink_ = *std::move(sink);
  sink_->start();
  turn();
}

void OutputWorker::stop(std::chrono::milliseconds within) {
  if (stopping_) return;
  stopping_ = true;
  stop_within_ = within;
  drain_until_ = env_.journal.state().end.seq;
  if (replacement_) {  // the old sink is closing already
    closing_ = true;
    return deadline_.start(static_cast<std::uint64_t>(within.count()));
  }
  deadline_.start(static_cast<std::uint64_t>(within.count()) / 2);
  turn();
}

// Reads on until all is sent that was stored when the stop was asked for, but only for half of the time, and not for
// a target that is away or full.
void OutputWorker::close_when_drained() {
  const OutputState state = sink_->status().state;
  const bool drained = skip_before_ >= drain_until_ || drained_;
  if (deadline_.active() && !drained && state == OutputState::streaming) return;
  closing_ = true;
  if (finished_) return;
  mark_half_batch();
  sink_->flush();
  deadline_.start(static_cast<std::uint64_t>(stop_within_.count()) / 2);
  sink_->close([this] { deadline_.start(0); });
}

void OutputWorker::finish() {
  if (finished_) return;
  if (rewind_wanted_) do_rewind();
  settle_free();
  save(true);
  finished_ = true;
  publish();
  tick_.stop();
  deadline_.stop();
  loop_.stop();
}

}  // namespace thorlog
