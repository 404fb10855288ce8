// The agent's lines: interrupts, tasks, errors, and the end of all resumes.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "scans/watch.h"
#include "thor/lex.h"
#include "thor/scan_key.h"
#include "thor/stamp.h"

namespace thorlog {
namespace {

// Go's duration, "1m30s" or "45s" or "1500ms", in ns; 0: it is none.
std::int64_t duration_of(std::string_view text) noexcept {
  double total = 0;
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && (lex::is_digit(text[end]) || text[end] == '.')) ++end;
    double number = 0;
    if (end == 0 || end > 12 || std::from_chars(text.data(), text.data() + end, number).ec != std::errc()) return 0;
    text.remove_prefix(end);
    std::size_t unit = 0;
    while (unit < text.size() && lex::is_letter(text[unit])) ++unit;
    const std::string_view name = text.substr(0, unit);
    text.remove_prefix(unit);
    if (name == "h")
      total += number * 3600;
    else if (name == "m")
      total += number * 60;
    else if (name == "s")
      total += number;
    else if (name == "ms")
      total += number / 1000;
    else
      return 0;
  }
  return total < 86400 ? static_cast<std::int64_t>(total * 1e9) : 0;
}

// The text of "key":"..." in an agent's own JSON.
std::string_view member(std::string_view raw, std::string_view key) noexcept {
  const std::size_t at = raw.rfind(key);
  if (at == std::string_view::npos) return {};
  std::string_view rest = raw.substr(at + key.size());
  while (!rest.empty() && (rest[0] == ' ' || rest[0] == ':')) rest.remove_prefix(1);
  if (rest.empty() || rest[0] != '"') return {};
  rest.remove_prefix(1);
  return rest.substr(0, rest.find('"'));
}

// The hash of the task's uuid in a path, 0 when there is none.
std::uint64_t task_in(std::string_view text) noexcept {
  static constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  for (std::size_t dash = text.find('-', 8); dash != std::string_view::npos; dash = text.find('-', dash + 1)) {
    const std::size_t begin = dash - 8;
    if (begin + kShape.size() > text.size()) return 0;
    bool right = true;
    for (std::size_t n = 0; right && n < kShape.size(); ++n)
      right = kShape[n] == '-' ? text[begin + n] == '-' : lex::is_hex(text[begin + n]);
    if (right) return name_hash(text.substr(begin, kShape.size())) | 1;
  }
  return 0;
}

// What stays the same when a line comes again: without numbers.
std::uint64_t gist_of(std::string_view text) {
  std::string plain;
  for (const char c : text.substr(0, 512))
    if (!lex::is_digit(c)) plain += c;
  return name_hash(plain) | 1;
}

}  // namespace

void Watch::agent_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  const std::uint64_t hash = name_hash(event.canonical_host);
  const std::uint32_t peer = peer_of(seen.record.peer);
  hear(peer, event, hash);
  if (event.canonical_host.empty() || (event.flags & kDoubtfulOrOld) != 0) return;
  std::uint32_t asset = asset_of_sender(event, peer);
  if (asset == kNone) asset = make_asset(event, hash);
  if (asset == kNone) return;
  assets_[asset].core.agent = true;
  touch(assets_[asset], seen);

  const SignalMatch match = rules_->signals().match(event);
  switch (match.signal) {
    case Signal::agent_interrupt:
      return on_interrupt(asset, seen, false);
    case Signal::agent_wait:
      return on_interrupt(asset, seen, true);
    case Signal::agent_run:
      return on_agent_run(asset, seen, match.arguments);
    case Signal::resume_exhausted:
      return on_exhausted(asset, seen, match);
    case Signal::task_failed:
      on_task_failed(asset, seen);
      return agent_error(asset, seen);
    default:
      if (event.level == Level::error || event.level == Level::alert) agent_error(asset, seen);
  }
}

void Watch::management_line(const SeenRecord& seen) {
  const Event& event = seen.record.event;
  const std::uint64_t hash = name_hash(event.canonical_host);
  const std::uint32_t peer = peer_of(seen.record.peer);
  hear(peer, event, hash);
  if ((event.flags & kDoubtfulOrOld) != 0) return;
  std::uint32_t asset = asset_for_line(event, hash);
  const SignalMatch match = rules_->signals().match(event);
  if (match.signal == Signal::resume_exhausted && !event.canonical_host.empty()) {
    if (asset == kNone) asset = make_asset(event, hash);
    if (asset != kNone) on_exhausted(asset, seen, match);
  }
  if (asset != kNone) touch(assets_[asset], seen);
}

void Watch::on_interrupt(std::uint32_t number, const SeenRecord& seen, bool waits) {
  Asset& asset = assets_[number];
  const std::int64_t now = seen.log_time;
  AssetEvidence& evidence = asset.learn();
  (waits ? evidence.wait_log : evidence.interrupt_log) = now;
  (waits ? evidence.wait_line : evidence.interrupt_line) = seen.id;
  mark(asset, Dirty::state);
  const std::int64_t named = duration_of(member(seen.record.event.raw, "\"timeout\""));
  // The time that it names runs from its first line.
  const std::int64_t asked =
      waits && asset.known().interrupt_log != kNoTime && now - asset.known().interrupt_log <= reorder()
          ? asset.known().interrupt_log
          : now;
  const std::int64_t due = asked + (named > 0 ? named / 3 * 4 : options_.interrupt_grace);
  const std::uint64_t task = waits ? task_in(seen.record.event.raw) : 0;
  const std::uint32_t scan = only_open(asset, task);
  if (scan == kNone) return;
  stop_scan(scan, waits ? stop::wait : stop::interrupt, now, due, seen.id);
  // Its first line named no task, and there was no telling.
  if (waits && asset.known().interrupt_log != kNoTime && now - asset.known().interrupt_log <= reorder())
    stop_scan(scan, stop::interrupt, asset.known().interrupt_log, due, asset.known().interrupt_line);
}

void Watch::stop_scan(std::uint32_t number, std::uint8_t bits, std::int64_t log, std::int64_t due, RecordId line) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.restart_due != kNoTime) {
    if (log - scan.wait().restart_log <= reorder()) return;  // the run before: conclude_restart() sees the asset
    conclude_restart(number);
  }
  if (!scan.is_open() || !is_live(scan)) return;
  // It was the agent who interrupted, or the machine that went down, and THOR says so too.
  if (core.abort_due != kNoTime &&
      (scan.wait().abort_cause == Cause::user || scan.wait().abort_cause == Cause::agent_error))
    core.abort_due = kNoTime;
  ScanPending& wait = scan.wait();
  const bool asks = (bits & (stop::interrupt | stop::wait)) != 0;
  const bool asked = (core.stop_bits & (stop::interrupt | stop::wait)) != 0;
  const bool named = (bits & stop::wait) != 0 && (core.stop_bits & stop::wait) == 0;
  if (core.state != ScanState::stopping || (asks && !asked) || named) {
    wait.stop_log = core.state == ScanState::stopping && asked ? std::min(wait.stop_log, log) : log;
    core.stop_due = due;
    if (core.state != ScanState::stopping) wait.stop_lines = {};
  } else if ((asks || !asked) && due > core.stop_due) {
    core.stop_due = due;
  }
  if (wait.stop_lines[0] == RecordId{})
    wait.stop_lines[0] = line;
  else if (!(wait.stop_lines[0] == line))
    wait.stop_lines[1] = line;
  core.stop_bits |= bits;
  core.state = ScanState::stopping;
  mark(scan, Dirty::state);
  arm_scan(number);
}

// The time that was given is over: did it stop?
void Watch::conclude_stop(std::uint32_t number, std::int64_t now) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  const Asset& asset = assets_[scan.asset];
  const ScanPending& wait = scan.wait();
  const bool asked = (core.stop_bits & (stop::interrupt | stop::wait)) != 0;
  const bool both = (core.stop_bits & stop::interrupt) != 0 && (core.stop_bits & stop::wait) != 0;
  const std::int64_t quarter = std::min(options_.interrupt_grace, core.stop_due - wait.stop_log) / 4;
  const bool speaks = core.last_log > core.stop_due - quarter;
  std::vector<RecordId> evidence;
  for (const RecordId& line : wait.stop_lines)
    if (!(line == RecordId{})) evidence.push_back(line);
  core.stop_due = kNoTime;
  if (!speaks && asked) {
    const bool shut = was_shut_down(asset, wait.stop_log - clean_window(), now);
    const bool booted = asset.known().boot_log != kNoTime && asset.known().boot_log >= wait.stop_log;
    return interrupt(number, DetectionType::orderly_restart, shut || booted ? Cause::reboot : Cause::agent_stop,
                     both || shut ? "high" : "medium", std::move(evidence));
  }
  if (!speaks && (core.stop_bits & stop::shutdown) != 0)
    return interrupt(number, DetectionType::orderly_restart, Cause::os_shutdown, "high", std::move(evidence));
  core.state = core.flooded ? ScanState::reduced : ScanState::running;
  core.stop_bits = 0;
  mark(scan, Dirty::state);
  if (asked)
    tell(number, {.type = DetectionType::interrupt_ignored, .confidence = "medium", .evidence = std::move(evidence)});
}

bool Watch::was_shut_down(const Asset& asset, std::int64_t from, std::int64_t to) const noexcept {
  const auto within = [&](std::int64_t log) { return log != kNoTime && log >= from && log <= to + reorder(); };
  return within(asset.known().planned_log) || within(asset.known().shutdown_log);
}

void Watch::on_agent_run(std::uint32_t number, const SeenRecord& seen, std::string_view arguments) {
  Asset& asset = assets_[number];
  asset.learn().agent_run_log = seen.log_time;
  asset.learn().agent_run_task = task_in(seen.record.event.raw);
  asset.learn().agent_resumes = arguments.find("--resume") != std::string_view::npos;
  asset.agent_arguments = std::make_unique<std::string>(arguments.substr(0, kMaxArguments));
  mark(asset, Dirty::state);
  // THOR may have been faster.
  const std::uint32_t open = only_open(asset);
  if (open == kNone) return;
  Scan& scan = scans_[open];
  if (scan.core.start_log == kNoTime || seen.log_time - scan.core.start_log > options_.start_merge) return;
  scan.task = asset.known().agent_run_task;
  if (!scan.arguments_text) scan.set_arguments(*asset.agent_arguments);
  mark(scan, Dirty::state);
}

void Watch::on_task_failed(std::uint32_t number, const SeenRecord& seen) {
  const std::uint32_t scan = only_open(assets_[number]);
  if (scan == kNone || scans_[scan].core.state == ScanState::stopping) return;
  wait_for_abort(scan, Cause::agent_error, seen.id, seen.log_time + options_.interrupt_grace);
}

// An error of the agent itself. The same text again and again is told once in an hour.
void Watch::agent_error(std::uint32_t number, const SeenRecord& seen) {
  Asset& asset = assets_[number];
  AssetEvidence& evidence = asset.learn();
  const std::uint64_t gist = gist_of(seen.record.event.message);
  std::size_t oldest = 0;
  for (std::size_t n = 0; n < evidence.errors.size(); ++n) {
    if (evidence.errors[n] == gist && seen.log_time - evidence.errors_log[n] < 60 * options_.interrupt_grace) return;
    if (evidence.errors_log[n] < evidence.errors_log[oldest]) oldest = n;
  }
  evidence.errors[oldest] = gist;
  evidence.errors_log[oldest] = seen.log_time;
  mark(asset, Dirty::state);
  tell_asset(number, {.type = DetectionType::agent_error,
                      .discriminator = fmt::format("{:016x}", name_hash(seen.record.event.raw)),
                      .evidence = {seen.id},
                      .detail = std::string(seen.record.event.message.substr(0, 200))});
}

// No resume is left. The text comes at each retry and at each look at the task: it is told once.
void Watch::on_exhausted(std::uint32_t number, const SeenRecord& seen, const SignalMatch& match) {
  Asset& asset = assets_[number];
  const std::uint64_t deadline_hash = name_hash(match.deadline) | 1;
  if (asset.known().exhausted[0] == deadline_hash || asset.known().exhausted[1] == deadline_hash) return;
  asset.learn().exhausted = {deadline_hash, asset.known().exhausted[0]};
  mark(asset, Dirty::state);
  Finding finding{.type = DetectionType::resume_exhausted, .evidence = {seen.id}};
  finding.deadline = iso_time(match.deadline, nullptr);
  finding.discriminator = fmt::format("{}", finding.deadline);
  std::from_chars(match.max.data(), match.max.data() + match.max.size(), finding.max_resumes);

  // Which of its scans? The interrupted one whose window ends then; else the only one that is not complete.
  std::uint32_t best = kNone;
  std::int64_t best_distance = 0;
  int left = 0;
  for (const std::uint32_t n : asset.scans) {
    const Scan& scan = scans_[n];
    if (!is_live(scan) || scan.core.state == ScanState::completed || scan.core.state == ScanState::exhausted)
      continue;
    ++left;
    const std::int64_t end = scan.core.born_wall + options_.resume_window;
    const std::int64_t distance =
        (scan.core.state == ScanState::interrupted ? 0 : 1'000'000 * kSecond) +
        (finding.deadline == kNoTime ? 0
                                     : std::min<std::int64_t>(std::llabs(end - finding.deadline), 900'000 * kSecond));
    if (best == kNone || distance < best_distance) best = n, best_distance = distance;
  }
  if (best == kNone || (left > 1 && scans_[best].core.state != ScanState::interrupted))
    return tell_asset(number, std::move(finding));
  Scan& scan = scans_[best];
  if (scan.core.restart_due != kNoTime) conclude_restart(best);
  scan.core.max_resumes = finding.max_resumes;
  scan.core.deadline_wall = finding.deadline;
  close(scan, ScanState::exhausted, Cause::none);
  tell(best, std::move(finding));
  scan.core.told = DetectionType::resume_exhausted;
  scan.core.told_cause = Cause::none;
  arm_scan(best);
}

}  // namespace thorlog
