// A rate limit for each peer, as the generic cell rate algorithm: one number for each peer, the time at which its
// bucket will be full again. Exact for the settings, no timer, no loss by rounding up to 16 events in a nanosecond.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>

#include "config/settings.h"

namespace thorlog {

class RatePlan {
 public:
  RatePlan() = default;  // no limit
  explicit RatePlan(const std::optional<RateLimit>& limit) {
    if (!limit || limit->events == 0) return;
    interval_ = static_cast<double>(limit->per.count()) * kParts / static_cast<double>(limit->events);
    const auto burst = static_cast<double>(std::max<std::uint64_t>(limit->burst, 1));
    tolerance_ = static_cast<std::int64_t>(std::min((burst - 1) * interval_, kFar));
  }

  bool limited() const noexcept { return interval_ > 0; }

  // One event now: true when it conforms, and is charged; one that does not costs nothing.
  bool allow(std::int64_t& full_at, std::int64_t now) const noexcept {
    now *= kParts;
    if (full_at - now > tolerance_) return false;
    full_at = std::max(full_at, now) + static_cast<std::int64_t>(interval_);
    return true;
  }

  // Charges events that were taken already, even into debt. Returns for how many ns the peer must wait now; 0: none.
  std::int64_t charge(std::atomic<std::int64_t>& full_at, std::uint64_t events, std::int64_t now) const noexcept {
    now *= kParts;
    const auto cost = static_cast<std::int64_t>(std::min(static_cast<double>(events) * interval_, kFar));
    std::int64_t seen = full_at.load(std::memory_order_relaxed);
    std::int64_t next = 0;
    do {
      next = std::min(std::max(seen, now) + cost, now + static_cast<std::int64_t>(2 * kFar));
    } while (!full_at.compare_exchange_weak(seen, next, std::memory_order_relaxed));
    return std::max<std::int64_t>(0, (next - now - tolerance_) / kParts);
  }

  // True when a peer with this number has its whole burst again: forgetting it changes nothing.
  static bool is_full(std::int64_t full_at, std::int64_t now) noexcept { return full_at <= now * kParts; }

 private:
  static constexpr std::int64_t kParts = 16;       // of a nanosecond
  static constexpr double kFar = 3600e9 * kParts;  // no one waits longer than about an hour for one read's debt

  double interval_ = 0;         // between two events, in 1/16 ns
  std::int64_t tolerance_ = 0;  // how far ahead of now a peer may be
};

}  // namespace thorlog
