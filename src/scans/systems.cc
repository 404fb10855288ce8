// Evidence from operating systems: shutdowns and boots, and what they say about the scans on that machine.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <fmt/format.h>

#include <algorithm>

#include "scans/watch.h"

namespace thorlog {

void Watch::os_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  const std::uint64_t hash = XXH3_64bits(event.canonical_host.data(), event.canonical_host.size());
  hear(peer_of(seen.record.peer), event, hash);
  if (event.canonical_host.empty() ||
      (event.flags & (flag::replayed | flag::ambiguous | flag::orphan | flag::split)) != 0)
    return;
  const Signal signal = rules_->signals().match(event).signal;
  const bool evidence = signal == Signal::boot || signal == Signal::boot_dirty || signal == Signal::shutdown ||
                        signal == Signal::shutdown_planned;
  const std::uint32_t number = evidence ? make_asset(event, hash) : asset_for_line(event, hash);
  if (number == kNone) return;
  Asset& asset = assets_[number];
  const bool heard = asset.core.system_log != kNoTime;
  touch(asset, seen);
  switch (signal) {
    case Signal::shutdown_planned:
    case Signal::shutdown:
      return on_shutdown(number, seen, signal == Signal::shutdown_planned);
    case Signal::service_stop:
      asset.core.service_log = seen.log_time;
      return mark(asset, Dirty::state);
    case Signal::boot:
    case Signal::boot_dirty:
      if (asset.core.boot_log == kNoTime || seen.log_time - asset.core.boot_last > options_.start_merge)
        asset.core.boot_heard = heard;
      return on_boot(number, seen, signal == Signal::boot_dirty);
    default:
      return;
  }
}

void Watch::on_shutdown(std::uint32_t number, const SeenRecord& seen, bool planned) {
  Asset& asset = assets_[number];
  (planned ? asset.core.planned_log : asset.core.shutdown_log) = seen.log_time;
  (planned ? asset.core.planned_line : asset.core.shutdown_line) = seen.id;
  mark(asset, Dirty::state);
  // A copy: deciding about a scan may change the list.
  const Numbers scans = asset.scans;
  for (const std::uint32_t n : scans)
    stop_scan(n, planned ? stop::planned : stop::shutdown, seen.log_time, seen.log_time + options_.interrupt_grace,
              seen.id);
}

// One boot is told by several lines; the first of them is when it was.
void Watch::on_boot(std::uint32_t number, const SeenRecord& seen, bool dirty) {
  Asset& asset = assets_[number];
  AssetCore& core = asset.core;
  const std::string_view raw = seen.record.event.raw;
  const std::uint64_t hash = XXH3_64bits(raw.data(), raw.size());
  if (core.boot_log == kNoTime || seen.log_time - core.boot_last > options_.start_merge) {
    core.boot_log = seen.log_time;
    core.boot_wall = seen.record.received;
    core.boot_due = seen.log_time + options_.interrupt_grace / 2;
    core.boot_count = 0;
    core.boot_dirty = core.boot_told = false;
    core.boot_hash = hash;
  }
  core.boot_last = seen.log_time;
  core.boot_dirty = core.boot_dirty || dirty;
  if (!core.boot_told) core.boot_hash = std::min(core.boot_hash, hash);  // whichever line came first
  if (core.boot_count < core.boot_lines.size()) core.boot_lines[core.boot_count++] = seen.id;
  mark(asset, Dirty::state);
  arm_asset(number);
}

Cause Watch::boot_cause(const Asset& asset) const noexcept {
  const AssetCore& core = asset.core;
  if (core.boot_dirty) return Cause::dirty;
  const auto before = [&](std::int64_t log) {
    return log != kNoTime && log >= core.boot_log - clean_window() && log <= core.boot_log + reorder();
  };
  if (before(core.planned_log) || before(core.shutdown_log) || before(core.service_log)) return Cause::clean;
  return core.boot_heard ? Cause::dirty : Cause::unknown;
}

void Watch::conclude_boot(std::uint32_t number) {
  Asset& asset = assets_[number];
  AssetCore& core = asset.core;
  core.boot_due = kNoTime;
  core.boot_told = true;
  core.boot_cause = boot_cause(asset);
  mark(asset, Dirty::state);
  const std::vector<RecordId> lines(core.boot_lines.begin(), core.boot_lines.begin() + core.boot_count);
  tell_asset(number, {.type = DetectionType::asset_booted,
                      .cause = core.boot_cause,
                      .confidence = core.boot_cause == Cause::unknown                    ? "low"
                                    : core.boot_dirty || core.boot_cause == Cause::clean ? "high"
                                                                                         : "medium",
                      .discriminator = fmt::format("{:016x}", core.boot_hash),
                      .evidence = lines});
  const Numbers scans = asset.scans;
  for (const std::uint32_t n : scans) {
    Scan& scan = scans_[n];
    if (!scan.is_open() || !is_live(scan) || scan.core.restart_due != kNoTime) continue;
    if (scan.core.last_log > core.boot_log + reorder()) continue;  // it has spoken since: not its machine
    std::vector<RecordId> evidence;
    if (scan.core.state == ScanState::stopping)
      for (const RecordId& line : scan.wait().stop_lines)
        if (!(line == RecordId{})) evidence.push_back(line);
    evidence.insert(evidence.end(), lines.begin(), lines.end());
    if ((scan.core.stop_bits & (stop::interrupt | stop::wait)) != 0)
      interrupt(n, DetectionType::orderly_restart, Cause::reboot, "high", std::move(evidence));
    else if (core.boot_cause == Cause::clean)
      interrupt(n, DetectionType::orderly_restart, Cause::os_shutdown, "high", std::move(evidence));
    else
      interrupt(n, DetectionType::disorderly_restart, Cause::boot, core.boot_dirty ? "high" : "medium",
                std::move(evidence));
  }
}

}  // namespace thorlog
