#include "journal/checksum.h"

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>  // takes AVX2 or AVX-512 where the machine has them: three times as fast as without
#endif

namespace thorlog {
namespace {

// Up to this length XXH3 takes the seed, above it the secret made from the seed (the two give the same, see
// XXH3_64bits_withSecretandSeed(); only withSecret exists in a version for each kind of machine).
constexpr std::size_t kShort = 240;

// The library's AVX2 and AVX-512 loops return without VZEROUPPER (GCC 12 leaves it out). From then on each of our own
// SSE instructions would pay for the change of state: hundreds of nanoseconds for a record.
inline void leave_avx() noexcept {
#if defined(__x86_64__)
  static const bool has_avx = __builtin_cpu_supports("avx");
  if (has_avx) asm volatile("vzeroupper");  // NOLINT: no intrinsic for a build that doesn't assume AVX
#endif
}

}  // namespace

static_assert(XXH3_SECRET_DEFAULT_SIZE == 192);

Checksum::Checksum(std::uint64_t seed) noexcept : seed_(seed) { XXH3_generateSecret_fromSeed(secret_.data(), seed); }

std::uint64_t Checksum::seed_of(std::span<const std::byte> journal_id) noexcept {
  return XXH3_64bits(journal_id.data(), journal_id.size());
}

std::uint64_t Checksum::of(const void* data, std::size_t size) const noexcept {
  if (size <= kShort) return XXH3_64bits_withSeed(data, size, seed_);
  const std::uint64_t hash = XXH3_64bits_withSecret(data, size, secret_.data(), secret_.size());
  leave_avx();
  return hash;
}

std::uint64_t Checksum::of_record(const void* record, std::size_t bytes) const noexcept {
  const auto* at = static_cast<const std::byte*>(record);
  return XXH3_64bits_withSeed(at, 32, of(at + 40, bytes - 40));
}

}  // namespace thorlog
