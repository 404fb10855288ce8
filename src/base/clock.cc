#include "base/clock.h"

#include <ctime>

namespace thorlog {
namespace {

std::int64_t read_clock(clockid_t id) noexcept {
  timespec now{};
  ::clock_gettime(id, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::int64_t SystemClock::wall() const noexcept { return read_clock(CLOCK_REALTIME); }
std::int64_t SystemClock::steady() const noexcept { return read_clock(CLOCK_BOOTTIME); }

}  // namespace thorlog
