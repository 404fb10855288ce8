// How deep inside JSON a line is. Reads each byte once, in any number of pieces, 64 bytes at a time.
#pragma once

#include <cstdint>
#include <string_view>

namespace thorlog {

class JsonDepth {
 public:
  // Goes on where the last call stopped. kReadAhead bytes behind `bytes` must be readable.
  void scan(std::string_view bytes) noexcept;

  // No string is open, and every brace and bracket that was opened is closed.
  bool closed() const noexcept { return in_string_ == 0 && depth_ <= 0; }
  // As much was opened as was closed: a whole object, and no piece that ends one.
  bool balanced() const noexcept { return in_string_ == 0 && depth_ == 0; }

 private:
  std::int64_t depth_ = 0;
  std::uint64_t in_string_ = 0;  // all ones: yes
  bool escaped_ = false;         // the next byte stands behind a backslash
};

}  // namespace thorlog
