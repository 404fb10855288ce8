// One step through bytes that should be UTF-8 (RFC 3629). What is not is taken as its maximal subparts, as Unicode
// 3.9 (D93b) recommends and most decoders do: each becomes one U+FFFD.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace thorlog {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

struct Utf8Step {
  char32_t code = 0;
  std::uint8_t length = 1;  // bytes to pass over, never past the end
  bool valid = false;
};

// at < end
inline Utf8Step utf8_step(const char* at, const char* end) noexcept {
  const auto byte = [at](std::ptrdiff_t i) { return static_cast<unsigned char>(at[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return {first, 1, true};
  if (first < 0xC2 || first > 0xF4) return {0, 1, false};
  const std::ptrdiff_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  // The second byte alone tells overlong forms, surrogates and codes above U+10FFFF.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (first == 0xE0) low = 0xA0;
  if (first == 0xED) high = 0x9F;
  if (first == 0xF0) low = 0x90;
  if (first == 0xF4) high = 0x8F;
  char32_t code = first & (0x7FU >> length);
  for (std::ptrdiff_t i = 1; i < length; ++i) {
    if (at + i == end || byte(i) < low || byte(i) > high) return {0, static_cast<std::uint8_t>(i), false};
    code = code << 6 | (byte(i) & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return {code, static_cast<std::uint8_t>(length), true};
}

}  // namespace thorlog
