// THOR's lines: whose they are, what they count as, and what they say.
#include <algorithm>

#include "scans/watch.h"
#include "thor/lex.h"
#include "thor/scan_key.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostCandidates = 8192;
constexpr std::uint64_t kLinesToOpen = 3;

// Of such a line the scan id may be missing.
constexpr std::uint32_t kDamaged = flag::truncated | flag::incomplete | flag::lossy_possible | flag::gap |
                                   flag::unterminated | flag::json_invalid | flag::oversize;

bool is_abort(Signal signal) noexcept {
  return signal == Signal::max_runtime || signal == Signal::low_memory || signal == Signal::disk_full ||
         signal == Signal::user_abort;
}

// Whoever sends old lines over the network talks all the same, also to a thorlogd at the edge, whose id stands in the
// record's origin; an import says nothing of today.
bool talks(const SeenRecord& seen) noexcept {
  const std::string_view origin = seen.record.origin;
  return (seen.record.event.flags & flag::replayed) == 0 || origin.empty() ||
         (origin.starts_with("kafka:") && origin.find(';') != std::string_view::npos);
}

// What says by itself that a scan is there.
bool opens(Signal signal) noexcept { return signal == Signal::start || signal == Signal::end || is_abort(signal); }

}  // namespace

// Old lines tell their story by their own stamps.
std::int64_t Watch::when(const SeenRecord& seen) noexcept {
  const Event& event = seen.record.event;
  return (event.flags & flag::replayed) != 0 && event.timestamp != kNoTime ? event.timestamp : seen.log_time;
}

std::int64_t Watch::wall(const SeenRecord& seen) noexcept {
  const Event& event = seen.record.event;
  return (event.flags & flag::replayed) != 0 && event.timestamp != kNoTime ? event.timestamp : seen.record.received;
}

void Watch::thor_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  if ((event.flags & flag::orphan) != 0 || event.canonical_host.empty()) return;
  const std::uint64_t host_hash = name_hash(event.canonical_host);
  const std::uint32_t peer = peer_of(seen.record.peer);
  hear(peer, event, host_hash);
  if ((event.flags & kDoubtful) != 0 || !may_be_tracked(event.scan_id)) {
    const std::uint32_t asset = asset_for_line(event, host_hash);
    if (asset != kNone && talks(seen)) touch(assets_[asset], seen);
    return;
  }

  const std::uint64_t hash = scan_hash(event.scan_id, host_hash);
  std::uint32_t number = scan_for(event, host_hash, hash);
  if (event.scan_id.empty() && (number == kNone || scans_[number].core.candidate)) {
    // It lost its id, and several scans are open there: no telling whose it is, and no reason for one more.
    const std::uint32_t asset = asset_of(event.canonical_host, host_hash);
    if (asset != kNone && one_of_several(assets_[asset])) {
      if (talks(seen)) touch(assets_[asset], seen);
      return;
    }
  }
  if (number == kNone) number = make_candidate(seen, host_hash, hash);
  if (number == kNone) return;

  const std::uint16_t module = modules_.name(scans_[number].last_module) == event.module
                                   ? scans_[number].last_module
                                   : modules_.number_of(event.module);
  const std::uint64_t rules =
      module == Modules::kOther ? rules_->signals().thor_rules_of(event.module) : modules_.rules(module);
  SignalMatch match;
  if (rules != 0) match = rules_->signals().match_thor(event, rules);

  if (scans_[number].core.candidate && (opens(match.signal) || scans_[number].core.lines + 1 >= kLinesToOpen)) {
    number = admit(number);
    if (number == kNone) return;
  }
  Scan& scan = scans_[number];
  const bool old = (event.flags & flag::replayed) != 0;
  if (old && !scan.core.replayed && scan.core.lines != 0) return old_line(number, seen, match.signal);
  if (!old && scan.core.replayed) {  // an old log that has reached the present
    scan.core.replayed = false;
    mark(scan, Dirty::state);
  }
  if (peer != kNone && peer != scan.peer && !scan.core.candidate) set_peer(scan, peer);
  if (peer != kNone) peers_[peer].last_scan = number;
  if (talks(seen)) touch(assets_[scan.asset], seen);
  const std::int64_t before = scan.core.last_log;
  count(scan, seen, module);
  if (scan.core.candidate) return;
  act(number, seen, match, before);
  if (match.signal == Signal::none) judge_plain(scans_[number]);
}

std::uint32_t Watch::find_scan(std::string_view host, std::uint64_t hash, std::string_view id) const {
  return scan_index_.find(hash, [&](std::uint32_t n) {
    const Scan& scan = scans_[n];
    return scan.id == id && assets_[scan.asset].host == host;
  });
}

std::uint32_t Watch::scan_for(const Event& event, std::uint64_t host_hash, std::uint64_t hash) const {
  const std::uint32_t number = find_scan(event.canonical_host, hash, event.scan_id);
  if (!event.scan_id.empty()) return number;
  if (number != kNone && !scans_[number].core.candidate) return number;
  // A line that lost its scan id belongs to the one scan that is open there.
  const std::uint32_t asset = asset_of(event.canonical_host, host_hash);
  if (asset != kNone) {
    const std::uint32_t open = only_open(assets_[asset]);
    if (open != kNone) return open;
  }
  return number;
}

bool Watch::one_of_several(const Asset& asset) const {
  int open = 0;
  for (const std::uint32_t n : asset.scans)
    if (scans_[n].is_open() && is_live(scans_[n]) && !scans_[n].id.empty()) ++open;
  return open > 1;
}

// The one open scan of an asset, or the one of this task; kNone when there is none or no telling.
std::uint32_t Watch::only_open(const Asset& asset, std::uint64_t task) const {
  std::uint32_t found = kNone;
  int count = 0;
  for (const std::uint32_t n : asset.scans) {
    const Scan& scan = scans_[n];
    if (!scan.is_open() || !is_live(scan)) continue;
    if (task != 0 && scan.task == task) return n;
    found = n;
    ++count;
  }
  if (count != 1) return kNone;
  // Of another task, as far as is known.
  return task != 0 && scans_[found].task != 0 ? kNone : found;
}

std::uint32_t Watch::make_candidate(const SeenRecord& seen, std::uint64_t host_hash, std::uint64_t hash) {
  const Event& event = seen.record.event;
  if (event.scan_id.empty() && (event.flags & kDamaged) != 0) return kNone;
  if (candidates_.size() >= kMostCandidates) drop_candidates();
  const std::uint32_t asset = make_asset(event, host_hash);
  if (asset == kNone) return kNone;
  const std::uint32_t number = add_scan(asset, host_hash, hash, event.scan_id);
  Scan& scan = scans_[number];
  scan.core.candidate = true;
  scan.core.replayed = (event.flags & flag::replayed) != 0;
  scan.core.born_log = scan.core.run_log = when(seen);
  scan.core.born_wall = scan.core.run_wall = wall(seen);
  scan.core.run_stream = seen.record.stream;
  candidates_.emplace_back(seen.log_time, number);
  return number;
}

// With its place among the others, and nothing told of it.
std::uint32_t Watch::add_scan(std::uint32_t asset, std::uint64_t host_hash, std::uint64_t hash, std::string_view id) {
  const std::uint32_t number = scans_.add();
  Scan& scan = scans_[number];
  scan.used = true;
  scan.number = number;
  scan.asset = asset;
  scan.hash = hash;
  scan.host_hash = static_cast<std::uint32_t>(host_hash);
  scan.id = id;
  scan_index_.add(hash, number);
  assets_[asset].scans.push_back(number);
  return number;
}

// The older half of what has not become a scan.
void Watch::drop_candidates() {
  std::size_t kept = 0;
  const std::size_t half = candidates_.size() / 2;
  for (std::size_t n = 0; n < candidates_.size(); ++n) {
    const std::uint32_t number = candidates_[n].second;
    if (!scans_[number].used || !scans_[number].core.candidate) continue;
    if (n < half)
      forget(number);
    else
      candidates_[kept++] = candidates_[n];
  }
  candidates_.resize(kept);
}

void Watch::forget(std::uint32_t number) {
  Scan& scan = scans_[number];
  Asset& asset = assets_[scan.asset];
  settle(asset);
  asset.scans.erase(std::remove(asset.scans.begin(), asset.scans.end(), number), asset.scans.end());
  scan_index_.remove(scan.hash, number);
  if (!scan.core.candidate) {
    set_peer(scan, kNone);
    count_state(scan, false);
    --tracked_;
  }
  const AssetCore& core = asset.core;
  const bool needed =
      core.scanned || core.agent || core.mapped || asset.known().boot_log != kNoTime || !asset.scans.empty();
  if (!needed) {
    asset_index_.remove(asset.hash, asset.number);
    assets_.remove(asset.number);
  }
  scans_.remove(number);
}

void Watch::set_peer(Scan& scan, std::uint32_t peer) {
  scan.plain = false;
  if (scan.peer != kNone) {
    Numbers& scans = peers_[scan.peer].scans;
    const auto found = std::find(scans.begin(), scans.end(), scan.number);
    if (found != scans.end()) {
      *found = scans.back();
      scans.pop_back();
    }
  }
  scan.peer = peer;
  if (peer != kNone) peers_[peer].scans.push_back(scan.number);
}

// From a candidate to a scan. kNone: there is no room; it is forgotten and counted.
std::uint32_t Watch::admit(std::uint32_t number) {
  Scan& scan = scans_[number];
  const std::uint32_t peer = peer_of(seen_->record.peer);
  const bool full = peer != kNone && peers_[peer].scans.size() >= options_.max_scans_per_peer;
  if (full || (tracked_ >= options_.max_scans && !make_room())) {
    ++counters_.untracked;
    forget(number);
    return kNone;
  }
  Asset& asset = assets_[scan.asset];
  std::string blob;
  if (sink_.recall(asset.host, scan.id, blob)) {
    const auto lines = scan.core.lines;
    forget(number);
    number = restore(blob);
    if (number == kNone) return kNone;
    scans_[number].core.lines += lines;
    mark(scans_[number], Dirty::state);
    return number;
  }
  scan.core.candidate = false;
  scan.core.state = ScanState::running;
  ++tracked_;
  ++asset.core.scans;
  asset.core.scanned = true;
  set_peer(scan, peer);
  scan.task =
      asset.known().agent_run_log != kNoTime && seen_->log_time - asset.known().agent_run_log <= options_.start_merge
          ? asset.known().agent_run_task
          : 0;
  if (scan.task != 0 && asset.agent_arguments) scan.set_arguments(*asset.agent_arguments);
  mark(scan, Dirty::state);
  mark(asset, Dirty::state);
  arm_asset(scan.asset);
  return number;
}

// Makes room by forgetting a scan that is over and stored.
bool Watch::make_room() {
  while (!closed_.empty()) {
    const std::uint32_t number = closed_.front().second;
    closed_.pop_front();
    const Scan& scan = scans_[number];
    if (!scan.used || !scan.core.closed || scan.dirty != Dirty::no) continue;
    forget(number);
    return true;
  }
  return false;
}

void Watch::count_line(ScanCore& core, const Counted& line) noexcept {
  core.last_log = line.log;
  core.last_wall = line.wall;
  core.last_lines[1] = core.last_lines[0];
  core.last_lines[0] = line.id;
  core.applied_seq = line.seq;
  core.stream = line.stream;
  core.input = line.input;
  ++core.lines;
  ++core.run_lines;
  ++core.run_levels[static_cast<std::size_t>(line.level) % core.run_levels.size()];
  if (line.level == Level::alert) ++core.alerts;
  if (line.level == Level::warning) ++core.warnings;
  // Info is what suppressed logs lack; what is below it is printed even less.
  if (line.level == Level::info || line.level == Level::debug) core.info_seen = true;
}

void Watch::count_module(Scan& scan, std::uint16_t module) {
  const auto second = static_cast<std::uint32_t>(scan.core.last_wall / 1'000'000'000);
  std::size_t at = scan.find_module(module);
  if (at == kMaxModules)
    scan.module(--at).module = Modules::kOther;
  else if (at == scan.module_count)
    scan.add_module({module, 0, 0, second, second});
  scan.core.module_now = static_cast<std::uint16_t>(at);
  scan.last_module = module;
  ModuleCount& now = scan.module(at);
  ++now.lines;
  now.last = second;
}

void Watch::count(Scan& scan, const SeenRecord& seen, std::uint16_t module) {
  ScanCore& core = scan.core;
  const Event& event = seen.record.event;
  count_line(core, {seen.id, seen.seq, when(seen), wall(seen), seen.record.stream, seen.record.input, event.level});
  if (!event.group_id.empty() && !scan.group)
    scan.group = std::make_unique<std::string>(event.group_id.substr(0, 256));
  hear_again(scan);

  count_module(scan, module);
  if (scan.dirty == Dirty::no) mark(scan, Dirty::counts);
}

void Watch::act(std::uint32_t number, const SeenRecord& seen, const SignalMatch& match, std::int64_t before) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.service) return;
  switch (match.signal) {
    case Signal::start:
      return on_start(number, seen, before);
    case Signal::arguments:
      on_arguments(scan, match.arguments);
      break;
    case Signal::end:
      return on_end(number, seen);
    case Signal::service:
      core.service = true;
      mark(scan, Dirty::state);
      return;
    case Signal::max_runtime:
      return on_abort(number, Cause::max_runtime, {seen.id});
    case Signal::disk_full:
      return on_abort(number, Cause::disk_full, {seen.id});
    case Signal::low_memory:
      // The processes that used it follow at once.
      return wait_for_abort(number, Cause::low_memory, seen.id,
                            seen.log_time + std::min<std::int64_t>(500'000'000, options_.interrupt_grace / 8));
    case Signal::memory_consumer:
      if (core.abort_due != kNoTime && scan.wait().abort_cause == Cause::low_memory) {
        ScanPending& wait = scan.wait();
        if (wait.consumers < wait.consumer_lines.size()) wait.consumer_lines[wait.consumers++] = seen.id;
        if (wait.consumers == wait.consumer_lines.size()) conclude_abort(number);
      }
      return;
    case Signal::log_reduced:
      if (scan.is_open() && !core.flooded) {
        core.flooded = true;
        if (core.state != ScanState::stopping) core.state = ScanState::reduced;
        mark(scan, Dirty::state);
        tell(number, {.type = DetectionType::log_reduced, .cause = Cause::log_flood, .evidence = {seen.id}});
      }
      return;
    case Signal::log_stopped:
      if (core.flooded) return on_abort(number, Cause::log_flood, {seen.id});
      break;
    case Signal::user_abort:
      // Perhaps the agent says that it was its interrupt, before or after.
      if (core.state == ScanState::stopping && (core.stop_bits & (stop::interrupt | stop::wait)) != 0) break;
      return wait_for_abort(number, Cause::user, seen.id, seen.log_time + options_.interrupt_grace);
    default:
      break;
  }
  voice(number, seen);
}

// An old line of a scan that is alive: history that we have, or the end that we had not heard.
void Watch::old_line(std::uint32_t number, const SeenRecord& seen, Signal signal) {
  Scan& scan = scans_[number];
  if (talks(seen) && scan.is_open() && !scan.core.candidate) {
    settle(assets_[scan.asset]);
    // Whatever its stamp says (our clock may have been set, or its own): it came by the network, so the scan lives.
    scan.core.last_log = seen.log_time;
    hear_again(scan);
    if (scan.dirty == Dirty::no) mark(scan, Dirty::counts);
  }
  if (signal != Signal::end || scan.core.candidate || scan.core.state == ScanState::completed) return;
  if (scan.core.state == ScanState::aborted) return;
  if (const std::int64_t stamp = seen.record.event.timestamp; stamp == kNoTime || stamp < scan.core.run_wall) return;
  on_end(number, seen);
}

// An ordinary line: the scan lives.
void Watch::voice(std::uint32_t number, const SeenRecord& seen) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.restart_due != kNoTime) {
    const ScanPending& wait = scan.wait();
    if (seen.record.stream == core.run_stream && wait.restart_stream != core.run_stream &&
        seen.log_time - wait.restart_log > reorder())
      core.old_spoke = true;
  }
  // What dies of a panic says no more.
  if (core.abort_due != kNoTime && scan.wait().abort_cause == Cause::crash) core.abort_due = kNoTime;
  if (core.closed && core.state <= ScanState::suspect) {  // its completion had been called unknown
    core.closed = false;
    core.cause = Cause::none;
    mark(scan, Dirty::state);
  }
  switch (core.state) {
    case ScanState::running:
    case ScanState::reduced:
    case ScanState::stopping:
      break;
    case ScanState::starting:
      if (!lex::equal_ignoring_case(seen.record.event.module, "Startup") &&
          !lex::equal_ignoring_case(seen.record.event.module, "Init")) {
        core.state = core.flooded ? ScanState::reduced : ScanState::running;
        mark(scan, Dirty::state);
      }
      break;
    case ScanState::suspect:
      core.state = core.flooded ? ScanState::reduced : ScanState::running;
      core.cause = Cause::none;
      core.recover_due = seen.log_time + reorder();
      mark(scan, Dirty::state);
      break;
    case ScanState::interrupted:
    case ScanState::aborted:
    case ScanState::completed:
    case ScanState::exhausted:
    case ScanState::lost:
      // Late lines are normal for a while; behind that the scan goes on, unless a start follows.
      if (core.recover_due == kNoTime && when(seen) - core.closed_log > options_.interrupt_grace) {
        core.recover_due = seen.log_time + reorder();
        mark(scan, Dirty::state);
      }
      break;
  }
  if (scan.armed == kNoTime || core.recover_due != kNoTime) arm_scan(number);
}

}  // namespace thorlog
