// Silence, and what is not silence but our own deafness (specs 3, rule 5).
#include <fmt/format.h>

#include <algorithm>

#include "scans/watch.h"

namespace thorlog {

// How long we could not have heard this scan, in all: differences count. While its relay is dark it grows.
std::int64_t Watch::deafness(const Scan& scan) noexcept {
  const std::int64_t sum = deaf_sum_ + deafness_of(scan.core.input);
  return scan.peer == kNone ? sum : sum + peers_[scan.peer].dark_sum + dark_gap(scan.peer);
}

std::int64_t Watch::deafness_of(std::uint16_t input) const noexcept {
  if (deaf_inputs_.empty()) return 0;
  const auto found = deaf_inputs_.find(input);
  return found == deaf_inputs_.end() ? 0 : found->second;
}

// Else neither a start nor an end would be seen.
bool Watch::silence_tells(const Scan& scan) noexcept { return !scan.core.flooded && scan.core.info_seen; }

// How long a relay has been dark by now; 0: it is not, or the peer is no relay. One through which only one or two
// scans speak at a time is silent when they are; when several fall silent together, it was not they. One that had
// said nothing for a while before the relay's last line fell silent alone.
std::int64_t Watch::dark_gap(std::uint32_t number) noexcept {
  constexpr int kBusy = 3;
  Peer& peer = peers_[number];
  if (options_.files || peer.last_log == kNoTime || !peer.is_relay()) return 0;
  const std::int64_t gap = time_ - peer.last_log - (deaf_sum_ - peer.deaf_mark);
  if (gap <= options_.silence_suspect / 2) return 0;
  if (peer.judged != time_) {
    peer.judged = time_;
    const std::int64_t together = options_.silence_suspect / 4;
    int spoke = 0;
    for (const std::uint32_t n : peer.scans) {
      const Scan& scan = scans_[n];
      if (scan.is_open() && is_live(scan) && silence_tells(scan) && scan.core.last_log > peer.last_log - together)
        ++spoke;
    }
    peer.was_busy = spoke >= kBusy;
  }
  return peer.was_busy ? gap : 0;
}

void Watch::deaf(std::uint16_t input, std::int64_t from, std::int64_t to) { add_deaf(from, to, input); }

void Watch::add_deaf(std::int64_t from, std::int64_t to, std::uint16_t input) {
  if (to <= from) return;
  settle_all();  // they had been heard before
  if (input == 0)
    deaf_sum_ += to - from;
  else
    deaf_inputs_[input] += to - from;
  state_dirty_ = true;
  constexpr std::size_t kDeafTimes = 16;
  const auto same = std::find_if(deaf_times_.begin(), deaf_times_.end(), [&](const DeafTime& time) {
    return time.input == input && time.to >= from && time.from <= from;
  });
  if (same != deaf_times_.end())
    same->to = std::max(same->to, to);
  else
    deaf_times_.push_back({from, to, input});
  if (deaf_times_.size() > kDeafTimes) deaf_times_.pop_front();
  // What waits for silence waits longer, and what waits to be belied.
  if (input == 0) {
    for (std::uint32_t n = 0; n < assets_.end(); ++n) {
      Asset& asset = assets_[n];
      if (!asset.used || !asset.evidence || asset.evidence->boot_due == kNoTime || asset.evidence->boot_due <= from)
        continue;
      asset.evidence->boot_due += to - from;
      mark(asset, Dirty::state);
    }
  }
  for (std::uint32_t n = 0; n < scans_.end(); ++n) {
    Scan& scan = scans_[n];
    if (!scan.used || (input != 0 && scan.core.input != input)) continue;
    for (std::int64_t* due : {&scan.core.stop_due, &scan.core.abort_due, &scan.core.restart_due})
      if (*due != kNoTime && *due > from) {
        *due += to - from;
        mark(scan, Dirty::state);
      }
  }
}

// After a start those who send need a while before they go on: until the first line we are as good as deaf, though
// not for longer than a grace.
void Watch::hear_first(std::int64_t now) {
  awaits_first_ = false;
  add_deaf(life_began_, std::min(now, life_began_ + options_.interrupt_grace), 0);
  for (std::uint32_t n = 0; n < scans_.end(); ++n)
    if (scans_[n].used && scans_[n].pending) arm_scan(n);
  for (std::uint32_t n = 0; n < assets_.end(); ++n)
    if (assets_[n].used && assets_[n].evidence) arm_asset(n);
}

// When what is pending is decided: not before that.
std::int64_t Watch::decided(std::int64_t due) const noexcept {
  return due == kNoTime || !awaits_first_ ? due : std::max(due, life_began_ + options_.interrupt_grace);
}

// How much of the time since then we could not hear this input. Good for windows of minutes: it is not kept.
std::int64_t Watch::deaf_since(std::int64_t from, std::uint16_t input) const noexcept {
  std::int64_t sum = 0;
  for (const DeafTime& time : deaf_times_)
    if (time.input == 0 || time.input == input) sum += std::max<std::int64_t>(0, time.to - std::max(time.from, from));
  return sum;
}

// When the silence that we could have heard is this long; after a start of the daemon nobody is silent at once.
std::int64_t Watch::silence_due(const Scan& scan, std::int64_t length) noexcept {
  const std::int64_t due = scan.core.last_log + length + deafness(scan) - scan.core.deaf;
  return life_began_ == kNoTime ? due : std::max(due, life_began_ + options_.silence_suspect);
}

std::int64_t Watch::silence_due(const AssetCore& core) const noexcept {
  const std::int64_t due = core.last_log + options_.asset_silent + deaf_sum_ - core.deaf;
  return life_began_ == kNoTime ? due : std::max(due, life_began_ + options_.silence_suspect);
}

void Watch::check_silence(std::uint32_t number, std::int64_t now) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (!silence_tells(scan)) {
    if (silence_due(scan, options_.silence_lost) > now) return;
    core.closed = true;
    core.closed_log = now;
    core.cause = Cause::info_suppressed;
    closed_.emplace_back(time_, number);
    mark(scan, Dirty::state);
    return tell(number, {.type = DetectionType::completion_unknown,
                         .cause = Cause::info_suppressed,
                         .confidence = "low",
                         .evidence = {core.last_lines[0]}});
  }
  const bool suspect = core.state == ScanState::suspect;
  if (silence_due(scan, suspect ? options_.silence_lost : options_.silence_suspect) > now) {
    // Perhaps only because the relay that carries it is dark.
    if (scan.peer == kNone || peers_[scan.peer].dark) return;
    Peer& peer = peers_[scan.peer];
    if (dark_gap(scan.peer) == 0 || core.last_log + options_.silence_suspect > now) return;
    peer.dark = true;
    ++counters_.dark_peers;
    return sink_.on_dark_peer(peer.address, true);
  }
  if (!suspect) {
    core.state = ScanState::suspect;
    core.recover_due = kNoTime;
    core.cause = modules_.is_frozen_prone(scan.last_module) ? Cause::av_edr_suspected : Cause::silence;
    core.told = DetectionType::scan_suspect;
    core.told_cause = core.cause;
    mark(scan, Dirty::state);
    return tell(number, {.type = DetectionType::scan_suspect,
                         .cause = core.cause,
                         .confidence = "low",
                         .evidence = {core.last_lines[0]}});
  }
  // The decisive point: does the asset still talk, while the scan does not?
  if (options_.files) return lose(number, Cause::unknown, "low");
  Asset& asset = assets_[scan.asset];
  settle(asset);
  if (asset.core.last_log > core.last_log + std::min(options_.silence_suspect, options_.silence_lost / 2))
    return lose(number, Cause::killed_externally, "medium");
  lose(number, asset.core.other_log == kNoTime ? Cause::unknown : Cause::asset_offline, "low");
}

void Watch::lose(std::uint32_t number, Cause cause, std::string_view confidence) {
  Scan& scan = scans_[number];
  const std::string resolves = scan.core.state == ScanState::suspect && scan.core.told == DetectionType::scan_suspect
                                   ? told_key(scan)
                                   : std::string();
  scan.core.ended_wall = scan.core.last_wall;
  close(scan, ScanState::lost, cause);
  tell(number, {.type = DetectionType::scan_lost,
                .cause = cause,
                .confidence = confidence,
                .evidence = {scan.core.last_lines[1], scan.core.last_lines[0]},
                .resolves = resolves});
  scan.core.told = DetectionType::scan_lost;
  scan.core.told_cause = cause;
}

void Watch::asset_silence(std::uint32_t number, std::int64_t now) {
  Asset& asset = assets_[number];
  AssetCore& core = asset.core;
  if (core.silent || !(core.mapped || core.scanned || core.agent) || core.last_log == kNoTime) return;
  if (silence_due(core) > now) return;
  core.silent = true;
  mark(asset, Dirty::state);
  if (is_known_by_name(asset)) return;
  // Its own newest stamp names this silence, whichever of its last lines arrived last.
  tell_asset(number,
             {.type = DetectionType::asset_silent,
              .confidence = "medium",
              .discriminator = fmt::format("{}", core.last_stamp != kNoTime ? core.last_stamp : core.last_wall)});
}

}  // namespace thorlog
