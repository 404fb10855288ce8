#include "thor/keys.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "thor/key_list.h"
#include "thor/lex.h"

namespace thorlog {
namespace {

constexpr std::size_t kSlots = 2048;  // a power of two, four times the keys or more
static_assert(std::size(kThorKeys) * 4 <= kSlots);

constexpr std::uint32_t hash(std::string_view key) noexcept {
  std::uint32_t value = 2166136261U;
  for (const char c : key) value = (value ^ static_cast<unsigned char>(c)) * 16777619U;
  return value ^ value >> 15;
}

// Open addressing; 0 is an empty slot, else the number of the key plus one.
constexpr std::array<std::uint16_t, kSlots> make_table() noexcept {
  std::array<std::uint16_t, kSlots> table{};
  for (std::size_t n = 0; n < std::size(kThorKeys); ++n) {
    std::size_t slot = hash(kThorKeys[n]) % kSlots;
    while (table[slot] != 0) slot = (slot + 1) % kSlots;
    table[slot] = static_cast<std::uint16_t>(n + 1);
  }
  return table;
}
constexpr auto kTable = make_table();

bool is_listed(std::string_view key) noexcept {
  for (std::size_t slot = hash(key) % kSlots; kTable[slot] != 0; slot = (slot + 1) % kSlots)
    if (kThorKeys[kTable[slot] - 1U] == key) return true;
  return false;
}

// Without "_2", "_13".
std::string_view without_number(std::string_view key) noexcept {
  std::size_t end = key.size();
  while (end > 0 && lex::is_digit(key[end - 1])) --end;
  return end < key.size() && end > 1 && key[end - 1] == '_' ? key.substr(0, end - 1) : key;
}

}  // namespace

bool is_thor_key(std::string_view key) noexcept {
  if (key.empty() || key.size() > kLongestKey) return false;
  if (is_listed(key)) return true;
  const std::string_view plain = without_number(key);
  if (plain.size() != key.size() && is_listed(plain)) return true;
  for (std::size_t at = plain.find('_'); at != std::string_view::npos; at = plain.find('_', at + 1))
    if (is_listed(plain.substr(at + 1))) return true;
  return false;
}

}  // namespace thorlog
