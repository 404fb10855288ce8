// Lines that only count, by the hints of their workers. With very many scans nearly all of a line's time goes by
// waiting for memory: such a line touches three cache lines of its scan, the count of its module and its peer, all of
// which are asked for a few lines ahead. It does to them exactly what the full way would do
// (tests/scans/plain_test.cc compares), and whatever else it would change is left as a debt of the scan
// (`owes_asset`).
//
// Scan::plain says that nothing stands in the way. It is set behind an ordinary line that came by the full way, and
// whatever changes its state, or leaves it or its asset without a timer, takes it back.
#include <algorithm>

#include "scans/watch.h"

namespace thorlog {

std::size_t Watch::pass(std::span<const RecordHint> hints, std::size_t from, const BatchPlace& place) {
  if (from == 0) begin_ahead(hints);
  std::size_t n = from;
  for (; n < hints.size(); ++n) {
    look_ahead(hints, n);
    const RecordHint& hint = hints[n];
    if (!hint.ordinary || !may_pass() || awaits_first_) break;
    // As see() does; the full way finds it done.
    if (place.log_time > time_) {
      if (timers_.next() != kNoTime && timers_.next() < place.log_time) fire(place.log_time - 1);
      time_ = place.log_time;
    }
    if (time_ != place.log_time || !count_plain(hint, place, n)) break;
  }
  return n;
}

// In steps, each a few records behind the one before, so that none waits for memory: the place in the index; what
// stands there; what that refers to.
void Watch::begin_ahead(std::span<const RecordHint> hints) noexcept {
  const std::size_t some = hints.size();
  for (std::size_t n = 0; n < std::min(3 * kHintStep, some); ++n) fetch_index(hints[n]);
  for (std::size_t n = 0; n < std::min(2 * kHintStep, some); ++n) fetch_scan(hints[n], n);
  for (std::size_t n = 0; n < std::min(kHintStep, some); ++n) fetch_rest(hints[n], n);
}

void Watch::look_ahead(std::span<const RecordHint> hints, std::size_t n) noexcept {
  const std::size_t left = hints.size() - n;
  if (left > 3 * kHintStep) fetch_index(hints[n + 3 * kHintStep]);
  if (left > 2 * kHintStep) fetch_scan(hints[n + 2 * kHintStep], n + 2 * kHintStep);
  if (left > kHintStep) fetch_rest(hints[n + kHintStep], n + kHintStep);
}

void Watch::fetch_index(const RecordHint& hint) const noexcept {
  (hint.is_thor ? scan_index_ : asset_index_).fetch(hint.key);
}

void Watch::fetch_scan(const RecordHint& hint, std::size_t n) noexcept {
  std::uint32_t& guess = guesses_[n % guesses_.size()];
  guess = (hint.is_thor ? scan_index_ : asset_index_).guess(hint.key);
  if (guess == kNone) return;
  if (hint.is_thor)
    scans_.fetch(guess, 0, kPlainBytes);
  else
    fetch_asset(guess);
}

void Watch::fetch_rest(const RecordHint& hint, std::size_t n) const noexcept {
  const std::uint32_t guess = guesses_[n % guesses_.size()];
  if (guess == kNone || !hint.is_thor) return;
  const Scan& scan = scans_[guess];
  const std::size_t module = scan.find_module(modules_.known(hint.module));
  if (module < scan.module_count) prefetch(&scan.module(module));
  if (scan.peer != kNone) peers_.fetch(scan.peer, 0, offsetof(Peer, address));
  if (scan.plain && hint.ordinary) return;
  scans_.fetch(guess, kPlainBytes, sizeof(Scan));
  fetch_asset(scan.asset);
}

// False: nothing was changed, it needs the full way.
bool Watch::count_plain(const RecordHint& hint, const BatchPlace& place, std::size_t n) {
  const std::uint32_t number =
      scan_index_.find(hint.key, [&](std::uint32_t one) { return scans_[one].hash == hint.key; });
  if (number == kNone) return false;
  Scan& scan = scans_[number];
  if (!scan.plain || (hint.grouped && !scan.grouped)) return false;
  const std::uint16_t module = modules_.known(hint.module);
  if (module == Modules::kUnknown || rules_->signals().may_match_thor(modules_.rules(module), hint.level, hint.head))
    return false;
  if (!hear_plain(peers_[scan.peer], hint, scan)) return false;

  ScanCore& core = scan.core;
  count_line(core, {{place.partition, place.offset + hint.at},
                    place.seq + n,
                    time_,
                    hint.received,
                    hint.stream,
                    hint.input,
                    hint.level});
  core.deaf = deaf_sum_ + peers_[scan.peer].dark_sum + deafness_of(hint.input);
  count_module(scan, module);
  if (scan.dirty == Dirty::no) mark(scan, Dirty::counts);
  scan.newest_stamp = std::max(scan.newest_stamp, hint.stamp);
  if (!scan.owes_asset) {
    scan.owes_asset = true;
    if (Asset& asset = assets_[scan.asset]; asset.dirty == Dirty::no) mark(asset, Dirty::counts);
  }
  return true;
}

// hear() and what touch() does to a peer, when they have nothing to find out. False: they have.
bool Watch::hear_plain(Peer& peer, const RecordHint& hint, const Scan& scan) noexcept {
  if (peer.sender != hint.sender || peer.dark || peer.last_log == kNoTime) return false;
  if (peer.last_log != time_) {
    const bool may_be_dark = time_ - peer.last_log > options_.silence_suspect / 2;
    if (may_be_dark || peer.hosts_since == kNoTime || time_ - peer.hosts_since > day()) return false;
  }
  const auto end = peer.hosts.begin() + peer.host_count;
  if (std::find(peer.hosts.begin(), end, scan.host_hash) == end) {
    if (peer.host_count < peer.hosts.size()) return false;
    peer.dirty = true;
  }
  peer.judged = kNoTime;
  peer.last_log = time_;
  peer.deaf_mark = deaf_sum_;
  peer.last_scan = scan.number;
  if (peer.host_count == 1) peer.asset = scan.asset;
  if (scan.named) peer.named = scan.asset;
  return true;
}

// Behind a line that came by the full way and said nothing.
void Watch::judge_plain(Scan& scan) {
  const ScanCore& core = scan.core;
  const Asset& asset = assets_[scan.asset];
  scan.plain = is_live(scan) && (core.state == ScanState::running || core.state == ScanState::reduced) &&
               !core.closed && core.info_seen && scan.peer != kNone && core.restart_due == kNoTime &&
               core.abort_due == kNoTime && core.recover_due == kNoTime && scan.armed != kNoTime &&
               asset.armed != kNoTime && !asset.core.silent;
  scan.grouped = scan.group != nullptr;
  scan.named = scan.peer != kNone && asset.host != peers_[scan.peer].address;
}

// What plain lines of its scans left for the asset to learn.
void Watch::settle(Asset& asset) {
  const Scan* newest = nullptr;
  for (const std::uint32_t n : asset.scans) {
    Scan& scan = scans_[n];
    if (!scan.owes_asset) continue;
    scan.owes_asset = false;
    asset.core.last_stamp = std::max(asset.core.last_stamp, scan.newest_stamp);
    scan.newest_stamp = kNoTime;
    if (newest == nullptr || scan.core.applied_seq > newest->core.applied_seq) newest = &scan;
  }
  if (newest == nullptr) return;
  asset.core.last_log = newest->core.last_log;
  asset.core.last_wall = asset.core.thor_wall = newest->core.last_wall;
  asset.core.deaf = deaf_sum_;
  asset.core.applied_seq = newest->core.applied_seq;
}

void Watch::settle_all() {
  for (std::uint32_t n = 0; n < scans_.end(); ++n)
    if (scans_[n].used && scans_[n].owes_asset) settle(assets_[scans_[n].asset]);
}

}  // namespace thorlog
