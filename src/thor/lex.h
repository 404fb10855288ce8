// The smallest steps of the grammar: letters, words, levels, stamps. Header only, because the start test and the line
// parser spend their time here. Every function takes the end of what may be looked at.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "thorlog/event.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace thorlog::lex {

constexpr bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }
constexpr bool is_upper(char c) noexcept { return static_cast<unsigned char>(c - 'A') < 26; }
constexpr bool is_lower(char c) noexcept { return static_cast<unsigned char>(c - 'a') < 26; }
constexpr bool is_letter(char c) noexcept { return is_upper(static_cast<char>(c & ~0x20)); }
constexpr bool is_key(char c) noexcept { return is_upper(c) || is_digit(c) || c == '_'; }
constexpr bool is_hex(char c) noexcept { return is_digit(c) || static_cast<unsigned char>((c | 0x20) - 'a') < 6; }
constexpr char to_lower(char c) noexcept { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }

inline bool starts_with(std::string_view text, std::string_view head) noexcept {
  return text.size() >= head.size() && std::memcmp(text.data(), head.data(), head.size()) == 0;
}
inline std::string_view from(std::string_view text, std::size_t at) noexcept {
  if (at > text.size()) at = text.size();  // then it is empty, and stands at the end
  return {text.data() + at, text.size() - at};
}
inline std::string_view cut(std::string_view text, std::size_t at, std::size_t length) noexcept {
  return {text.data() + at, length};
}

// Where the first blank is, text.size() when there is none. Words are short: a call of memchr would cost more than
// the search. Never reads behind the end.
inline std::size_t find_blank(std::string_view text) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(' ')));
    if (mask != 0) return at + static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
  }
#endif
  while (at < text.size() && text[at] != ' ') ++at;
  return at;
}

// The same in bytes with kReadAhead readable bytes behind them.
template <char wanted>
std::size_t find_ahead(std::string_view text) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  for (; at < text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted)));
    if (mask == 0) continue;
    at += static_cast<std::size_t>(std::countr_zero(static_cast<unsigned>(mask)));
    return at < text.size() ? at : text.size();
  }
  return text.size();
#else
  while (at < text.size() && text[at] != wanted) ++at;
  return at;
#endif
}

// Whether a control character is in bytes with kReadAhead readable bytes behind them.
inline bool has_control_ahead(std::string_view text) noexcept {
#if defined(__SSE2__)
  for (std::size_t at = 0; at < text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    auto mask =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(low, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)))));
    if (text.size() - at < 16) mask &= (1U << (text.size() - at)) - 1U;
    if (mask != 0) return true;
  }
  return false;
#else
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return true;
  return false;
#endif
}

// Whether all of it is ASCII; kReadAhead readable bytes behind it. Nearly every line is, and this is a third of what
// the check of UTF-8 costs.
inline bool is_ascii_ahead(std::string_view text) noexcept {
  std::size_t at = 0;
#if defined(__SSE2__)
  __m128i all = _mm_setzero_si128();
  const auto load = [&](std::size_t n) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + n)); };
  for (; at + 64 <= text.size(); at += 64)
    all = _mm_or_si128(
        all, _mm_or_si128(_mm_or_si128(load(at), load(at + 16)), _mm_or_si128(load(at + 32), load(at + 48))));
  for (; at + 16 <= text.size(); at += 16) all = _mm_or_si128(all, load(at));
  auto high = static_cast<unsigned>(_mm_movemask_epi8(all));
  if (at < text.size())
    high |= static_cast<unsigned>(_mm_movemask_epi8(load(at))) & ((1U << (text.size() - at)) - 1U);
  return high == 0;
#else
  for (; at < text.size(); ++at)
    if (static_cast<unsigned char>(text[at]) >= 0x80) return false;
  return true;
#endif
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

// A level's word at the beginning of `text` as THOR and its agent write it; length 0: none is there.
struct LevelWord {
  Level level = Level::none;
  std::uint8_t length = 0;
};
// Without a branch that depends on the level: levels follow each other at random, and a wrong guess costs more than
// all of this. The first four letters have a slot of their own in a small table.
namespace levels {
struct Word {
  std::uint32_t first = 0, last = 0;  // four letters each; they overlap in short words
  LevelWord is;
};
constexpr std::uint32_t letters(std::string_view four) noexcept {
  std::uint32_t value = 0;
  for (std::size_t n = 0; n < 4; ++n) value |= std::uint32_t{static_cast<unsigned char>(four[n])} << 8 * n;
  return value;
}
constexpr Word word(std::string_view text, Level level) noexcept {
  return {letters(text.substr(0, 4)),
          letters(text.substr(text.size() - 4)),
          {level, static_cast<std::uint8_t>(text.size())}};
}
// CEF's help and THOR 10 say Alarm where THOR 11 says Alert. Only the agent's grammar has Fatal (domain notes 4.1).
inline constexpr std::array kWords = {word("Info", Level::info),       word("Notice", Level::notice),
                                      word("Warning", Level::warning), word("Error", Level::error),
                                      word("Debug", Level::debug),     word("Alert", Level::alert),
                                      word("Alarm", Level::alert),     word("Fatal", Level::error)};
constexpr std::size_t slot(std::uint32_t first) noexcept { return (first * 0x91B7584BU) >> 28; }
inline constexpr auto kTable = [] {
  std::array<Word, 16> table{};
  for (const Word& each : kWords) table[slot(each.first)] = each;
  return table;
}();
static_assert([] {
  for (const Word& each : kWords)
    if (kTable[slot(each.first)].first != each.first) return false;
  return true;
}());
}  // namespace levels

inline LevelWord level_word(std::string_view text) noexcept {
  if (text.size() < 4) return {};
  std::uint32_t first = 0;
  std::memcpy(&first, text.data(), 4);
  const levels::Word& word = levels::kTable[levels::slot(first)];
  if (word.first != first || text.size() < word.is.length) return {};
  std::uint32_t last = 0;
  std::memcpy(&last, text.data() + word.is.length - 4, 4);
  return last == word.last ? word.is : LevelWord{};
}

// A level's name in any case, also the short forms of the appliances (ERR, INF, WAR, WARN); none when it is no level.
Level level_named(std::string_view name) noexcept;

// Lengths of stamps at the beginning of `text`, 0: none is there. Digits only: whether there is such a day is not
// asked.
std::size_t bsd_stamp(std::string_view text) noexcept;    // "Oct  8 11:37:54", "Jul 8 11:30:56"
std::size_t iso_stamp(std::string_view text) noexcept;    // "2025-10-08T11:37:54.123+02:00"
std::size_t agent_stamp(std::string_view text) noexcept;  // "2025/02/12 14:24:34"

}  // namespace thorlog::lex
