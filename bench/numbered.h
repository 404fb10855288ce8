// Numbered lines: how the load generator marks what it sends and the sink knows it again. Each line ends in
//   " UID: <connection>.<number>.<checksum of all bytes before the second dot>"
// so the sink sees what was lost, repeated, reordered, altered or invented without knowing what was sent.
#pragma once

#include <xxhash.h>

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace thorlog::bench {

inline constexpr std::string_view kMark = " UID: ";
inline constexpr std::size_t kLongestMark = 6 + 10 + 1 + 20 + 1 + 8;

struct Number {
  std::uint32_t connection = 0;
  std::uint64_t number = 0;
};

inline std::uint32_t checksum(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

// Appends the mark to a line.
inline void put_mark(std::string& line, Number id) {
  line.append(kMark);
  line.append(std::to_string(id.connection)).push_back('.');
  line.append(std::to_string(id.number));
  char hex[8];
  const std::uint32_t sum = checksum(line);
  for (int i = 0; i < 8; ++i) hex[i] = "0123456789abcdef"[(sum >> (28 - 4 * i)) & 15];
  line.push_back('.');
  line.append(hex, sizeof hex);
}

// The mark at the end of a line; nothing when there is none, or when the bytes before it are not those it was made
// for.
inline std::optional<Number> read_mark(std::string_view line) noexcept {
  const std::string_view tail = line.substr(line.size() - std::min(line.size(), kLongestMark));
  const std::size_t at = tail.rfind(kMark);
  if (at == std::string_view::npos) return std::nullopt;
  const char* p = tail.data() + at + kMark.size();
  const char* const end = line.data() + line.size();
  Number id;
  auto part = std::from_chars(p, end, id.connection);
  if (part.ec != std::errc() || part.ptr == end || *part.ptr != '.') return std::nullopt;
  part = std::from_chars(part.ptr + 1, end, id.number);
  if (part.ec != std::errc() || part.ptr == end || *part.ptr != '.') return std::nullopt;
  const std::string_view marked(line.data(), static_cast<std::size_t>(part.ptr - line.data()));
  std::uint32_t sum = 0;
  const auto last = std::from_chars(part.ptr + 1, end, sum, 16);
  if (last.ec != std::errc() || last.ptr != end || last.ptr - part.ptr != 9 || sum != checksum(marked))
    return std::nullopt;
  return id;
}

}  // namespace thorlog::bench
