#include "scans/summary.h"

#include <fmt/format.h>

#include "wire/text_time.h"

namespace thorlog {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// "45 s", "30 min", "6 h", "7 days"
std::string length_text(std::int64_t ns) {
  const double seconds = static_cast<double>(ns) / 1e9;
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 2 * 86400) return fmt::format("{:.0f} h", seconds / 3600);
  return fmt::format("{:.0f} days", seconds / 86400);
}

// "2025-01-20 06:53:13 UTC"
std::string time_text(std::int64_t time) {
  char text[kMaxStampLength];
  StampCache stamp;
  stamp.append_rfc3339_nano(text, time / kSecond * kSecond);
  std::string out(text, 19);
  out[10] = ' ';
  return out + " UTC";
}

std::string module_text(const Detection& detection) {
  return detection.last_module.empty() ? std::string() : fmt::format(" in module {}", detection.last_module);
}

std::string abort_text(Cause cause) {
  switch (cause) {
    case Cause::max_runtime:
      return "it reached its maximum runtime";
    case Cause::low_memory:
      return "the machine ran out of memory";
    case Cause::disk_full:
      return "the machine ran out of disk space";
    case Cause::log_flood:
      return "it had written more log than it may";
    case Cause::user:
      return "a user stopped it";
    case Cause::crash:
      return "THOR crashed";
    default:
      return "the agent's task failed and the scan said no more";
  }
}

std::string lost_text(Cause cause, const std::string& scan, const Detection& detection, const ScanOptions& options) {
  const std::string silence = length_text(options.silence_lost);
  switch (cause) {
    case Cause::killed_externally:
      return fmt::format(
          "{} is lost: no line for {} while the machine goes on talking. Something outside THOR ended or froze it{}; "
          "look for an antivirus, an EDR or a person.",
          scan, silence, module_text(detection));
    case Cause::asset_offline:
      return fmt::format("{} is lost: neither it nor anything else on {} has said a word for {}.", scan,
                         detection.asset, silence);
    case Cause::not_resumed:
      return fmt::format("{} was interrupted and nobody resumed it while that was possible.", scan);
    default:
      if (options.files)
        return fmt::format("{} has no end: its last line{} is more than {} older than the newest line of all files.",
                           scan, module_text(detection), silence);
      return fmt::format(
          "{} is lost: no line for {}, its last one{}. Nothing else ever spoke on this machine, so why is unknown.",
          scan, silence, module_text(detection));
  }
}

std::string restart_text(const Detection& detection, Cause cause, const std::string& scan) {
  switch (cause) {
    case Cause::reboot:
      return fmt::format("{} was stopped by its agent because the machine restarts. It should be resumed.", scan);
    case Cause::agent_stop:
      return fmt::format("{} was stopped by its agent; nothing says that the machine restarts.", scan);
    case Cause::os_shutdown:
      return fmt::format("{} was ended by an orderly shutdown of {}.", scan, detection.asset);
    case Cause::boot:
      return fmt::format(
          "{} ended without a word when {} went down: the machine started again and nothing says that it was shut "
          "down.",
          scan, detection.asset);
    default:
      return fmt::format("{} started again although its run before had neither ended nor been stopped.", scan);
  }
}

}  // namespace

std::string summary_of(const Detection& detection, Cause cause, const ScanOptions& options, std::string_view detail) {
  const std::string scan = detection.scan_id.empty()
                               ? fmt::format("The scan on {}", detection.asset)
                               : fmt::format("Scan {} on {}", detection.scan_id, detection.asset);
  switch (detection.type) {
    case DetectionType::scan_started:
      return detection.run > 1 ? fmt::format("{} started, its run number {}.", scan, detection.run)
                               : scan + " started.";
    case DetectionType::scan_finished:
      return detection.resumes > 0 ? fmt::format("{} finished after {} resume{}.", scan, detection.resumes,
                                                 detection.resumes > 1 ? "s" : "")
                                   : scan + " finished.";
    case DetectionType::scan_resumed:
      return fmt::format("{} was resumed, number {} of {}.", scan, detection.resumes, detection.max_resumes);
    case DetectionType::orderly_restart:
    case DetectionType::disorderly_restart:
      return restart_text(detection, cause, scan);
    case DetectionType::restart_loop:
      return fmt::format("{} has started three times within {} and never finished.", scan,
                         length_text(options.silence_lost * 4));
    case DetectionType::scan_aborted:
      return fmt::format("{} was aborted: {}.", scan, abort_text(cause));
    case DetectionType::log_reduced:
      return fmt::format(
          "{} has written so much that THOR now sends only what is important; its end may not be told.", scan);
    case DetectionType::scan_suspect:
      return cause == Cause::av_edr_suspected
                 ? fmt::format("{} has been silent for {}{}, where an antivirus or EDR often freezes it.", scan,
                               length_text(options.silence_suspect), module_text(detection))
                 : fmt::format("{} has been silent for {}{}.", scan, length_text(options.silence_suspect),
                               module_text(detection));
    case DetectionType::scan_recovered:
      return scan + " speaks again; what was said about its end is withdrawn.";
    case DetectionType::scan_lost:
      return lost_text(cause, scan, detection, options);
    case DetectionType::resume_limit_near:
      return detection.resumes >= detection.max_resumes
                 ? fmt::format("{} runs on its last resume ({} of {}): another interruption ends it for good.", scan,
                               detection.resumes, detection.max_resumes)
                 : fmt::format("{} waits to be resumed, and the time for that ends soon.", scan);
    case DetectionType::resume_exhausted: {
      const std::string what = detection.run != 0 ? scan : "A scan task of " + detection.asset;
      const std::string until =
          detection.deadline == kNoTime ? std::string() : ", until " + time_text(detection.deadline);
      return fmt::format("{} can't be resumed any more (at most {} resumes{}). It must be started anew.", what,
                         detection.max_resumes, until);
    }
    case DetectionType::completion_unknown:
      return fmt::format("{} has been silent for {}. It sends no Info lines, so nobody can see whether it finished.",
                         scan, length_text(options.silence_lost));
    case DetectionType::interrupt_ignored:
      return scan + " was told by its agent to stop, and goes on.";
    case DetectionType::asset_booted:
      if (cause == Cause::clean) return fmt::format("{} started after an orderly shutdown.", detection.asset);
      if (cause == Cause::dirty)
        return fmt::format("{} started without having been shut down: a crash or a power loss.", detection.asset);
      return fmt::format("{} started; whether it had been shut down is unknown.", detection.asset);
    case DetectionType::asset_silent:
      return fmt::format("{} has sent nothing at all for {}.", detection.asset, length_text(options.asset_silent));
    case DetectionType::agent_error:
      return fmt::format("The agent on {} reports an error: {}", detection.asset, detail);
    case DetectionType::custom:
      break;
  }
  return std::string(detail);
}

}  // namespace thorlog
