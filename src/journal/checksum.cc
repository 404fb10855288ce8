#include "journal/checksum.h"

#define XXH_INLINE_ALL
#define XXH_STATIC_LINKING_ONLY
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#endif
#include <xxhash.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

namespace thorlog {

static_assert(XXH3_SECRET_DEFAULT_SIZE == 192);

Checksum::Checksum(std::uint64_t seed) noexcept : seed_(seed) { XXH3_generateSecret_fromSeed(secret_.data(), seed); }

std::uint64_t Checksum::seed_of(std::span<const std::byte> journal_id) noexcept {
  return XXH3_64bits(journal_id.data(), journal_id.size());
}

std::uint64_t Checksum::of(const void* data, std::size_t size) const noexcept {
  return XXH3_64bits_withSecretandSeed(data, size, secret_.data(), secret_.size(), seed_);
}

std::uint64_t Checksum::of_record(const void* record, std::size_t bytes) const noexcept {
  const auto* at = static_cast<const std::byte*>(record);
  return XXH3_64bits_withSeed(at, 32, of(at + 40, bytes - 40));
}

}  // namespace thorlog
