// The one sentence that says what was found, for somebody who is tired. Pure.
#pragma once

#include <string>

#include "scans/scan.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

// `detection` is complete but for its summary. `detail`: what else the finding holds (an agent's text).
std::string summary_of(const Detection& detection, Cause cause, const ScanOptions& options, std::string_view detail);

}  // namespace thorlog
