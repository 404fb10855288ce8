// Deadlines: when scans and assets are looked at again, and what has become due then.
#include "scans/timers.h"

#include <algorithm>

#include "scans/watch.h"

namespace thorlog {
namespace {

std::int64_t earlier(std::int64_t a, std::int64_t b) noexcept {
  if (a == kNoTime) return b;
  return b == kNoTime ? a : std::min(a, b);
}

}  // namespace

void Watch::fire(std::int64_t until) {
  while (timers_.next() != kNoTime && timers_.next() <= until) {
    const Timers::Entry entry = timers_.take();
    if (entry.at > time_) time_ = entry.at;
    if (entry.owner == Timers::Owner::scan) {
      Scan& scan = scans_[entry.number];
      if (!scan.used || scan.armed != entry.at) continue;
      scan.armed = kNoTime;
      wake_scan(entry.number, entry.at);
    } else {
      Asset& asset = assets_[entry.number];
      if (!asset.used || asset.armed != entry.at) continue;
      asset.armed = kNoTime;
      wake_asset(entry.number, entry.at);
    }
  }
}

void Watch::wake_scan(std::uint32_t number, std::int64_t now) {
  const auto is_due = [now](std::int64_t due) { return due != kNoTime && due <= now; };
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (is_due(core.restart_due)) conclude_restart(number);
  if (is_due(decided(core.abort_due))) conclude_abort(number);
  if (is_due(decided(core.stop_due))) conclude_stop(number, now);
  if (is_due(core.recover_due)) reopen(number);
  if (is_live(scan)) {
    if (scan.is_open() && core.state != ScanState::stopping && core.restart_due == kNoTime) {
      if (core.state == ScanState::starting && now - core.run_log >= options_.start_merge) {
        core.state = core.flooded ? ScanState::reduced : ScanState::running;
        mark(scan, Dirty::state);
      }
      check_silence(number, now);
    } else if (core.state == ScanState::interrupted) {
      check_window(number, now);
    }
  }
  arm_scan(number);
}

// When a run that was interrupted can no longer be resumed, in log time.
std::int64_t Watch::window_end(const Scan& scan) const noexcept {
  const ScanCore& core = scan.core;
  const std::int64_t length =
      core.deadline_wall == kNoTime ? options_.resume_window : core.deadline_wall - core.born_wall;
  return std::max(core.born_log + length, core.closed_log + options_.silence_suspect);
}

void Watch::check_window(std::uint32_t number, std::int64_t now) {
  Scan& scan = scans_[number];
  const std::int64_t end = window_end(scan);
  if (now >= end) {
    lose(number, Cause::not_resumed, "medium");
  } else if (scan.core.resumes > 0 && !scan.core.near_told && now >= end - options_.resume_window / 7) {
    scan.core.near_told = true;
    mark(scan, Dirty::state);
    tell(number, {.type = DetectionType::resume_limit_near, .deadline = scan.core.deadline_wall});
  }
}

void Watch::wake_asset(std::uint32_t number, std::int64_t now) {
  settle(assets_[number]);
  const std::int64_t boot_due = decided(assets_[number].known().boot_due);
  if (boot_due != kNoTime && boot_due <= now) conclude_boot(number);
  asset_silence(number, now);
  arm_asset(number);
}

std::int64_t Watch::due_of(const Scan& scan) noexcept {
  const ScanCore& core = scan.core;
  std::int64_t due =
      earlier(earlier(core.restart_due, decided(core.abort_due)), earlier(decided(core.stop_due), core.recover_due));
  if (!is_live(scan)) return due;
  if (core.state == ScanState::interrupted) {
    const std::int64_t end = window_end(scan);
    due = earlier(due, end);
    if (core.resumes > 0 && !core.near_told) due = earlier(due, end - options_.resume_window / 7);
  } else if (scan.is_open() && core.state != ScanState::stopping && core.restart_due == kNoTime) {
    const bool blind = core.flooded || !core.info_seen;
    const bool late = blind || core.state == ScanState::suspect;
    due = earlier(due, silence_due(scan, late ? options_.silence_lost : options_.silence_suspect));
    if (core.state == ScanState::starting) due = earlier(due, core.run_log + options_.start_merge);
  }
  return due;
}

std::int64_t Watch::due_of(const Asset& asset) const noexcept {
  const AssetCore& core = asset.core;
  const std::int64_t boot_due = decided(asset.known().boot_due);
  if (core.silent || core.last_log == kNoTime || !(core.mapped || core.scanned || core.agent)) return boot_due;
  return earlier(boot_due, silence_due(core));
}

void Watch::arm_scan(std::uint32_t number) {
  Scan& scan = scans_[number];
  std::int64_t due = due_of(scan);
  // While a relay is dark the silence of its scans never comes nearer: look now and then.
  if (due != kNoTime && scan.peer != kNone && peers_[scan.peer].dark)
    due = std::max(due, time_ + options_.silence_suspect / 16);
  timers_.wake(Timers::Owner::scan, number, due, scan.armed);
  if (scan.armed == kNoTime) scan.plain = false;  // the next line arms it
}

void Watch::arm_asset(std::uint32_t number) {
  Asset& asset = assets_[number];
  settle(asset);
  timers_.wake(Timers::Owner::asset, number, due_of(asset), asset.armed);
  if (asset.armed != kNoTime) return;
  for (const std::uint32_t n : asset.scans) scans_[n].plain = false;  // the next line arms it
}

void Watch::arm_all() {
  timers_.clear();
  for (std::uint32_t n = 0; n < scans_.end(); ++n) {
    scans_[n].armed = kNoTime;
    if (scans_[n].used) arm_scan(n);
  }
  for (std::uint32_t n = 0; n < assets_.end(); ++n) {
    assets_[n].armed = kNoTime;
    if (assets_[n].used) arm_asset(n);
  }
}

}  // namespace thorlog
