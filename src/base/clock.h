// Clocks: injected everywhere, so that tests decide what time it is. Any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace thorlog {

class Clock {
 public:
  virtual ~Clock() = default;
  // Nanoseconds since 1970 in UTC; steps when somebody sets the clock.
  virtual std::int64_t wall() const noexcept = 0;
  // CLOCK_BOOTTIME, ns: never steps, counts while the machine sleeps.
  virtual std::int64_t steady() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  std::int64_t wall() const noexcept override;
  std::int64_t steady() const noexcept override;
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(std::int64_t wall = 1'700'000'000'000'000'000) : wall_(wall) {}
  std::int64_t wall() const noexcept override { return wall_.load(std::memory_order_relaxed); }
  std::int64_t steady() const noexcept override { return steady_.load(std::memory_order_relaxed); }
  void advance(std::int64_t ns) noexcept {
    wall_ += ns;
    steady_ += ns;
  }
  void step_wall(std::int64_t ns) noexcept { wall_ += ns; }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> steady_{1'000'000'000};
};

}  // namespace thorlog
