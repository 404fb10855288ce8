#include "inputs/intake.h"

namespace thorlog {

std::string_view name_of(RefuseReason reason) noexcept {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(RefuseReason::count)> kNames = {
      "journal_full", "journal_failed", "rate_limit", "not_allowed", "too_many", "tls"};
  return kNames[static_cast<std::size_t>(reason)];
}

}  // namespace thorlog
