// Searches a text for many literals at once, without regard to ASCII case: a filter, so it may say yes too often (it
// also takes some punctuation for the same), never too rarely. Looks at four bytes at every few places only, which a
// literal that is long enough can't slip through. Immutable once built; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace thorlog {

class LiteralFilter {
 public:
  static constexpr std::size_t kShortest = 4;  // of a literal

  // The literal's number counts up from 0.
  void add(std::string_view literal);
  // After the last add(). Chooses how many places may be left out: more, the longer the shortest literal is.
  void build();
  bool empty() const noexcept { return literals_.empty(); }

  // Calls found(number) for each literal that the text may hold, perhaps more than once.
  template <class Found>
  void search(std::string_view text, Found found) const {
    if (text.size() < kShortest || literals_.empty()) return;
    const char* const begin = text.data();
    const std::size_t last = text.size() - kShortest;
    for (std::size_t at = 0; at <= last; at += stride_) {
      const std::uint32_t gram = fold(begin + at);
      const std::uint32_t slot = slot_of(gram);
      if ((bits_[slot / 64] >> (slot % 64) & 1U) != 0) look(text, at, gram, found);
    }
  }

 private:
  struct Gram {
    std::uint32_t bytes;
    std::uint32_t literal;
    std::uint32_t offset;  // within the literal
  };

  // Four bytes with the bit set that tells "A" from "a".
  static std::uint32_t fold(const char* bytes) noexcept {
    std::uint32_t four = 0;
    std::memcpy(&four, bytes, sizeof four);
    return four | 0x20202020U;
  }
  static std::uint32_t slot_of(std::uint32_t gram) noexcept { return gram * 2'654'435'761U >> 16; }

  template <class Found>
  void look(std::string_view text, std::size_t at, std::uint32_t gram, Found& found) const {
    for (std::uint32_t i = first_of(gram); i < grams_.size() && grams_[i].bytes == gram; ++i) {
      if (stands_at(text, at, grams_[i])) found(grams_[i].literal);
    }
  }
  std::uint32_t first_of(std::uint32_t gram) const noexcept;
  bool stands_at(std::string_view text, std::size_t at, const Gram& gram) const noexcept;

  std::vector<std::string> literals_;  // folded
  std::vector<Gram> grams_;            // sorted by bytes
  std::array<std::uint64_t, 1024> bits_{};
  std::size_t stride_ = 1;
};

}  // namespace thorlog
