// Which of our bytes lie in which bytes on the wire: inside TLS the two differ. Pure, one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace thorlog {

class WireMap {
 public:
  // The first `plain` of our bytes are whole with the first `wire` bytes on the wire.
  void add(std::uint64_t plain, std::uint64_t wire) {
    if (steps_.size() > 1 && wire - steps_[steps_.size() - 2].wire < kApart) {
      steps_.back() = {plain, wire};  // coarse is enough: it never says too much
    } else {
      steps_.push_back({plain, wire});
    }
  }
  // Our bytes that are whole with the first `wire` bytes on the wire.
  std::uint64_t plain_upto(std::uint64_t wire) const noexcept {
    const auto after = std::upper_bound(steps_.begin(), steps_.end(), wire,
                                        [](std::uint64_t value, const Step& step) { return value < step.wire; });
    return after == steps_.begin() ? settled_ : std::prev(after)->plain;
  }
  // Nobody will ask for less than this any more.
  void forget_before(std::uint64_t wire) {
    while (!steps_.empty() && steps_.front().wire <= wire) {
      settled_ = steps_.front().plain;
      steps_.pop_front();
    }
  }

 private:
  static constexpr std::uint64_t kApart = 16U << 10;
  struct Step {
    std::uint64_t plain;
    std::uint64_t wire;
  };
  std::deque<Step> steps_;
  std::uint64_t settled_ = 0;
};

}  // namespace thorlog
