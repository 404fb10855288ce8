// Decimal and hexadecimal digits into a buffer, for encoders. The caller has made room.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace thorlog {

inline constexpr std::size_t kMaxDigits = 20;  // of 64 bits

inline constexpr auto kTwoDigits = [] {
  std::array<char, 200> table{};
  for (std::size_t i = 0; i < 100; ++i) {
    table[2 * i] = static_cast<char>('0' + i / 10);
    table[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

inline constexpr char kUpperHex[] = "0123456789ABCDEF";
inline constexpr char kLowerHex[] = "0123456789abcdef";

// A literal, without its final NUL.
template <std::size_t N>
inline char* put_literal(char* to, const char (&literal)[N]) noexcept {
  std::memcpy(to, literal, N - 1);
  return to + (N - 1);
}

// Bytes of our own that are few.
inline char* put_text(char* to, std::string_view text) noexcept {
  for (const char c : text) *to++ = c;
  return to;
}

// value < 100
inline void put_two_digits(char* to, std::uint32_t value) noexcept {
  std::memcpy(to, kTwoDigits.data() + std::size_t{2} * value, 2);
}

inline char* put_decimal(char* to, std::uint64_t value) noexcept {
  char digits[kMaxDigits];
  char* at = digits + kMaxDigits;
  while (value >= 100) {
    at -= 2;
    put_two_digits(at, static_cast<std::uint32_t>(value % 100));
    value /= 100;
  }
  if (value >= 10) {
    at -= 2;
    put_two_digits(at, static_cast<std::uint32_t>(value));
  } else {
    *--at = static_cast<char>('0' + value);
  }
  const auto length = static_cast<std::size_t>(digits + kMaxDigits - at);
  std::memcpy(to, at, length);
  return to + length;
}

}  // namespace thorlog
