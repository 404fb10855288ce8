// Acknowledgements that come out of order: a low-water mark, and a bit for each of the next numbers. One thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace thorlog {

class AckWindow {
 public:
  static constexpr std::uint64_t kSize = 4096;  // numbers that can be under way at once

  explicit AckWindow(std::uint64_t first = 0) noexcept : low_(first) {}

  // Everything below it is acknowledged.
  std::uint64_t low() const noexcept { return low_; }
  // False: so far ahead that the sender must wait for older ones first.
  bool has_room(std::uint64_t number) const noexcept { return number < low_ + kSize; }

  // False: it was acknowledged before, or lies outside of the window; nothing changed.
  bool acknowledge(std::uint64_t number) noexcept {
    if (number < low_ || !has_room(number)) return false;
    std::uint64_t& word = words_[number % kSize / 64];
    const std::uint64_t bit = 1ULL << (number % 64);
    if ((word & bit) != 0) return false;
    word |= bit;
    if (number == low_) advance();
    return true;
  }

  void reset(std::uint64_t first) noexcept {
    words_.fill(0);
    low_ = first;
  }

 private:
  void advance() noexcept {
    for (;;) {
      const std::uint64_t shift = low_ % 64;
      std::uint64_t& word = words_[low_ % kSize / 64];
      const auto run = static_cast<std::uint64_t>(std::countr_one(word >> shift));
      if (run == 0) return;
      word &= run == 64 ? 0 : ~(((1ULL << run) - 1) << shift);
      low_ += run;
    }
  }

  std::uint64_t low_;
  std::array<std::uint64_t, kSize / 64> words_{};
};

}  // namespace thorlog
