// A byte budget shared by everything on a worker that keeps unfinished input: framers, held pieces. What one peer may
// take is a quarter of it. Used by one thread.
#pragma once

#include <cstddef>

namespace thorlog {

class MemoryBudget {
 public:
  explicit MemoryBudget(std::size_t limit) : limit_(limit) {}

  // False: no room, nothing was taken.
  [[nodiscard]] bool try_take(std::size_t bytes) noexcept {
    if (bytes > limit_ - used_) return false;
    used_ += bytes;
    return true;
  }
  void give_back(std::size_t bytes) noexcept { used_ -= bytes < used_ ? bytes : used_; }

  std::size_t used() const noexcept { return used_; }
  std::size_t limit() const noexcept { return limit_; }
  std::size_t peer_limit() const noexcept { return limit_ / 4; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace thorlog
