// A seeded hash of an address, so that nobody can choose addresses that collide. Any thread.
#pragma once

#include <cstdint>
#include <cstring>

#include "config/address.h"

namespace thorlog {

inline std::uint64_t hash_of(const AddressBytes& address, std::uint64_t seed) noexcept {
  __extension__ using Wide = unsigned __int128;
  constexpr auto fold = [](Wide product) {
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.data(), 8);
  std::memcpy(&low, address.data() + 8, 8);
  const std::uint64_t first = fold(static_cast<Wide>(high ^ seed) * 0x9E3779B97F4A7C15U);
  return fold(static_cast<Wide>(low ^ first) * (seed | 1) * 0xD6E8FEB86659FD93U);
}

// For a seed. From the kernel's random source; slow, so once for each table.
std::uint64_t random_seed();

}  // namespace thorlog
