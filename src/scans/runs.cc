// The life of a scan: starts, restarts, resumes, ends and aborts.
#include <algorithm>

#include "scans/watch.h"

namespace thorlog {
namespace {

// "--resume" and its like are what a resumed run has more, and a task's folder may be a new one: without them the
// arguments of two runs of one scan are the same.
std::string plain_arguments(std::string_view text) {
  std::string plain;
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = text.find(' ', at);
    if (end == std::string_view::npos) end = text.size();
    const std::string_view word = text.substr(at, end - at);
    at = end + 1;
    if (word.empty() || word == "--resume" || word == "--resumeonly" || word == "--resume-scan" ||
        word == "--resume-only")
      continue;
    if (!plain.empty()) plain += ' ';
    std::size_t hex = 0;
    for (const char c : word) {  // runs of eight or more hex digits are numbers of tasks
      plain += c;
      const bool is_hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-';
      hex = is_hex ? hex + 1 : 0;
      if (hex >= 8) {
        plain.resize(plain.size() - hex);
        plain += "########";
        hex = 8;
      }
    }
  }
  return plain;
}

bool is_over(ScanState state) noexcept { return state > ScanState::suspect; }

}  // namespace

void Watch::on_start(std::uint32_t number, const SeenRecord& seen, std::int64_t before) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  const std::int64_t now = when(seen);
  if (core.restart_due != kNoTime) return;  // one of several lines of that banner, or of a copy of it
  // Stamps of old lines know seconds only.
  const std::int64_t merge =
      core.replayed ? std::max<std::int64_t>(options_.start_merge, 2'000'000'000) : options_.start_merge;
  // A banner whose rest waited outside while we were away is still one.
  const auto is_recent = [&](std::int64_t log) {
    return log != kNoTime && now - log <= merge + (core.replayed ? 0 : deaf_since(log, seen.record.input));
  };
  if (is_recent(core.start_log)) return;
  if (!core.has_start && (!is_over(core.state) || core.replayed) && is_recent(core.run_log)) {
    // A line of the run had overtaken its start.
    core.has_start = true;
    core.start_log = now;
    core.info_seen = true;
    if (core.state == ScanState::running) core.state = ScanState::starting;
    mark(scan, Dirty::state);
    if (core.run == 1) {
      tell(number, {.type = DetectionType::scan_started, .evidence = {seen.id}});
      note_start(number, now, seen.id);
    }
    arm_scan(number);
    return;
  }
  core.recover_due = kNoTime;
  mark(scan, Dirty::state);
  ScanPending& wait = scan.wait();
  wait.restart_log = now;
  wait.restart_wall = wall(seen);
  wait.restart_line = seen.id;
  wait.restart_stream = seen.record.stream;
  wait.restart_lines = core.run_lines;
  wait.before_restart = before;
  core.old_spoke = false;
  scan.restart_arguments.reset();
  if (core.replayed || (is_over(core.state) && core.state != ScanState::aborted)) {
    core.restart_due = now;
    return conclude_restart(number);
  }
  // Is it the same scan again, or another run of the same id beside it? What follows tells.
  const Asset& asset = assets_[scan.asset];
  const bool known = core.state == ScanState::aborted || core.state == ScanState::stopping ||
                     (asset.known().boot_log != kNoTime && before != kNoTime && asset.known().boot_log > before);
  core.restart_due = seen.log_time + (known ? reorder() : options_.start_merge);
  arm_scan(number);
}

void Watch::on_arguments(Scan& scan, std::string_view arguments) {
  arguments = arguments.substr(0, kMaxArguments);
  if (scan.core.restart_due != kNoTime) {
    scan.restart_arguments = std::make_unique<std::string>(arguments);
  } else if (scan.core.parallel == 0) {
    scan.set_arguments(arguments);
  }
  mark(scan, Dirty::state);
}

void Watch::conclude_restart(std::uint32_t number) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  core.restart_due = kNoTime;
  const ScanPending wait = scan.wait();
  const bool other = scan.restart_arguments && scan.arguments_text &&
                     plain_arguments(*scan.restart_arguments) != plain_arguments(scan.arguments());
  if (!is_over(core.state) && (other || core.old_spoke)) {
    if (core.parallel < 200) ++core.parallel;
    core.start_log = wait.restart_log;
    scan.restart_arguments.reset();
    return mark(scan, Dirty::state);
  }
  if (core.abort_due != kNoTime) conclude_abort(number);

  if (!is_over(core.state) && !core.replayed) {
    // Why did the run before it end?
    const Asset& asset = assets_[scan.asset];
    const std::int64_t from = wait.before_restart == kNoTime ? core.run_log : wait.before_restart;
    const std::int64_t grace = options_.interrupt_grace;
    const bool stopped = core.state == ScanState::stopping;
    const bool asked = stopped && (core.stop_bits & (stop::interrupt | stop::wait)) != 0;
    const bool asked_beside = !asked && asset.known().interrupt_log != kNoTime &&
                              asset.known().interrupt_log >= from - grace &&
                              asset.known().interrupt_log <= wait.restart_log;
    const bool booted = asset.known().boot_log != kNoTime && asset.known().boot_log >= from - reorder() &&
                        asset.known().boot_log <= wait.restart_log + options_.start_merge;
    const bool shut = was_shut_down(asset, from - grace, wait.restart_log);
    std::vector<RecordId> evidence;
    if (stopped) evidence.assign(wait.stop_lines.begin(), wait.stop_lines.end());
    evidence.push_back(wait.restart_line);
    if (asked || asked_beside) {
      interrupt(number, DetectionType::orderly_restart, shut || booted ? Cause::reboot : Cause::agent_stop,
                asked ? "high" : "medium", std::move(evidence));
    } else if (shut || (booted && boot_cause(asset) == Cause::clean)) {
      interrupt(number, DetectionType::orderly_restart, Cause::os_shutdown, booted ? "high" : "medium",
                std::move(evidence));
    } else if (booted) {
      evidence.insert(evidence.begin(), asset.known().boot_lines.begin(),
                      asset.known().boot_lines.begin() + std::min<int>(asset.known().boot_count, 3));
      interrupt(number, DetectionType::disorderly_restart, Cause::boot,
                boot_cause(asset) == Cause::dirty ? "high" : "medium", std::move(evidence));
    } else {
      interrupt(number, DetectionType::disorderly_restart, Cause::resume, "medium", std::move(evidence));
    }
  }
  begin_run(number, wait.restart_log, wait.restart_wall, wait.restart_line, wait.restart_lines);
}

void Watch::begin_run(std::uint32_t number, std::int64_t log, std::int64_t wall_time, RecordId line,
                      std::uint32_t lines) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  const bool resumed = core.state == ScanState::interrupted || core.state == ScanState::lost ||
                       core.state == ScanState::exhausted ||
                       (core.state == ScanState::aborted && scan.restart_arguments &&
                        scan.restart_arguments->find("--resume") != std::string::npos);
  const std::string resolves = core.state == ScanState::lost ? told_key(scan) : std::string();
  run_over(scan);
  ++core.run;
  core.state = ScanState::starting;
  core.cause = Cause::none;
  core.closed = false;
  core.told = DetectionType::custom;
  core.has_start = true;
  core.flooded = false;
  core.info_seen = true;
  core.parallel = 0;
  core.stop_bits = 0;
  core.stop_due = core.recover_due = core.abort_due = kNoTime;
  core.closed_log = core.ended_wall = kNoTime;
  core.start_log = core.run_log = log;
  core.run_wall = wall_time;
  core.run_stream = scan.pending ? scan.pending->restart_stream : core.stream;
  const std::uint32_t old_lines = lines > 0 ? lines - 1 : 0;  // the start line had been counted already
  core.run_lines -= std::min(core.run_lines, old_lines);
  core.run_levels = {};
  core.run_levels[static_cast<std::size_t>(Level::info)] = core.run_lines;
  scan.module_count = 0;
  scan.add_module({scan.last_module, 0, core.run_lines, static_cast<std::uint32_t>(wall_time / 1'000'000'000),
                   static_cast<std::uint32_t>(core.last_wall / 1'000'000'000)});
  core.module_now = 0;
  if (scan.restart_arguments) scan.set_arguments(*scan.restart_arguments);
  scan.restart_arguments.reset();
  scan.pending.reset();
  hear_again(scan);
  mark(scan, Dirty::state);
  if (resumed) {
    ++core.resumes;
    tell(number, {.type = DetectionType::scan_resumed,
                  .discriminator = std::to_string(core.resumes),
                  .evidence = {line},
                  .resolves = resolves});
  } else {
    core.starts = {kNoTime, kNoTime, kNoTime};
    core.resumes = 0;
    tell(number, {.type = DetectionType::scan_started, .evidence = {line}});
  }
  note_start(number, log, line);
  if (resumed) check_limit(number, line);
  arm_scan(number);
}

// Three starts within a day, and no end between them.
void Watch::note_start(std::uint32_t number, std::int64_t log, RecordId line) {
  ScanCore& core = scans_[number].core;
  core.starts = {log, core.starts[0], core.starts[1]};
  if (core.loop_told || core.starts[2] == kNoTime || log - core.starts[2] > day()) return;
  core.loop_told = true;
  tell(number, {.type = DetectionType::restart_loop, .confidence = "medium", .evidence = {line}});
}

// The last resume begins: another restart ends the scan for good.
void Watch::check_limit(std::uint32_t number, RecordId line) {
  ScanCore& core = scans_[number].core;
  const std::uint32_t most = core.max_resumes != 0 ? core.max_resumes : options_.max_resumes;
  if (core.near_told || most == 0 || core.resumes < most) return;
  core.near_told = true;
  tell(number, {.type = DetectionType::resume_limit_near, .evidence = {line}});
}

void Watch::on_end(std::uint32_t number, const SeenRecord& seen) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.restart_due != kNoTime) conclude_restart(number);
  if (core.state == ScanState::completed || core.state == ScanState::aborted)
    return;  // a graceful end after the stop
  if (core.abort_due != kNoTime) {
    if (scan.wait().abort_cause != Cause::agent_error) return;  // it said why it ends
    core.abort_due = kNoTime;
  }
  if (core.parallel > 0) {  // one of several runs: told at once, but the scan ends with the last one
    --core.parallel;
    mark(scan, Dirty::state);
    if (core.told != DetectionType::scan_finished)
      tell(number, {.type = DetectionType::scan_finished, .evidence = {seen.id}});
    core.told = DetectionType::scan_finished;
    return;
  }
  if (core.told == DetectionType::scan_finished) {
    core.ended_wall = wall(seen);
    close(scan, ScanState::completed, Cause::none);
    return arm_scan(number);
  }
  const bool suspected =
      core.told == DetectionType::scan_suspect && (core.state == ScanState::suspect || core.recover_due != kNoTime);
  const std::string resolves = suspected || core.state == ScanState::lost || core.state == ScanState::interrupted
                                   ? told_key(scan)
                                   : std::string();
  core.ended_wall = wall(seen);
  close(scan, ScanState::completed, Cause::none);
  core.starts = {kNoTime, kNoTime, kNoTime};
  tell(number, {.type = DetectionType::scan_finished, .evidence = {seen.id}, .resolves = resolves});
  core.told = DetectionType::scan_finished;
  core.told_cause = Cause::none;
  arm_scan(number);
}

void Watch::on_abort(std::uint32_t number, Cause cause, std::vector<RecordId> evidence, std::string detail) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.restart_due != kNoTime) conclude_restart(number);
  const bool overtaken = was_overtaken(scan);
  if (!scan.is_open() && !overtaken) return;
  const std::string resolves = core.state == ScanState::suspect || overtaken ? told_key(scan) : std::string();
  core.ended_wall = core.last_wall;
  close(scan, ScanState::aborted, cause);
  tell(number, {.type = DetectionType::scan_aborted,
                .cause = cause,
                .confidence = cause == Cause::agent_error || cause == Cause::log_flood ? "medium" : "high",
                .evidence = std::move(evidence),
                .resolves = resolves,
                .detail = std::move(detail)});
  core.told = DetectionType::scan_aborted;
  core.told_cause = cause;
  arm_scan(number);
}

// A stop that THOR made itself, and the end line that it may print behind it, have changed places on their way.
bool Watch::was_overtaken(const Scan& scan) const noexcept {
  return scan.core.state == ScanState::completed && scan.core.told == DetectionType::scan_finished &&
         time_ - scan.core.closed_log <= reorder();
}

// The abort counts at `due`, unless something says otherwise until then.
void Watch::wait_for_abort(std::uint32_t number, Cause cause, RecordId line, std::int64_t due) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  if (core.restart_due != kNoTime) conclude_restart(number);
  const bool stopped_itself = cause == Cause::low_memory && was_overtaken(scan);
  if ((!scan.is_open() && !stopped_itself) || core.abort_due != kNoTime) return;
  if (core.replayed) return on_abort(number, cause, {line});
  ScanPending& wait = scan.wait();
  wait.abort_log = seen_->log_time;
  wait.abort_line = line;
  wait.abort_cause = cause;
  wait.consumers = 0;
  core.abort_due = due;
  mark(scan, Dirty::state);
  arm_scan(number);
}

void Watch::conclude_abort(std::uint32_t number) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  const std::int64_t due = core.abort_due;
  core.abort_due = kNoTime;
  const ScanPending wait = scan.wait();
  // A menu was opened, or a task failed that was not this one: the scan went on as if nothing had been.
  const bool may_err = wait.abort_cause == Cause::user || wait.abort_cause == Cause::agent_error;
  if (may_err && core.last_log != kNoTime && core.last_log > due - options_.interrupt_grace / 4) return;
  std::vector<RecordId> evidence{wait.abort_line};
  evidence.insert(evidence.end(), wait.consumer_lines.begin(), wait.consumer_lines.begin() + wait.consumers);
  on_abort(number, wait.abort_cause, std::move(evidence));
}

// The run ended and may be resumed.
void Watch::interrupt(std::uint32_t number, DetectionType type, Cause cause, std::string_view confidence,
                      std::vector<RecordId> evidence) {
  Scan& scan = scans_[number];
  const std::string resolves = scan.core.state == ScanState::suspect && scan.core.told == DetectionType::scan_suspect
                                   ? told_key(scan)
                                   : std::string();
  scan.core.ended_wall = scan.core.last_wall;
  close(scan, ScanState::interrupted, cause);
  tell(number, {.type = type,
                .cause = cause,
                .confidence = confidence,
                .evidence = std::move(evidence),
                .resolves = resolves});
  scan.core.told = type;
  scan.core.told_cause = cause;
  arm_scan(number);
}

void Watch::close(Scan& scan, ScanState state, Cause cause) {
  ScanCore& core = scan.core;
  core.state = state;
  core.cause = cause;
  core.closed_log = seen_ != nullptr ? when(*seen_) : time_;
  core.stop_due = core.recover_due = core.abort_due = kNoTime;
  core.stop_bits = 0;
  core.closed = state != ScanState::interrupted;
  if (core.closed) closed_.emplace_back(time_, scan.number);
  mark(scan, Dirty::state);
}

// It had been given up, or finished, and speaks again without a start.
void Watch::reopen(std::uint32_t number) {
  Scan& scan = scans_[number];
  ScanCore& core = scan.core;
  core.recover_due = kNoTime;
  const std::string resolves = told_key(scan);
  if (is_over(core.state)) {
    core.state = core.flooded ? ScanState::reduced : ScanState::running;
    core.cause = Cause::none;
    core.closed = false;
    core.ended_wall = core.closed_log = kNoTime;
  }
  mark(scan, Dirty::state);
  if (core.told != DetectionType::custom)
    tell(number, {.type = DetectionType::scan_recovered,
                  .confidence = "high",
                  .evidence = {core.last_lines[0]},
                  .resolves = resolves});
  core.told = DetectionType::custom;
  arm_scan(number);
}

}  // namespace thorlog
