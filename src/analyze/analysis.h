// What log files say about scans, without a daemon: lines of all files in the order of their own stamps, into the
// scan watch. Memory depends on the number of files and scans, not on their size. One thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "thorlog/identity.h"
#include "thorlog/result.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

struct AnalysisOptions {
  ScanOptions scans;
  std::shared_ptr<const RuleSet> rules;      // nullptr: the built-in ones
  std::shared_ptr<const AssetTable> assets;  // may be null
  std::shared_ptr<const GroupTable> groups;  // may be null
  std::string timezone = "UTC";              // of stamps without a zone
  std::string agent_timezone = "UTC";        // of agents' stamps without a zone
  bool short_hostname = true;
};

struct AnalysisProgress {
  std::uint64_t bytes = 0, all_bytes = 0;  // of the files; all_bytes 0: unknown
  std::uint64_t lines = 0;
  std::uint64_t scans = 0;
};

struct AnalysisResult {
  std::uint64_t lines = 0, bytes = 0;  // bytes uncompressed
  std::int64_t now = kNoTime;          // the newest stamp
  std::vector<std::string> troubles;   // what could not be read, in words
};

// `each` is called for each detection as it is found, `progress` now and then, `scan` for each scan in the end, in no
// order. Errors: a zone that is unknown.
Result<AnalysisResult> analyze(const std::vector<std::string>& paths, const AnalysisOptions& options,
                               const std::function<void(const Detection&)>& each,
                               const std::function<void(const AnalysisProgress&)>& progress,
                               const std::function<void(const ScanRow&)>& scan);

}  // namespace thorlog
