// Evidence from operating systems: shutdowns and boots, and what they say about the scans on that machine.
#include <fmt/format.h>

#include <algorithm>

#include "scans/watch.h"
#include "thor/scan_key.h"

namespace thorlog {

void Watch::os_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  const std::uint64_t hash = name_hash(event.canonical_host);
  hear(peer_of(seen.record.peer), event, hash);
  if (event.canonical_host.empty() || (event.flags & kDoubtfulOrOld) != 0) return;
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
      asset.learn().service_log = seen.log_time;
      return mark(asset, Dirty::state);
    case Signal::boot:
    case Signal::boot_dirty:
      if (asset.known().boot_log == kNoTime || seen.log_time - asset.known().boot_last > options_.start_merge)
        asset.learn().boot_heard = heard;
      return on_boot(number, seen, signal == Signal::boot_dirty);
    default:
      return;
  }
}

void Watch::on_shutdown(std::uint32_t number, const SeenRecord& seen, bool planned) {
  Asset& asset = assets_[number];
  AssetEvidence& evidence = asset.learn();
  (planned ? evidence.planned_log : evidence.shutdown_log) = seen.log_time;
  (planned ? evidence.planned_line : evidence.shutdown_line) = seen.id;
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
  AssetEvidence& evidence = asset.learn();
  const std::string_view raw = seen.record.event.raw;
  const std::uint64_t hash = name_hash(raw);
  if (evidence.boot_log == kNoTime || seen.log_time - evidence.boot_last > options_.start_merge) {
    evidence.boot_log = seen.log_time;
    evidence.boot_wall = seen.record.received;
    evidence.boot_due = seen.log_time + options_.interrupt_grace / 2;
    evidence.boot_count = 0;
    evidence.boot_dirty = evidence.boot_told = false;
    evidence.boot_hash = hash;
  }
  evidence.boot_last = seen.log_time;
  evidence.boot_dirty = evidence.boot_dirty || dirty;
  if (!evidence.boot_told) evidence.boot_hash = std::min(evidence.boot_hash, hash);  // whichever line came first
  if (evidence.boot_count < evidence.boot_lines.size()) evidence.boot_lines[evidence.boot_count++] = seen.id;
  mark(asset, Dirty::state);
  arm_asset(number);
}

Cause Watch::boot_cause(const Asset& asset) const noexcept {
  const AssetEvidence& evidence = asset.known();
  if (evidence.boot_dirty) return Cause::dirty;
  const auto before = [&](std::int64_t log) {
    return log != kNoTime && log >= evidence.boot_log - clean_window() && log <= evidence.boot_log + reorder();
  };
  if (before(evidence.planned_log) || before(evidence.shutdown_log) || before(evidence.service_log))
    return Cause::clean;
  return evidence.boot_heard ? Cause::dirty : Cause::unknown;
}

void Watch::conclude_boot(std::uint32_t number) {
  Asset& asset = assets_[number];
  AssetEvidence& boot = asset.learn();
  boot.boot_due = kNoTime;
  boot.boot_told = true;
  boot.boot_cause = boot_cause(asset);
  mark(asset, Dirty::state);
  const std::vector<RecordId> lines(boot.boot_lines.begin(), boot.boot_lines.begin() + boot.boot_count);
  tell_asset(number, {.type = DetectionType::asset_booted,
                      .cause = boot.boot_cause,
                      .confidence = boot.boot_cause == Cause::unknown                    ? "low"
                                    : boot.boot_dirty || boot.boot_cause == Cause::clean ? "high"
                                                                                         : "medium",
                      .discriminator = fmt::format("{:016x}", boot.boot_hash),
                      .evidence = lines});
  const Numbers scans = asset.scans;
  for (const std::uint32_t n : scans) {
    Scan& scan = scans_[n];
    if (!scan.is_open() || !is_live(scan) || scan.core.restart_due != kNoTime) continue;
    if (scan.core.last_log > boot.boot_log + reorder()) continue;  // it has spoken since: not its machine
    std::vector<RecordId> evidence;
    if (scan.core.state == ScanState::stopping)
      for (const RecordId& line : scan.wait().stop_lines)
        if (!(line == RecordId{})) evidence.push_back(line);
    evidence.insert(evidence.end(), lines.begin(), lines.end());
    if ((scan.core.stop_bits & (stop::interrupt | stop::wait)) != 0)
      interrupt(n, DetectionType::orderly_restart, Cause::reboot, "high", std::move(evidence));
    else if (boot.boot_cause == Cause::clean)
      interrupt(n, DetectionType::orderly_restart, Cause::os_shutdown, "high", std::move(evidence));
    else
      interrupt(n, DetectionType::disorderly_restart, Cause::boot, boot.boot_dirty ? "high" : "medium",
                std::move(evidence));
  }
}

}  // namespace thorlog
