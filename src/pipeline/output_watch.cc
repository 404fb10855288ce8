#include "pipeline/output_watch.h"

#include <fmt/format.h>

#include "base/log.h"

namespace thorlog {

void OutputWatch::look(const std::string& name, const OutputSnapshot& output, std::int64_t extra, std::int64_t now) {
  Seen& seen = outputs_[name];
  const bool target_is_well = output.state == OutputState::streaming || output.state == OutputState::idle;
  const bool moves = output.position.seq != seen.seq || output.pending == 0 || !target_is_well || seen.since == 0;
  if (moves) {
    if (seen.stalled != 0) log(Severity::notice, "output " + name, "makes progress again");
    seen = {output.position.seq, now, 0};
    return;
  }
  const std::int64_t without = now - seen.since;
  if (without < kPatience + extra) return;
  if (seen.stalled == 0) {
    log(Severity::error, "output " + name,
        fmt::format("has made no progress for {} s although its target takes lines; {} records wait. See thorlogctl "
                    "status; if it lasts, restart thorlogd (nothing is lost by it) and report the log",
                    without / 1'000'000'000, output.pending));
  }
  seen.stalled = without;
}

std::int64_t OutputWatch::stalled(const std::string& name) const {
  const auto found = outputs_.find(name);
  return found == outputs_.end() ? 0 : found->second.stalled;
}

}  // namespace thorlog
