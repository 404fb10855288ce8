// The sizes at which something on the way may have cut a line (specs 2, "Keys": the set C), and what THOR's own cut
// looks like.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace thorlog {

// Defaults of rsyslog (8096, or 8192 where "8k" was configured) and syslog-ng, and sizes that people choose.
inline constexpr std::array<std::uint32_t, 5> kKnownCutSizes = {8096, 8192, 16384, 32768, 65536};
inline constexpr std::size_t kLeastCut = 1000;  // shorter lines are cut only where the configuration says so

class CutSizes {
 public:
  explicit CutSizes(const std::vector<std::uint32_t>& configured) : configured_(configured) {
    std::sort(configured_.begin(), configured_.end());
    smallest_ = kKnownCutSizes.front() - 1;
    if (!configured_.empty() && configured_.front() < smallest_) smallest_ = configured_.front();
  }

  // Nothing shorter is in the set: the quick answer for nearly every line.
  std::size_t smallest() const noexcept { return smallest_; }

  bool contains(std::size_t n) const noexcept {
    if (n < smallest_) return false;
    for (const std::size_t size : kKnownCutSizes)
      if (n + 1 >= size && n <= size + 1) return true;
    return std::binary_search(configured_.begin(), configured_.end(), n);
  }

  // syslog-ng cuts there, and loses nothing.
  static bool lossless(std::size_t n) noexcept { return n >= 65535 && n <= 65537; }

  // THOR's client ends what it cut with "...": a message of exactly its limit.
  bool cut_by_scanner(std::string_view message) const noexcept {
    const std::size_t n = message.size();
    if (n < 4 || message.substr(n - 3) != "...") return false;
    return n == 1024 || n == 2048 || std::binary_search(configured_.begin(), configured_.end(), n);
  }

 private:
  std::vector<std::uint32_t> configured_;
  std::size_t smallest_ = 0;
};

}  // namespace thorlog
