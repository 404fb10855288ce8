// The contract's words for states, types and what follows from a type.
#include "scans/names.h"

#include <array>

#include "scans/scan.h"

namespace thorlog {
namespace {

constexpr std::array<std::string_view, 10> kStates = {"starting",    "running", "reduced",   "stopping",  "suspect",
                                                      "interrupted", "aborted", "completed", "exhausted", "lost"};

struct TypeRow {
  std::string_view name, severity;
  Level level;
};
constexpr std::array<TypeRow, 19> kTypes = {{
    {"scan_started", "info", Level::info},
    {"scan_finished", "info", Level::info},
    {"scan_resumed", "info", Level::info},
    {"orderly_restart", "warning", Level::warning},
    {"disorderly_restart", "warning", Level::warning},
    {"restart_loop", "warning", Level::warning},
    {"scan_aborted", "critical", Level::alert},
    {"log_reduced", "warning", Level::warning},
    {"scan_suspect", "notice", Level::notice},
    {"scan_recovered", "info", Level::info},
    {"scan_lost", "critical", Level::alert},
    {"resume_limit_near", "warning", Level::warning},
    {"resume_exhausted", "critical", Level::alert},
    {"completion_unknown", "notice", Level::notice},
    {"interrupt_ignored", "info", Level::info},
    {"asset_booted", "info", Level::info},
    {"asset_silent", "warning", Level::warning},
    {"agent_error", "notice", Level::notice},
    {"custom", "notice", Level::notice},
}};

}  // namespace

std::string_view name_of(ScanState state) noexcept {
  const auto n = static_cast<std::size_t>(state);
  return n < kStates.size() ? kStates[n] : std::string_view();
}

std::string_view name_of(Cause cause) noexcept {
  static constexpr std::array<std::string_view, 22> kCauses = {"",
                                                               "reboot",
                                                               "agent_stop",
                                                               "os_shutdown",
                                                               "boot",
                                                               "resume",
                                                               "max_runtime",
                                                               "low_memory",
                                                               "disk_full",
                                                               "log_flood",
                                                               "user",
                                                               "crash",
                                                               "agent_error",
                                                               "silence",
                                                               "av_edr_suspected",
                                                               "killed_externally",
                                                               "asset_offline",
                                                               "not_resumed",
                                                               "unknown",
                                                               "info_suppressed",
                                                               "clean",
                                                               "dirty"};
  const auto n = static_cast<std::size_t>(cause);
  return n < kCauses.size() ? kCauses[n] : std::string_view();
}

std::string_view name_of(DetectionType type) noexcept {
  const auto n = static_cast<std::size_t>(type);
  return n < kTypes.size() ? kTypes[n].name : std::string_view();
}

std::string_view severity_of(DetectionType type) noexcept { return kTypes[static_cast<std::size_t>(type)].severity; }

Level level_of_severity(std::string_view severity) noexcept {
  if (severity == "critical") return Level::alert;
  if (severity == "warning") return Level::warning;
  return severity == "notice" ? Level::notice : Level::info;
}

}  // namespace thorlog
