#include "admin/systemd.h"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <ctime>

namespace thorlog {

void notify_ready() { sd_notify(0, "READY=1"); }

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000).c_str());
}

void notify_stopping() { sd_notify(0, "STOPPING=1"); }
void notify_status(std::string_view text) { sd_notify(0, fmt::format("STATUS={}", text).c_str()); }
void notify_watchdog() { sd_notify(0, "WATCHDOG=1"); }
void notify_extend(std::uint64_t microseconds) {
  sd_notify(0, fmt::format("EXTEND_TIMEOUT_USEC={}", microseconds).c_str());
}

std::uint64_t watchdog_interval_ms() {
  std::uint64_t microseconds = 0;
  return sd_watchdog_enabled(0, &microseconds) > 0 ? microseconds / 2000 : 0;
}

}  // namespace thorlog
