// How a line names its scan. The workers' hints (thorlog/record_hint.h) and the scan watch must agree in all of it.
#pragma once

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstdint>
#include <string_view>

#include "thor/lex.h"
#include "thorlog/event.h"

namespace thorlog {

// They never drive the watch (specs 2): they may be another line's rest, or somebody's quotation. Old ones neither,
// but for those of an old scan.
inline constexpr std::uint32_t kDoubtful = flag::ambiguous | flag::orphan | flag::split;
inline constexpr std::uint32_t kDoubtfulOrOld = kDoubtful | flag::replayed;

// False: it is too long, or the service's, whose id is no scan's.
inline bool may_be_tracked(std::string_view scan_id) noexcept {
  constexpr std::size_t kLongestId = 256;
  return scan_id.size() <= kLongestId && !lex::equal_ignoring_case(scan_id, "thunderstorm");
}

// By which a scan is found. `host_hash`: name_hash() of the canonical host.
inline std::uint64_t scan_hash(std::string_view scan_id, std::uint64_t host_hash) noexcept {
  return XXH3_64bits_withSeed(scan_id.data(), scan_id.size(), host_hash);
}

}  // namespace thorlog
