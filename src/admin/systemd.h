// sd_notify(3): what we tell the service manager. Does nothing when there is none.
#pragma once

#include <cstdint>
#include <string_view>

namespace thorlog {

void notify_ready();
void notify_reloading();
void notify_stopping();
void notify_status(std::string_view text);
void notify_watchdog();
// Recovery of a large journal takes longer than the start timeout: asks for this much more.
void notify_extend(std::uint64_t microseconds);
// Half of WatchdogSec= in ms; 0: no watchdog.
std::uint64_t watchdog_interval_ms();

}  // namespace thorlog
