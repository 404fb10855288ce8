// Notices an output that makes no progress although its target seems to take what it gets: a defect of ours, or of a
// disk that hangs below a file output. It is told once in the log when it begins and when it ends. One thread at a
// time.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "outputs/snapshot.h"

namespace thorlog {

class OutputWatch {
 public:
  static constexpr std::int64_t kPatience = 60'000'000'000;  // ns

  // `extra`: it may gather lines for so long before it sends them. `now`: ns of a steady clock.
  void look(const std::string& name, const OutputSnapshot& output, std::int64_t extra, std::int64_t now);
  // For how long it has been stalled, ns; 0: it isn't, or not for long enough to say so.
  std::int64_t stalled(const std::string& name) const;

 private:
  struct Seen {
    std::uint64_t seq = 0;  // of its cursor
    std::int64_t since = 0;
    std::int64_t stalled = 0;
  };
  std::map<std::string, Seen> outputs_;
};

}  // namespace thorlog
