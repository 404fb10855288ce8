// What a reload may change of a running input, shared by its threads as an immutable value.
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
  Framing framing = Framing::automatic;  // of connections from now on
  std::size_t max_message = 0;           // likewise; of each datagram

  explicit InputLimits(const InputSettings& settings)
      : max_connections(settings.max_connections),
        max_connections_per_peer(settings.max_connections_per_peer),
        allow(settings.allow),
        rate(settings.rate_limit),
        framing(settings.framing),
        max_message(settings.max_message) {}

  bool allows(const AddressBytes& peer) const noexcept { return allow.empty() || any_contains(allow, peer); }
};
using SharedLimits = std::shared_ptr<const InputLimits>;

}  // namespace thorlog
