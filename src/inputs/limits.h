// The limits of an input that a reload may change, shared by its threads as an immutable value.
#pragma once

#include <memory>
#include <vector>

#include "config/settings.h"
#include "inputs/rate.h"

namespace thorlog {

struct InputLimits {
  std::uint32_t max_connections = 0;
  std::uint32_t max_connections_per_peer = 0;
  std::vector<AddressRange> allow;
  RatePlan rate;

  explicit InputLimits(const InputSettings& settings)
      : max_connections(settings.max_connections),
        max_connections_per_peer(settings.max_connections_per_peer),
        allow(settings.allow),
        rate(settings.rate_limit) {}

  bool allows(const AddressBytes& peer) const noexcept { return allow.empty() || any_contains(allow, peer); }
};
using SharedLimits = std::shared_ptr<const InputLimits>;

}  // namespace thorlog
