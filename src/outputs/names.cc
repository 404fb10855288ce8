#include <array>

#include "outputs/snapshot.h"

namespace thorlog {

std::string_view name_of(OutputState state) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(OutputState::count)> kNames = {
      "connecting", "streaming", "idle", "retrying", "holding", "full", "stopped"};
  return state < OutputState::count ? kNames[static_cast<std::size_t>(state)] : "";
}

std::string_view name_of(Retry reason) noexcept {
  constexpr std::array<std::string_view, kRetryReasons> kNames = {
      "resolve",   "connect", "timeout",   "closed",       "reset",  "refused", "write",
      "disk_full", "tls",     "throttled", "server_error", "denied", "topic"};
  return reason < Retry::count ? kNames[static_cast<std::size_t>(reason)] : "";
}

}  // namespace thorlog
