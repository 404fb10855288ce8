// How long to wait before the next try: doubling, with jitter, so that a fleet of senders does not come back as one.
// Plain value, one thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace thorlog {

class Backoff {
 public:
  struct Limits {
    std::uint32_t first_ms = 100;
    std::uint32_t most_ms = 10'000;
  };

  explicit Backoff(Limits limits, std::uint64_t seed) noexcept
      : limits_(limits), wait_ms_(limits.first_ms), random_(seed | 1) {}

  // The wait before the next try: between half and all of what doubles each time.
  std::uint32_t next_ms() noexcept {
    const std::uint32_t whole = wait_ms_;
    wait_ms_ = std::min(limits_.most_ms, wait_ms_ * 2);
    return whole / 2 + static_cast<std::uint32_t>(random() % (whole / 2 + 1));
  }
  void reset() noexcept { wait_ms_ = limits_.first_ms; }

 private:
  std::uint64_t random() noexcept {  // xorshift64: spread is all that is asked of it
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    return random_;
  }

  Limits limits_;
  std::uint32_t wait_ms_;
  std::uint64_t random_;
};

}  // namespace thorlog
