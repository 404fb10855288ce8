#include "reassembly/json_depth.h"

#include <bit>

#if defined(__SSE2__)
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

std::uint64_t equal(const __m128i (&bytes)[4], char wanted) noexcept {
  const __m128i all = _mm_set1_epi8(wanted);
  std::uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) {
    const int part = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes[i], all));
    bits |= static_cast<std::uint64_t>(static_cast<unsigned>(part)) << (16 * i);
  }
  return bits;
}

Marks marks_of(const char* at) noexcept {
  __m128i bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 16 * i));
  Marks marks;
  marks.quote = equal(bytes, '"');
  marks.slash = equal(bytes, '\\');
  // One bit tells '[' from '{' and ']' from '}': with it set they are the same two characters.
  for (__m128i& part : bytes) part = _mm_or_si128(part, _mm_set1_epi8(0x20));
  marks.open = equal(bytes, '{');
  marks.close = equal(bytes, '}');
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

// Each bit becomes the parity of itself and all bits below: between an opening and a closing quote all are set.
std::uint64_t running_parity(std::uint64_t bits) noexcept {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

}  // namespace

void JsonDepth::scan(std::string_view bytes) noexcept {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= kBlock; left -= kBlock, at += kBlock) block(at, kBlock);
  if (left > 0) block(at, static_cast<unsigned>(left));
}

void JsonDepth::block(const char* at, unsigned size) noexcept {
  Marks marks = marks_of(at);
  const std::uint64_t inside = size == kBlock ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;

  std::uint64_t slashes = marks.slash & inside;
  std::uint64_t escaped = escaped_ ? 1 : 0;
  escaped_ = false;
  slashes &= ~escaped;
  while (slashes != 0) {
    const int first = std::countr_zero(slashes);
    const unsigned next = static_cast<unsigned>(first) + 1;
    if (next == size) {
      escaped_ = true;
      break;
    }
    escaped |= std::uint64_t{1} << next;
    slashes &= slashes - 1;
    slashes &= ~(std::uint64_t{1} << next);
  }

  const std::uint64_t string = running_parity(marks.quote & inside & ~escaped) ^ in_string_;
  in_string_ = static_cast<std::uint64_t>(static_cast<std::int64_t>(string) >> 63);
  marks.open &= inside & ~string;
  marks.close &= inside & ~string;
  depth_ += std::popcount(marks.open) - std::popcount(marks.close);
}

}  // namespace thorlog
