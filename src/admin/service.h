// The daemon's life: log, pipeline, admin interface, readiness, signals, clean stop. Main thread.
#pragma once

#include <string>

#include "config/settings.h"

namespace thorlog {

inline constexpr const char* kVersion = THORLOG_VERSION;

// Exit codes of the contract.
enum class ExitCode : int { clean = 0, other = 1, configuration = 2, cannot_open = 3 };

// Runs until SIGTERM or SIGINT; SIGHUP reads `config_path` again. Returns the process's exit code.
int run_service(const Settings& settings, const std::string& config_path);

}  // namespace thorlog
