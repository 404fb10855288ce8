// Finds the colons that can end a key: those with a blank or the line's end behind them. Sixteen bytes at a time.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace thorlog {

class KeyColons {
 public:
  // May read up to kReadAhead bytes behind `text`.
  explicit KeyColons(std::string_view text) noexcept : base_(text.data()), end_(text.data() + text.size()) {
    if (base_ < end_) mask_ = look();
  }

  // The next such colon; the end of the text when there is none.
  const char* next() noexcept {
    while (mask_ == 0) {
      if (end_ - base_ <= kWidth) return end_;
      base_ += kWidth;
      mask_ = look();
    }
    const int at = std::countr_zero(mask_);
    mask_ &= mask_ - 1;
    return base_ + at;
  }

 private:
  static constexpr std::ptrdiff_t kWidth = 16;

  std::uint32_t look() const noexcept {
    std::uint32_t mask = 0;
#if defined(__SSE2__)
    const __m128i here = _mm_loadu_si128(reinterpret_cast<const __m128i*>(base_));
    const __m128i behind = _mm_loadu_si128(reinterpret_cast<const __m128i*>(base_ + 1));
    mask = static_cast<std::uint32_t>(_mm_movemask_epi8(
        _mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8(':')), _mm_cmpeq_epi8(behind, _mm_set1_epi8(' ')))));
#else
    for (int n = 0; n < kWidth; ++n)
      if (base_[n] == ':' && base_[n + 1] == ' ') mask |= 1U << n;
#endif
    const std::ptrdiff_t left = end_ - base_;
    if (left <= kWidth) {  // what stands behind the end means nothing
      mask &= (1U << (left - 1)) - 1U;
      if (end_[-1] == ':') mask |= 1U << (left - 1);
    }
    return mask;
  }

  const char* base_;
  const char* end_;
  std::uint32_t mask_ = 0;
};

}  // namespace thorlog
