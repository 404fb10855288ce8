#include "thor/stamp.h"

#include <limits>

#include "thor/lex.h"

namespace thorlog {
namespace {

unsigned digits(const char* text, int count) noexcept {
  unsigned value = 0;
  for (int n = 0; n < count; ++n) value = value * 10 + static_cast<unsigned>(text[n] - '0');
  return value;
}
unsigned two(const char* text) noexcept {
  return static_cast<unsigned>(text[0] - '0') * 10 + static_cast<unsigned>(text[1] - '0');
}

constexpr bool is_leap(std::int64_t year) noexcept { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

bool is_day(std::int64_t year, unsigned month, unsigned day) noexcept {
  static constexpr std::uint8_t kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  return day <= kDays[month - 1] + (month == 2 && is_leap(year) ? 1U : 0U);
}

// "hh:mm:ss" in nanoseconds, kNoTime when there is no such time. Leap seconds are none of ours (RFC 5424, 6.2.3).
std::int64_t clock_time(const char* text) noexcept {
  const unsigned hour = two(text);
  const unsigned minute = two(text + 3);
  const unsigned second = two(text + 6);
  if (hour > 23 || minute > 59 || second > 59) return kNoTime;
  return static_cast<std::int64_t>(hour * 3600 + minute * 60 + second) * kSecond;
}

// Their moments, and any two of them apart, fit into 64 bits of nanoseconds.
bool is_year(std::int64_t year) noexcept { return year >= 1900 && year <= 2200; }

std::int64_t in_zone(std::int64_t local, const TimeZone* zone) noexcept {
  return zone == nullptr ? local : zone->to_utc(local);
}

unsigned month_of(const char* text) noexcept {
  switch (text[0]) {
    case 'J':
      return text[1] == 'a' ? 1 : text[2] == 'n' ? 6 : 7;
    case 'F':
      return 2;
    case 'M':
      return text[2] == 'r' ? 3 : 5;
    case 'A':
      return text[1] == 'p' ? 4 : 8;
    case 'S':
      return 9;
    case 'O':
      return 10;
    case 'N':
      return 11;
    default:
      return 12;
  }
}

}  // namespace

// The usual sum over eras of 400 years, with years that begin in March so that the leap day is the last.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const auto year_of_era = static_cast<unsigned>(year - era * 400);
  const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const unsigned day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + static_cast<std::int64_t>(day_of_era) - 719'468;
}

std::int64_t year_of_day(std::int64_t days) noexcept {
  // Off by one at most, around New Year.
  std::int64_t year = 1970 + days * 400 / 146'097;
  while (days_from_civil(year, 1, 1) > days) --year;
  while (days_from_civil(year + 1, 1, 1) <= days) ++year;
  return year;
}

std::int64_t bsd_time(std::string_view stamp, std::int64_t received, const TimeZone* zone,
                      YearOfDay& years) noexcept {
  if (stamp.size() < 14) return kNoTime;
  const unsigned month = month_of(stamp.data());
  const std::size_t at = stamp[4] == ' ' ? 5 : 4;
  const bool wide = lex::is_digit(stamp[at + 1]);
  const unsigned day = wide ? two(stamp.data() + at) : digits(stamp.data() + at, 1);
  if (stamp.size() < at + (wide ? 11 : 10)) return kNoTime;
  const std::int64_t clock = clock_time(stamp.data() + at + (wide ? 3 : 2));
  if (clock == kNoTime || !is_day(2000, month, day)) return kNoTime;  // 2000 had a February 29

  if (received > std::numeric_limits<std::int64_t>::max() - 2 * kDay) return kNoTime;
  const std::int64_t latest = received + kDay;
  const std::int64_t latest_day = latest >= 0 ? latest / kDay : -((-latest + kDay - 1) / kDay);
  std::int64_t year = years(latest_day);
  if (!is_year(year)) return kNoTime;
  std::int64_t time = in_zone(days_from_civil(year, month, day) * kDay + clock, zone);
  if (time > latest) time = in_zone(days_from_civil(--year, month, day) * kDay + clock, zone);
  return is_day(year, month, day) ? time : kNoTime;
}

std::int64_t iso_time(std::string_view stamp, const TimeZone* zone) noexcept {
  if (stamp.size() < 19) return kNoTime;
  for (const int at : {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18})
    if (!lex::is_digit(stamp[static_cast<std::size_t>(at)])) return kNoTime;
  if (stamp[4] != '-' || stamp[7] != '-' || (stamp[10] != 'T' && stamp[10] != ' ') || stamp[13] != ':' ||
      stamp[16] != ':')
    return kNoTime;
  const char* text = stamp.data();
  const std::int64_t year = digits(text, 4);
  const unsigned month = two(text + 5);
  const unsigned day = two(text + 8);
  const std::int64_t clock = clock_time(text + 11);
  if (clock == kNoTime || !is_year(year) || !is_day(year, month, day)) return kNoTime;
  std::int64_t time = days_from_civil(year, month, day) * kDay + clock;

  std::size_t at = 19;
  if (at < stamp.size() && stamp[at] == '.') {
    std::int64_t scale = kSecond / 10;
    for (++at; at < stamp.size() && lex::is_digit(stamp[at]); ++at, scale /= 10) time += (stamp[at] - '0') * scale;
  }
  const std::string_view rest = lex::from(stamp, at);
  if (rest.empty()) return in_zone(time, zone);
  if (rest[0] == 'Z' || rest[0] == 'z') return time;
  if (rest.size() < 6 || (rest[0] != '+' && rest[0] != '-') || !lex::is_digit(rest[1]) || !lex::is_digit(rest[2]) ||
      rest[3] != ':' || !lex::is_digit(rest[4]) || !lex::is_digit(rest[5]))
    return kNoTime;
  const unsigned hours = two(rest.data() + 1);
  const unsigned minutes = two(rest.data() + 4);
  if (hours > 23 || minutes > 59) return kNoTime;
  const std::int64_t offset = static_cast<std::int64_t>(hours * 3600 + minutes * 60) * kSecond;
  return rest[0] == '+' ? time - offset : time + offset;
}

std::int64_t agent_time(std::string_view stamp, const TimeZone* zone) noexcept {
  if (lex::agent_stamp(stamp) == 0) return kNoTime;
  const std::int64_t year = digits(stamp.data(), 4);
  const unsigned month = two(stamp.data() + 5);
  const unsigned day = two(stamp.data() + 8);
  const std::int64_t clock = clock_time(stamp.data() + 11);
  if (clock == kNoTime || !is_year(year) || !is_day(year, month, day)) return kNoTime;
  return in_zone(days_from_civil(year, month, day) * kDay + clock, zone);
}

std::int64_t ansi_c_time(std::string_view stamp, const TimeZone* zone) noexcept {
  if (stamp.size() < 23 || stamp[3] != ' ') return kNoTime;
  const std::string_view text = stamp.substr(4);
  const std::size_t length = lex::bsd_stamp(text);
  if (length == 0 || text.size() < length + 5 || text[length] != ' ') return kNoTime;
  for (std::size_t n = 1; n < 5; ++n)
    if (!lex::is_digit(text[length + n])) return kNoTime;
  const std::int64_t year = digits(text.data() + length + 1, 4);
  const std::size_t at = text[4] == ' ' ? 5 : 4;
  const bool wide = lex::is_digit(text[at + 1]);
  const unsigned month = month_of(text.data());
  const unsigned day = wide ? two(text.data() + at) : digits(text.data() + at, 1);
  const std::int64_t clock = clock_time(text.data() + length - 8);
  if (clock == kNoTime || !is_year(year) || !is_day(year, month, day)) return kNoTime;
  return in_zone(days_from_civil(year, month, day) * kDay + clock, zone);
}

}  // namespace thorlog
