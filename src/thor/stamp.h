// Stamps to moments: nanoseconds since 1970 in UTC, kNoTime for a day or an hour that does not exist.
#pragma once

#include <cstdint>
#include <string_view>

#include "thorlog/event.h"
#include "thorlog/thor.h"

namespace thorlog {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kDay = 86'400 * kSecond;

// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
std::int64_t days_from_civil(std::int64_t year, unsigned month, unsigned day) noexcept;
std::int64_t year_of_day(std::int64_t days) noexcept;

// The year of a day, which is asked for line after line on the same day.
class YearOfDay {
 public:
  std::int64_t operator()(std::int64_t day) noexcept {
    if (day != day_) {
      day_ = day;
      year_ = year_of_day(day);
    }
    return year_;
  }

 private:
  std::int64_t day_ = 0;
  std::int64_t year_ = 1970;
};

// A stamp that lex::bsd_stamp takes, "Oct  8 11:37:54", of the latest year that puts it at most a day ahead of
// `received` (which is the nearest one).
std::int64_t bsd_time(std::string_view stamp, std::int64_t received, const TimeZone* zone, YearOfDay& years) noexcept;

// "2025-10-08T13:47:09.410735961+02:00"; without "Z" or an offset the stamp is in `zone`. A blank for the T is taken
// too.
std::int64_t iso_time(std::string_view stamp, const TimeZone* zone) noexcept;

// "2025/02/12 14:24:34"
std::int64_t agent_time(std::string_view stamp, const TimeZone* zone) noexcept;

// "Wed Feb 12 14:24:36 2025" (Snare)
std::int64_t ansi_c_time(std::string_view stamp, const TimeZone* zone) noexcept;

}  // namespace thorlog
