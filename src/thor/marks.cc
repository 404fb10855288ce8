#include "thor/marks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace thorlog {
namespace {

#if defined(__x86_64__)

// Each bit: the byte there is the C of " SC" or the I of " UI".
std::uint64_t search_sse2(const char* at) noexcept {
  std::uint64_t mask = 0;
  for (int n = 0; n < 64; n += 16) {
    const auto load = [&](int offset) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + n + offset)); };
    const __m128i blank = _mm_cmpeq_epi8(load(-2), _mm_set1_epi8(' '));
    const __m128i first = load(-1);
    const __m128i second = load(0);
    const __m128i sc =
        _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8('S')), _mm_cmpeq_epi8(second, _mm_set1_epi8('C')));
    const __m128i ui =
        _mm_and_si128(_mm_cmpeq_epi8(first, _mm_set1_epi8('U')), _mm_cmpeq_epi8(second, _mm_set1_epi8('I')));
    const int bits = _mm_movemask_epi8(_mm_and_si128(blank, _mm_or_si128(sc, ui)));
    mask |= static_cast<std::uint64_t>(static_cast<unsigned>(bits)) << n;
  }
  return mask;
}

[[gnu::target("avx2")]] std::uint64_t half_avx2(const char* at) noexcept {
  const __m256i before = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at - 2));
  const __m256i first = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at - 1));
  const __m256i second = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  const __m256i sc = _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_set1_epi8('S')),
                                      _mm256_cmpeq_epi8(second, _mm256_set1_epi8('C')));
  const __m256i ui = _mm256_and_si256(_mm256_cmpeq_epi8(first, _mm256_set1_epi8('U')),
                                      _mm256_cmpeq_epi8(second, _mm256_set1_epi8('I')));
  const __m256i hit = _mm256_and_si256(_mm256_cmpeq_epi8(before, _mm256_set1_epi8(' ')), _mm256_or_si256(sc, ui));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(hit));
}
[[gnu::target("avx2")]] std::uint64_t search_avx2(const char* at) noexcept {
  return half_avx2(at) | half_avx2(at + 32) << 32;
}

using Search = std::uint64_t (*)(const char*) noexcept;
Search best_search() noexcept { return __builtin_cpu_supports("avx2") ? search_avx2 : search_sse2; }

#else

std::uint64_t search_plain(const char* at) noexcept {
  std::uint64_t mask = 0;
  for (int n = 0; n < 64; ++n)
    if (at[n - 2] == ' ' && ((at[n - 1] == 'S' && at[n] == 'C') || (at[n - 1] == 'U' && at[n] == 'I')))
      mask |= std::uint64_t{1} << n;
  return mask;
}

using Search = std::uint64_t (*)(const char*) noexcept;
Search best_search() noexcept { return search_plain; }

#endif

}  // namespace

const KeyMarks::Search KeyMarks::kSearch = best_search();

}  // namespace thorlog
