#include "outputs/match_literals.h"

#include <algorithm>

namespace thorlog {
namespace {

// With five the four bytes looked at no longer touch each other: more would gain little and lose short literals.
constexpr std::size_t kLongestStride = 5;

char folded(char c) noexcept { return static_cast<char>(static_cast<unsigned char>(c) | 0x20U); }

}  // namespace

void LiteralFilter::add(std::string_view literal) {
  std::string& kept = literals_.emplace_back(literal);
  for (char& c : kept) c = folded(c);
}

void LiteralFilter::build() {
  std::size_t shortest = kShortest + kLongestStride - 1;
  for (const std::string& literal : literals_) shortest = std::min(shortest, literal.size());
  // A literal of n bytes holds n - 3 groups of four; one of `stride_` neighbouring places is looked at.
  stride_ = shortest - kShortest + 1;
  for (std::size_t number = 0; number < literals_.size(); ++number) {
    for (std::size_t offset = 0; offset < stride_; ++offset) {
      const std::uint32_t bytes = fold(literals_[number].data() + offset);
      grams_.push_back({bytes, static_cast<std::uint32_t>(number), static_cast<std::uint32_t>(offset)});
      const std::uint32_t slot = slot_of(bytes);
      bits_[slot / 64] |= std::uint64_t{1} << (slot % 64);
    }
  }
  std::sort(grams_.begin(), grams_.end(), [](const Gram& a, const Gram& b) { return a.bytes < b.bytes; });
}

std::uint32_t LiteralFilter::first_of(std::uint32_t gram) const noexcept {
  const auto first = std::lower_bound(grams_.begin(), grams_.end(), gram,
                                      [](const Gram& one, std::uint32_t bytes) { return one.bytes < bytes; });
  return static_cast<std::uint32_t>(first - grams_.begin());
}

bool LiteralFilter::stands_at(std::string_view text, std::size_t at, const Gram& gram) const noexcept {
  const std::string& literal = literals_[gram.literal];
  if (gram.offset > at || literal.size() > text.size() - (at - gram.offset)) return false;
  const char* const begin = text.data() + (at - gram.offset);
  for (std::size_t i = 0; i < literal.size(); ++i) {
    if (folded(begin[i]) != literal[i]) return false;
  }
  return true;
}

}  // namespace thorlog
