// The contract's words that the public header does not need. Pure.
#pragma once

#include <string_view>

#include "thorlog/scan_watch.h"

namespace thorlog {

std::string_view severity_of(DetectionType type) noexcept;
// critical alert, warning warning, notice notice, everything else info.
Level level_of_severity(std::string_view severity) noexcept;

}  // namespace thorlog
