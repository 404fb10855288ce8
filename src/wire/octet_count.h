// The count in front of an octet-counted frame (RFC 6587 3.4.1), told apart from lines that begin with a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace thorlog {

struct OctetCount {
  enum class Verdict : std::uint8_t { line, count, more };  // more: the bytes at hand don't tell yet
  Verdict verdict = Verdict::line;
  bool priority = false;   // "<190>" follows
  std::size_t prefix = 0;  // bytes of the count and its blank
  std::uint64_t value = 0;
};

// What the beginning of a frame says. `any_content`: the stream is known to be counted, so digits and a blank are
// enough; else "<190>", "{"" or one of the starts S1 to S4 must follow them. Ten digits at most.
OctetCount read_octet_count(std::string_view bytes, bool any_content) noexcept;

}  // namespace thorlog
