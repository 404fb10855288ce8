// What thorlogctl does: each command asks the daemon and shows the answer, as a table or as JSON. Results go to
// standard output, errors to standard error. Each returns the process's exit code (the contract, "Programs").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "admin/client.h"

namespace thorlog {

struct CommandOptions {
  AdminAddress address;
  bool json = false;
  bool colours = false;   // standard output is a terminal and NO_COLOR is not set
  std::size_t width = 0;  // of the terminal; 0: none, nothing is cut
};

// The narrowing of `tail`, as the daemon's query knows it.
struct TailOptions {
  std::vector<std::string> kinds, levels, modules, assets, hosts, scans, types, inputs;
  std::string since;
  std::uint64_t count = 0;  // end after so many events; 0: never
  bool follow = true;       // false: end at the newest event
  bool fields = false;
};

inline constexpr int kNoDaemon = 4;

int run_status(const CommandOptions& options);
int run_account(const CommandOptions& options);
int run_tail(const CommandOptions& options, const TailOptions& tail);
int run_reload(const CommandOptions& options);
int run_check(const CommandOptions& options, const std::string& path);

}  // namespace thorlog
