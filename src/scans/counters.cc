// What the watch counts of itself: scans by their states, and the memory of all.
#include <algorithm>
#include <utility>

#include "scans/watch.h"

namespace thorlog {

// Its state may be another one: for counters().
void Watch::restate(Scan& scan) {
  if (scan.restated || scan.core.candidate) return;
  scan.restated = true;
  restated_.push_back(scan.number);
}

const ScanWatchCounters& Watch::counters() noexcept {
  for (const std::uint32_t number : restated_) {
    Scan& scan = scans_[number];
    if (!scan.used || scan.core.candidate) continue;
    scan.restated = false;
    count_state(scan, false);
    scan.counted = scan.core.state;
    count_state(scan, true);
  }
  restated_.clear();
  weigh();
  counters_.bytes = own_bytes_ + scan_index_.memory() + asset_index_.memory() + peer_index_.memory() +
                    scans_.end() * sizeof(Scan) + assets_.end() * sizeof(Asset) + peers_.end() * sizeof(Peer) +
                    timers_.size() * sizeof(Timers::Entry);
  counters_.assets = assets_.size();
  counters_.peers = peers_.size();
  return counters_;
}

void Watch::count_state(const Scan& scan, bool in) noexcept {
  if (scan.counted == kNotCounted) return;
  std::uint64_t& count = counters_.scans[static_cast<std::size_t>(scan.counted)];
  in ? ++count : --count;
}

// The memory that scans and assets have of their own. With very many, some thousand at each look: all of them at once
// would cost more than the lines do.
void Watch::weigh() noexcept {
  constexpr std::uint32_t kAtOnce = 8192;
  const auto text = [](const std::string& one) { return one.capacity() > 15 ? one.capacity() + 1 : 0; };
  const std::uint32_t end = std::max(scans_.end(), assets_.end());
  const std::uint32_t until = std::min(end, weighed_ + kAtOnce);
  for (std::uint32_t n = weighed_; n < std::min(until, scans_.end()); ++n) {
    const Scan& scan = scans_[n];
    weighing_ += text(scan.id) + (scan.modules_more ? sizeof *scan.modules_more : 0) +
                 (scan.arguments_text ? sizeof(std::string) + text(*scan.arguments_text) : 0) +
                 (scan.pending ? sizeof(ScanPending) : 0);
  }
  for (std::uint32_t n = weighed_; n < std::min(until, assets_.end()); ++n) {
    const Asset& asset = assets_[n];
    weighing_ += text(asset.host) + text(asset.label) + text(asset.ip) +
                 asset.scans.capacity() * sizeof(std::uint32_t) + (asset.evidence ? sizeof(AssetEvidence) : 0) +
                 (asset.agent_arguments ? sizeof(std::string) + text(*asset.agent_arguments) : 0);
  }
  weighed_ = until;
  if (until < end) return;
  own_bytes_ = std::exchange(weighing_, 0);
  weighed_ = 0;
}

}  // namespace thorlog
