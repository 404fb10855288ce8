// Finds the keys SCORE, SCANID and UID in a line: every " SC" and " UI" in it, 64 bytes at a time. A line has dozens
// of keys and only these three matter for its tags.
#pragma once

#include <bit>
#include <cstdint>
#include <string_view>

namespace thorlog {

class KeyMarks {
 public:
  // Two bytes before `text` are looked at, and may be read; so may kReadAhead bytes behind it.
  explicit KeyMarks(std::string_view text) noexcept : base_(text.data()), end_(text.data() + text.size()) {
    if (base_ < end_) mask_ = look();
  }

  // Where the next key begins (at its S or U); the end of the text when there is none.
  const char* next() noexcept {
    while (mask_ == 0) {
      if (end_ - base_ <= kWidth) return end_;
      base_ += kWidth;
      mask_ = look();
    }
    const int at = std::countr_zero(mask_);
    mask_ &= mask_ - 1;
    return base_ + at - 1;
  }

 private:
  static constexpr std::ptrdiff_t kWidth = 64;
  using Search = std::uint64_t (*)(const char*) noexcept;
  static const Search kSearch;  // the best one this processor can do

  std::uint64_t look() const noexcept {
    const std::uint64_t mask = kSearch(base_);
    const std::ptrdiff_t left = end_ - base_;
    return left < kWidth ? mask & ((std::uint64_t{1} << left) - 1) : mask;
  }

  const char* base_;
  const char* end_;
  std::uint64_t mask_ = 0;
};

}  // namespace thorlog
