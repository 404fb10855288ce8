#include "reassembly/json_depth.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace thorlog {
namespace {

constexpr unsigned kBlock = 64;

// Where the four kinds of bytes stand, a bit for each byte.
struct Marks {
  std::uint64_t quote = 0, slash = 0, open = 0, close = 0;
};

#if defined(__SSE2__)

std::uint64_t bits_of(__m128i matches) noexcept {
  return static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(matches)));
}

std::uint64_t equal(__m128i a, __m128i b, __m128i c, __m128i d, char wanted) noexcept {
  const __m128i all = _mm_set1_epi8(wanted);
  return bits_of(_mm_cmpeq_epi8(a, all)) | bits_of(_mm_cmpeq_epi8(b, all)) << 16 |
         bits_of(_mm_cmpeq_epi8(c, all)) << 32 | bits_of(_mm_cmpeq_epi8(d, all)) << 48;
}

Marks marks_of(const char* at) noexcept {
  const auto* bytes = reinterpret_cast<const __m128i*>(at);
  __m128i a = _mm_loadu_si128(bytes), b = _mm_loadu_si128(bytes + 1);
  __m128i c = _mm_loadu_si128(bytes + 2), d = _mm_loadu_si128(bytes + 3);
  Marks marks;
  marks.quote = equal(a, b, c, d, '"');
  marks.slash = equal(a, b, c, d, '\\');
  // One bit tells '[' from '{' and ']' from '}': with it set they are the same two characters.
  const __m128i bit = _mm_set1_epi8(0x20);
  a = _mm_or_si128(a, bit);
  b = _mm_or_si128(b, bit);
  c = _mm_or_si128(c, bit);
  d = _mm_or_si128(d, bit);
  marks.open = equal(a, b, c, d, '{');
  marks.close = equal(a, b, c, d, '}');
  return marks;
}

#else

Marks marks_of(const char* at) noexcept {
  Marks marks;
  for (unsigned i = 0; i < kBlock; ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i;
    const char c = at[i];
    if (c == '"') marks.quote |= bit;
    if (c == '\\') marks.slash |= bit;
    if ((c | 0x20) == '{') marks.open |= bit;
    if ((c | 0x20) == '}') marks.close |= bit;
  }
  return marks;
}

#endif

// By halves, since the oldest processors that we build for can't count bits.
int count_bits(std::uint64_t bits) noexcept {
  bits -= bits >> 1 & 0x5555555555555555U;
  bits = (bits & 0x3333333333333333U) + (bits >> 2 & 0x3333333333333333U);
  bits = (bits + (bits >> 4)) & 0x0F0F0F0F0F0F0F0FU;
  return static_cast<int>(bits * 0x0101010101010101U >> 56);
}

// Each bit becomes the parity of itself and all bits below: between an opening and a closing quote all are set.
std::uint64_t running_parity(std::uint64_t bits) noexcept {
  bits ^= bits << 1;
  bits ^= bits << 2;
  bits ^= bits << 4;
  bits ^= bits << 8;
  bits ^= bits << 16;
  return bits ^ bits << 32;
}

// What a plain processor does for a block; those with AVX2 have a shorter way.
struct Plain {
  static Marks marks(const char* at) noexcept { return marks_of(at); }
  static std::uint64_t parity(std::uint64_t bits) noexcept { return running_parity(bits); }
  static int count(std::uint64_t bits) noexcept { return count_bits(bits); }
};

#if defined(__x86_64__)
#define THORLOG_AVX2 [[gnu::target("avx2,pclmul,popcnt")]]

struct Avx2 {
  THORLOG_AVX2 static std::uint64_t equal(__m256i low, __m256i high, char wanted) noexcept {
    const __m256i all = _mm256_set1_epi8(wanted);
    const auto bits = [](int mask) { return static_cast<std::uint64_t>(static_cast<unsigned>(mask)); };
    return bits(_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all))) |
           bits(_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, all))) << 32;
  }
  THORLOG_AVX2 static Marks marks(const char* at) noexcept {
    __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 32));
    Marks marks;
    marks.quote = equal(low, high, '"');
    marks.slash = equal(low, high, '\\');
    const __m256i bit = _mm256_set1_epi8(0x20);  // as above
    low = _mm256_or_si256(low, bit);
    high = _mm256_or_si256(high, bit);
    marks.open = equal(low, high, '{');
    marks.close = equal(low, high, '}');
    return marks;
  }
  // The product with all ones, without carries, adds up all bits below: their parity.
  THORLOG_AVX2 static std::uint64_t parity(std::uint64_t bits) noexcept {
    const __m128i product =
        _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(bits)), _mm_set1_epi8(-1), 0);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
  }
  THORLOG_AVX2 static int count(std::uint64_t bits) noexcept { return static_cast<int>(_mm_popcnt_u64(bits)); }
};
#endif

struct DepthState {
  std::int64_t depth = 0;
  std::uint64_t in_string = 0;
  bool escaped = false;
};

template <class Way>
[[gnu::always_inline]] inline void take_block(DepthState& state, const char* at, unsigned size) noexcept {
  Marks marks = Way::marks(at);
  const std::uint64_t inside = size == kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;

  // Every second backslash of a run is itself escaped, and what stands behind a run of odd length is. In a run that
  // begins at an even place the escaped bytes stand at odd places, and the other way round. Adding the first bit of
  // such runs carries through to their ends, which tells their bits from those of the other runs.
  constexpr std::uint64_t kEven = 0x5555555555555555U;
  const std::uint64_t carried = state.escaped ? 1 : 0;
  const std::uint64_t slashes = marks.slash & inside & ~carried;
  const std::uint64_t even_starts = slashes & ~(slashes << 1) & kEven;
  const std::uint64_t even_runs = slashes & ~(slashes + even_starts);
  const std::uint64_t odd_runs = slashes & ~even_runs;
  const std::uint64_t escaped = (even_runs << 1 & ~kEven) | (odd_runs << 1 & kEven) | carried;
  state.escaped = size == kBlock ? odd_runs >> 63 != 0 : (escaped >> size & 1) != 0;

  const std::uint64_t string = Way::parity(marks.quote & inside & ~escaped) ^ state.in_string;
  state.in_string = static_cast<std::uint64_t>(static_cast<std::int64_t>(string) >> 63);
  marks.open &= inside & ~(string | escaped);
  marks.close &= inside & ~(string | escaped);
  if ((marks.open | marks.close) != 0) state.depth += Way::count(marks.open) - Way::count(marks.close);
}

template <class Way>
[[gnu::always_inline]] inline void take_all(DepthState& state, std::string_view bytes) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kBlock; left -= kBlock, at += kBlock) take_block<Way>(state, at, kBlock);
  if (left > 0) take_block<Way>(state, at, static_cast<unsigned>(left));
}

using TakeAll = void (*)(DepthState& state, std::string_view bytes) noexcept;
void take_all_plain(DepthState& state, std::string_view bytes) noexcept { take_all<Plain>(state, bytes); }
#if defined(__x86_64__)
THORLOG_AVX2 void take_all_avx2(DepthState& state, std::string_view bytes) noexcept { take_all<Avx2>(state, bytes); }
#endif

const TakeAll kTakeAll = [] {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("popcnt"))
    return take_all_avx2;
#endif
  return take_all_plain;
}();

}  // namespace

void JsonDepth::scan(std::string_view bytes) noexcept {
  DepthState state{depth_, in_string_, escaped_};
  kTakeAll(state, bytes);
  depth_ = state.depth;
  in_string_ = state.in_string;
  escaped_ = state.escaped;
}

}  // namespace thorlog
