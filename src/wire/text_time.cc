#include "wire/text_time.h"

#include <cstring>

#include "wire/digits.h"

namespace thorlog {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86'400;

struct Date {
  std::uint32_t year, month, day;
};

// Days since 1970 to a date of the Gregorian calendar, counted in years that begin in March, so that the leap day is
// the last. Right for every day that 64 bits of nanoseconds reach.
Date to_date(std::int64_t days) noexcept {
  const std::int64_t shifted = days + 719'468;  // since 0000-03-01
  const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
  const auto of_era = static_cast<std::uint32_t>(shifted - era * 146'097);
  const std::uint32_t year_of_era = (of_era - of_era / 1460 + of_era / 36'524 - of_era / 146'096) / 365;
  const std::uint32_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint32_t from_march = (5 * of_year + 2) / 153;
  const std::uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
  const auto year = static_cast<std::uint32_t>(era * 400 + year_of_era) + (month <= 2 ? 1 : 0);
  return {year, month, of_year - (153 * from_march + 2) / 5 + 1};
}

}  // namespace

std::uint32_t StampCache::to_second(std::int64_t time) noexcept {
  std::int64_t second = time / kSecond;
  if (time % kSecond < 0) --second;
  const auto nanoseconds = static_cast<std::uint32_t>(time - second * kSecond);
  if (second == second_) return nanoseconds;
  second_ = second;
  std::int64_t day = second / kDay;
  if (second % kDay < 0) --day;
  if (day != day_) {
    static constexpr char kMonths[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    day_ = day;
    const Date date = to_date(day);
    put_two_digits(text_, date.year / 100);
    put_two_digits(text_ + 2, date.year % 100);
    text_[4] = '-';
    put_two_digits(text_ + 5, date.month);
    text_[7] = '-';
    put_two_digits(text_ + 8, date.day);
    text_[10] = 'T';
    std::memcpy(short_, kMonths + 3 * (date.month - 1), 3);
    short_[3] = ' ';
    put_two_digits(short_ + 4, date.day);
    if (short_[4] == '0') short_[4] = ' ';
    short_[6] = ' ';
  }
  const auto of_day = static_cast<std::uint32_t>(second - day * kDay);
  put_two_digits(text_ + 11, of_day / 3600);
  text_[13] = ':';
  put_two_digits(text_ + 14, of_day / 60 % 60);
  text_[16] = ':';
  put_two_digits(text_ + 17, of_day % 60);
  text_[19] = '.';
  std::memcpy(short_ + 7, text_ + 11, 8);
  return nanoseconds;
}

char* StampCache::append_rfc3339_nano(char* to, std::int64_t time) noexcept {
  const std::uint32_t nanoseconds = to_second(time);
  std::memcpy(to, text_, 20);
  to[20] = static_cast<char>('0' + nanoseconds / 100'000'000);
  const std::uint32_t rest = nanoseconds % 100'000'000;
  put_two_digits(to + 21, rest / 1'000'000);
  put_two_digits(to + 23, rest / 10'000 % 100);
  put_two_digits(to + 25, rest / 100 % 100);
  put_two_digits(to + 27, rest % 100);
  to[29] = 'Z';
  return to + 30;
}

char* StampCache::append_rfc3339_micro(char* to, std::int64_t time) noexcept {
  const std::uint32_t microseconds = to_second(time) / 1000;
  std::memcpy(to, text_, 20);
  put_two_digits(to + 20, microseconds / 10'000);
  put_two_digits(to + 22, microseconds / 100 % 100);
  put_two_digits(to + 24, microseconds % 100);
  to[26] = 'Z';
  return to + 27;
}

char* StampCache::append_rfc3164(char* to, std::int64_t time) noexcept {
  to_second(time);
  std::memcpy(to, short_, 15);
  return to + 15;
}

}  // namespace thorlog
