// The configuration's `scans:` as the watch wants it.
#pragma once

#include "config/settings.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

ScanOptions scan_options(const ScanSettings& settings);

}  // namespace thorlog
