// Copying with an eye on bytes that need another form: sixteen at a time, since almost all of a line needs none. SSE2
// is part of every x86-64; elsewhere a plain loop does the same.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace thorlog {

// Behind the place where copy_clean() writes, this much must be writable beyond what is copied.
inline constexpr std::size_t kCopySlack = 16;

#if defined(__SSE2__)
struct Block {
  __m128i bytes;
  static Block load(const char* from) noexcept { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))}; }
  static Block pair(std::uint64_t first, std::uint64_t second) noexcept {
    return {_mm_set_epi64x(static_cast<long long>(second), static_cast<long long>(first))};
  }
  void store(char* to) const noexcept { _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes); }
  Block below_space() const noexcept { return {_mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1F)), bytes)}; }
  Block equal(char byte) const noexcept { return {_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte))}; }
  Block operator|(Block other) const noexcept { return {_mm_or_si128(bytes, other.bytes)}; }
  // The top bit of each byte.
  unsigned mask() const noexcept { return static_cast<unsigned>(_mm_movemask_epi8(bytes)); }
};
#else
struct Block {
  unsigned char bytes[16];
  static Block load(const char* from) noexcept {
    Block block;
    std::memcpy(block.bytes, from, 16);
    return block;
  }
  static Block pair(std::uint64_t first, std::uint64_t second) noexcept {
    Block block;
    std::memcpy(block.bytes, &first, 8);
    std::memcpy(block.bytes + 8, &second, 8);
    return block;
  }
  void store(char* to) const noexcept { std::memcpy(to, bytes, 16); }
  template <class Test>
  Block where(Test test) const noexcept {
    Block block;
    for (int i = 0; i < 16; ++i) block.bytes[i] = test(bytes[i]) ? 0xFF : 0;
    return block;
  }
  Block below_space() const noexcept {
    return where([](unsigned char byte) { return byte < 0x20; });
  }
  Block equal(char wanted) const noexcept {
    return where([wanted](unsigned char byte) { return byte == static_cast<unsigned char>(wanted); });
  }
  Block operator|(Block other) const noexcept {
    for (int i = 0; i < 16; ++i) other.bytes[i] = static_cast<unsigned char>(other.bytes[i] | bytes[i]);
    return other;
  }
  unsigned mask() const noexcept {
    unsigned bits = 0;
    for (int i = 0; i < 16; ++i) bits |= static_cast<unsigned>(bytes[i] >> 7) << i;
    return bits;
  }
};
#endif

// Sets of bytes that are not copied as they are. `found` has the top bit set where one stands.
struct JsonSpecial {  // and everything that is not ASCII, for the check of UTF-8
  static Block found(Block block) noexcept {
    return block | block.below_space() | block.equal('"') | block.equal('\\');
  }
  static bool has(unsigned char byte) noexcept { return byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\'; }
};
struct LineSpecial {
  static Block found(Block block) noexcept { return block.below_space() | block.equal('\\'); }
  static bool has(unsigned char byte) noexcept { return byte < 0x20 || byte == '\\'; }
};
struct ParamSpecial {  // RFC 5424, 6.3.3
  static Block found(Block block) noexcept {
    return block | block.below_space() | block.equal(0x7F) | block.equal('"') | block.equal('\\') | block.equal(']');
  }
  static bool has(unsigned char byte) noexcept {
    return byte < 0x20 || byte >= 0x7F || byte == '"' || byte == '\\' || byte == ']';
  }
};
struct CefSpecial {  // of header and extension together
  static Block found(Block block) noexcept {
    return block | block.below_space() | block.equal(0x7F) | block.equal('=') | block.equal('\\') | block.equal('|');
  }
  static bool has(unsigned char byte) noexcept {
    return byte < 0x20 || byte >= 0x7F || byte == '=' || byte == '\\' || byte == '|';
  }
};
struct NotPlainText {  // of a terminal: anything but printable ASCII
  static Block found(Block block) noexcept { return block | block.below_space() | block.equal(0x7F); }
  static bool has(unsigned char byte) noexcept { return byte < 0x20 || byte >= 0x7F; }
};

// Copies up to the first byte of the set, or to the end; both pointers move. May write kCopySlack bytes too many,
// never reads behind the end.
template <class Set>
inline void copy_clean(const char*& from, const char* end, char*& to) noexcept {
  while (end - from >= 16) {
    const Block block = Block::load(from);
    block.store(to);
    const unsigned found = Set::found(block).mask();
    if (found != 0) {
      const int clean = std::countr_zero(found);
      from += clean;
      to += clean;
      return;
    }
    from += 16;
    to += 16;
  }
  const auto left = static_cast<std::size_t>(end - from);
  if (left >= 8) {  // two words that overlap cover it
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::memcpy(&first, from, 8);
    std::memcpy(&last, end - 8, 8);
    if (Set::found(Block::pair(first, last)).mask() == 0) {
      std::memcpy(to, &first, 8);
      std::memcpy(to + left - 8, &last, 8);
      from = end;
      to += left;
      return;
    }
  } else if (left >= 4) {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::memcpy(&first, from, 4);
    std::memcpy(&last, end - 4, 4);
    const std::uint64_t both = std::uint64_t{last} << 32 | first;
    if (Set::found(Block::pair(both, both)).mask() == 0) {
      std::memcpy(to, &first, 4);
      std::memcpy(to + left - 4, &last, 4);
      from = end;
      to += left;
      return;
    }
  }
  while (from != end && !Set::has(static_cast<unsigned char>(*from))) *to++ = *from++;
}

}  // namespace thorlog
