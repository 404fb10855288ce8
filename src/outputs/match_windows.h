// Searches a text for places where four bytes or more in a row each belong to a set ("a dot, two digits, a colon"),
// sixteen places at once, or 32 with AVX2. Needs SSSE3 (every x86-64 processor since 2006, but not every build), so
// it asks the processor. Immutable once built; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace thorlog {

class ByteSet {
 public:
  static ByteSet all() noexcept {
    ByteSet set;
    set.words_.fill(~std::uint64_t{0});
    return set;
  }
  void add(unsigned char byte) noexcept { words_[byte / 64] |= std::uint64_t{1} << (byte % 64); }
  bool has(unsigned char byte) const noexcept { return (words_[byte / 64] >> (byte % 64) & 1U) != 0; }
  int size() const noexcept {
    int bytes = 0;
    for (const std::uint64_t word : words_) bytes += std::popcount(word);
    return bytes;
  }
  template <class Use>
  void for_each(Use use) const {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (std::uint64_t left = words_[i]; left != 0; left &= left - 1) {
        use(static_cast<unsigned char>(64 * i + static_cast<std::size_t>(std::countr_zero(left))));
      }
    }
  }
  const std::array<std::uint64_t, 4>& words() const noexcept { return words_; }
  ByteSet& operator|=(const ByteSet& other) noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
    return *this;
  }
  ByteSet operator~() const noexcept {
    ByteSet set;
    for (std::size_t i = 0; i < words_.size(); ++i) set.words_[i] = ~words_[i];
    return set;
  }

 private:
  std::array<std::uint64_t, 4> words_{};
};

struct Window {
  static constexpr std::size_t kLength = 4;  // of the part that is searched for
  std::vector<ByteSet> bytes;                // the whole of it, kLength at least
  std::size_t key = 0;                       // where in it the rarest part begins
  std::uint32_t owner = 0;                   // what is reported
};

class WindowFilter {
 public:
  // With more of them the eight groups get so crowded that nearly every place is looked at.
  static constexpr std::size_t kMaxWindows = 160;
  static bool can_run() noexcept;

  // `sample`: text as it will come; windows are grouped so that it rarely has to be looked at closely. `wide`: 32
  // places at once where the processor can.
  void build(std::vector<Window> windows, std::string_view sample, bool wide = true);
  bool empty() const noexcept { return windows_.empty(); }

  // Calls found(context, owner) for each window that stands in the text.
  using Found = void (*)(void* context, std::uint32_t owner);
  void search(std::string_view text, Found found, void* context) const;

 private:
  static constexpr std::size_t kGroups = 8;
  // For a group the low and high halves of its windows' bytes: bit n of low[i] says that some window has a byte that
  // ends in n at its i-th place. A text that passes them may still be none.
  struct Halves {
    std::array<std::uint16_t, Window::kLength> low{}, high{};
    void add(const Window& window) noexcept;
    bool pass(const char* at) const noexcept;
    double cost(std::string_view sample) const noexcept;
  };

  static bool can_run_wide() noexcept;
  static std::vector<std::size_t> grouped(const std::vector<Window>& windows, std::string_view sample);
  void search_ssse3(std::string_view text, Found found, void* context) const;
  void search_avx2(std::string_view text, Found found, void* context) const;
  void look_at_all(std::string_view text, std::size_t at, unsigned places, const unsigned char* each, Found found,
                   void* context) const;
  void look(std::string_view text, std::size_t at, unsigned groups, Found found, void* context) const;

  // What all bytes of a key's sets have in common: a first look that takes one comparison.
  struct Glance {
    std::uint32_t mask = 0, value = 0;
  };
  static Glance glance_of(const Window& window) noexcept;

  std::vector<Window> windows_;  // group by group
  std::vector<Glance> glances_;  // of each
  bool wide_ = false;
  std::array<std::uint32_t, kGroups + 1> begin_{};
  // For each place the groups that have a byte with this low or high half.
  alignas(16) std::array<std::array<unsigned char, 16>, Window::kLength> low_{}, high_{};
};

}  // namespace thorlog
