#include "reassembly/relay_header.h"

#include <cstdlib>

#include "thor/lex.h"

namespace thorlog {
namespace {

constexpr std::string_view kPriority = "<13>";
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNear = 90;           // seconds
constexpr std::int64_t kZoneStep = 15 * 60;  // zones differ by multiples of it
constexpr std::int64_t kWidestZone = 14 * 3600;
constexpr std::int64_t kDay = 86400;

// Days since 1970-01-01 of a day of the Gregorian calendar. The year is taken to begin in March, so that the day that
// comes and goes is its last one.
std::int64_t days_of(std::int64_t year, int month, int day) noexcept {
  const int from_march = (month + 9) % 12;
  if (month <= 2) --year;
  const std::int64_t days = year * 365 + year / 4 - year / 100 + year / 400;
  return days + (from_march * 153 + 2) / 5 + day - 1 - 719468;
}

int year_of(std::int64_t seconds) noexcept {
  auto year = static_cast<int>(1970 + seconds / (365 * kDay + kDay / 4));
  while (days_of(year + 1, 1, 1) * kDay <= seconds) ++year;
  while (days_of(year, 1, 1) * kDay > seconds) --year;
  return year;
}

int digits(std::string_view text, std::size_t at, std::size_t count) noexcept {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) value = value * 10 + (text[i] == ' ' ? 0 : text[i] - '0');
  return value;
}

std::int64_t time_of_day(std::string_view text, std::size_t at) noexcept {
  return digits(text, at, 2) * 3600 + digits(text, at + 3, 2) * 60 + digits(text, at + 6, 2);
}

int month_of(std::string_view text) noexcept {
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::size_t at = kMonths.find(text.substr(0, 3));
  return at == std::string_view::npos ? 1 : static_cast<int>(at / 3) + 1;
}

// "Oct  8 11:37:54", of a length that lex::bsd_stamp() answered.
bool is_near_bsd(std::string_view stamp, std::int64_t now) noexcept {
  const std::size_t clock = stamp.size() - 8;
  const std::int64_t day_and_time = time_of_day(stamp, clock);
  const int year = year_of(now);
  for (int candidate = year - 1; candidate <= year + 1; ++candidate) {
    const int day = digits(stamp, 4, clock - 5);
    const std::int64_t off = days_of(candidate, month_of(stamp), day) * kDay + day_and_time - now;
    if (std::llabs(off) > kWidestZone + kNear) continue;
    std::int64_t rest = off % kZoneStep;
    if (rest < 0) rest += kZoneStep;
    if (rest <= kNear || rest >= kZoneStep - kNear) return true;
  }
  return false;
}

// "2025-10-08T11:37:54.123+02:00", of a length that lex::iso_stamp() answered.
bool is_near_iso(std::string_view stamp, std::int64_t now) noexcept {
  std::int64_t time = days_of(digits(stamp, 0, 4), digits(stamp, 5, 2), digits(stamp, 8, 2)) * kDay;
  time += time_of_day(stamp, 11);
  const char sign = stamp.size() > 6 ? stamp[stamp.size() - 6] : 'Z';
  if (stamp.back() != 'Z' && (sign == '+' || sign == '-')) {
    const std::int64_t zone = digits(stamp, stamp.size() - 5, 2) * 3600 + digits(stamp, stamp.size() - 2, 2) * 60;
    time -= sign == '+' ? zone : -zone;
  }
  return std::llabs(time - now) <= kNear;
}

}  // namespace

std::size_t relay_header(std::string_view bytes, std::int64_t received) noexcept {
  if (!lex::starts_with(bytes, kPriority)) return 0;
  const std::string_view text = bytes.substr(kPriority.size());
  if (text.empty()) return 0;
  const bool iso = lex::is_digit(text[0]);
  const std::size_t length = iso ? lex::iso_stamp(text) : lex::bsd_stamp(text);
  if (length == 0 || text.size() <= length || text[length] != ' ') return 0;
  const std::string_view stamp = text.substr(0, length);
  const std::int64_t now = received / kSecond;
  if (!(iso ? is_near_iso(stamp, now) : is_near_bsd(stamp, now))) return 0;
  return kPriority.size() + length + 1;
}

SenderWord sender_word(std::string_view text) noexcept {
  SenderWord found;
  std::size_t end = text.find(' ');
  if (end == std::string_view::npos) end = text.size();
  found.word = text.substr(0, end);
  if (end < text.size()) ++end;
  if (end + 1 < text.size() && text[end] == ' ' && (text[end + 1] == '{' || text[end + 1] == '[')) ++end;
  found.length = end;
  return found;
}

}  // namespace thorlog
