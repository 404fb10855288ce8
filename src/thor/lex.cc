#include "thor/lex.h"

namespace thorlog::lex {
namespace {

constexpr std::uint32_t packed(const char (&word)[4]) noexcept {
  return static_cast<std::uint32_t>(static_cast<unsigned char>(word[0])) |
         static_cast<std::uint32_t>(static_cast<unsigned char>(word[1])) << 8 |
         static_cast<std::uint32_t>(static_cast<unsigned char>(word[2])) << 16;
}

bool is_month(const char* text) noexcept {
  const std::uint32_t word = static_cast<std::uint32_t>(static_cast<unsigned char>(text[0])) |
                             static_cast<std::uint32_t>(static_cast<unsigned char>(text[1])) << 8 |
                             static_cast<std::uint32_t>(static_cast<unsigned char>(text[2])) << 16;
  switch (word) {
    case packed("Jan"):
    case packed("Feb"):
    case packed("Mar"):
    case packed("Apr"):
    case packed("May"):
    case packed("Jun"):
    case packed("Jul"):
    case packed("Aug"):
    case packed("Sep"):
    case packed("Oct"):
    case packed("Nov"):
    case packed("Dec"):
      return true;
    default:
      return false;
  }
}

// "hh:mm:ss", eight bytes at once: without their zeros and colons digits are below ten and colons nothing.
bool is_clock(const char* text) noexcept {
  static constexpr char kZero[] = "00:00:00";
  std::uint64_t bytes = 0;
  std::uint64_t zero = 0;
  std::memcpy(&bytes, text, 8);
  std::memcpy(&zero, kZero, 8);
  bytes ^= zero;
  static constexpr unsigned char kHigh[] = {0xF0, 0xF0, 0xFF, 0xF0, 0xF0, 0xFF, 0xF0, 0xF0};
  static constexpr unsigned char kSix[] = {6, 6, 0, 6, 6, 0, 6, 6};
  std::uint64_t high = 0;
  std::uint64_t six = 0;
  std::memcpy(&high, kHigh, 8);
  std::memcpy(&six, kSix, 8);
  return ((bytes | (bytes + six)) & high) == 0;
}

// "yyyy-mm-dd" with any separator
bool is_date(const char* text, char separator) noexcept {
  return is_digit(text[0]) && is_digit(text[1]) && is_digit(text[2]) && is_digit(text[3]) && text[4] == separator &&
         is_digit(text[5]) && is_digit(text[6]) && text[7] == separator && is_digit(text[8]) && is_digit(text[9]);
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t n = 0; n < a.size(); ++n)
    if (to_lower(a[n]) != to_lower(b[n])) return false;
  return true;
}

Level level_named(std::string_view name) noexcept {
  struct Name {
    std::string_view word;
    Level level;
  };
  static constexpr Name kNames[] = {
      {"info", Level::info},   {"warning", Level::warning}, {"notice", Level::notice}, {"alert", Level::alert},
      {"error", Level::error}, {"debug", Level::debug},     {"alarm", Level::alert},   {"err", Level::error},
      {"inf", Level::info},    {"war", Level::warning},     {"warn", Level::warning},  {"fatal", Level::error},
      {"dbg", Level::debug},   {"deb", Level::debug},       {"not", Level::notice},    {"critical", Level::alert}};
  for (const Name& known : kNames)
    if (equal_ignoring_case(name, known.word)) return known.level;
  return Level::none;
}

std::size_t bsd_stamp(std::string_view text) noexcept {
  if (text.size() < 14 || text[3] != ' ' || !is_month(text.data())) return 0;
  std::size_t at = text[4] == ' ' ? 5 : 4;
  if (!is_digit(text[at])) return 0;
  ++at;
  if (is_digit(text[at])) ++at;
  if (text.size() < at + 9 || text[at] != ' ' || !is_clock(text.data() + at + 1)) return 0;
  return at + 9;
}

std::size_t iso_stamp(std::string_view text) noexcept {
  if (text.size() < 20 || text[4] != '-' || text[10] != 'T' || !is_date(text.data(), '-') ||
      !is_clock(text.data() + 11))
    return 0;
  std::size_t at = 19;
  if (text[at] == '.') {
    const std::size_t digits = at + 1;
    for (++at; at < text.size() && at < digits + 20 && is_digit(text[at]);) ++at;
    if (at == digits) return 0;
  }
  if (at >= text.size()) return 0;
  if (text[at] == 'Z') return at + 1;
  if (text[at] != '+' && text[at] != '-') return 0;
  if (text.size() < at + 6 || !is_digit(text[at + 1]) || !is_digit(text[at + 2]) || text[at + 3] != ':' ||
      !is_digit(text[at + 4]) || !is_digit(text[at + 5]))
    return 0;
  return at + 6;
}

std::size_t agent_stamp(std::string_view text) noexcept {
  if (text.size() < 19 || text[4] != '/' || text[10] != ' ') return 0;
  return is_date(text.data(), '/') && is_clock(text.data() + 11) ? 19 : 0;
}

}  // namespace thorlog::lex
