// `thorlogctl analyze`: log files in, a table of scans and every detection out. Needs no daemon.
#pragma once

#include <string>
#include <vector>

#include "admin/commands.h"

namespace thorlog {

struct AnalyzeOptions {
  std::vector<std::string> files;  // "-": standard input
  std::string config;              // of a daemon: its timers, rules and assets; empty: none
  std::string assets;              // CSV; empty: an assets.csv beside the files or in the folder above
  std::string timezone = "UTC", agent_timezone = "UTC";
};

// 0: all scans finished, 1: some did not, 2: something could not be read.
int run_analyze(const CommandOptions& options, const AnalyzeOptions& analyze);

}  // namespace thorlog
