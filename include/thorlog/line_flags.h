// The flags of a whole line out of those of its parts. Pure, any thread.
#pragma once

#include <cstdint>

#include "thorlog/event.h"

namespace thorlog {

// The flags of an event: what its parser said and what its reassembly said. Where bytes are missing, or may be, it is
// no wonder that JSON does not close: `json_invalid` is for lines that nothing on their way explains.
constexpr std::uint32_t flags_of(std::uint32_t parsed, std::uint32_t reassembled) noexcept {
  constexpr std::uint32_t kDamaged = flag::incomplete | flag::truncated | flag::oversize | flag::lossy_possible |
                                     flag::gap | flag::orphan | flag::unterminated;
  const std::uint32_t both = parsed | reassembled;
  return (both & kDamaged) != 0 ? both & ~flag::json_invalid : both;
}

}  // namespace thorlog
