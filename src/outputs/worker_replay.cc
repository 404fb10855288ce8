// What a worker sends beside its live stream: only while that has nothing to send.
#include "outputs/worker.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kReplayEveryMs = 50;

}  // namespace

ReplayStream::Environment OutputWorker::replay_environment() {
  return {env_.journal,
          env_.files,
          env_.clock,
          env_.state_folder + "/replays",
          settings_.name,
          letters_,
          [this](StoredRecord& record) {
            record.input_name = input_name(record.record.input);
            if (wants_asset_) record.asset = asset_of(record.record.event);
          },
          [this](const StoredRecord& record) { return matcher_.matches(record); }};
}

void OutputWorker::feed_replay() {
  if (!replay_.active()) return replay_timer_.stop();
  if (!replay_timer_.active()) replay_timer_.start(kReplayEveryMs, kReplayEveryMs);
  if (!drained_ || batch_ || rewind_wanted_ || closing_ || stopping_ || replacement_ || !sink_->ready()) return;
  if (!replay_.feed(*sink_)) return;
  const Token token = ledger_.spare();
  replay_.marked(token);
  sink_->mark(token);
}

Status OutputWorker::replay(const ReplayRequest& request) {
  Status started = replay_.start(request, cursor_->position().seq);
  turn();
  return started;
}

void OutputWorker::cancel_replay() {
  replay_.cancel();
  turn();
}

void OutputWorker::retry(const std::vector<std::uint64_t>& letters) {
  replay_.retry(letters);
  turn();
}

}  // namespace thorlog
