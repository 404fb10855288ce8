// thorlogctl scans, assets, detections: what the scan watch knows, as tables or one JSON object a line.
#pragma once

#include <string>
#include <vector>

#include "admin/commands.h"

namespace thorlog {

struct ScanNarrowing {
  std::vector<std::string> states, assets, scans, groups, types;
  std::string since;
  std::uint64_t limit = 1000;
};

// One asset and one scan given: that scan's page, with its runs, modules and detections.
int run_scans(const CommandOptions& options, const ScanNarrowing& narrowing);
int run_assets(const CommandOptions& options, const ScanNarrowing& narrowing);
int run_detections(const CommandOptions& options, const ScanNarrowing& narrowing);

}  // namespace thorlog
