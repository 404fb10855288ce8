#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <string>

#include "wire/text_time.h"

namespace thorlog {
namespace {

struct Stamps {
  std::string nano, micro, short_form;
};

Stamps stamps_of(StampCache& cache, std::int64_t time) {
  char text[kMaxStampLength];
  Stamps stamps;
  stamps.nano.assign(text, cache.append_rfc3339_nano(text, time));
  stamps.micro.assign(text, cache.append_rfc3339_micro(text, time));
  stamps.short_form.assign(text, cache.append_rfc3164(text, time));
  return stamps;
}

TEST(Stamps, AreThoseOfTheStandards) {
  StampCache cache;
  const Stamps stamps = stamps_of(cache, 1'759'931'229'410'735'961);
  EXPECT_EQ(stamps.nano, "2025-10-08T13:47:09.410735961Z");
  EXPECT_EQ(stamps.micro, "2025-10-08T13:47:09.410735Z");
  EXPECT_EQ(stamps.short_form, "Oct  8 13:47:09");
}

TEST(Stamps, ReachFromOneEndOfTimeToTheOther) {
  StampCache cache;
  EXPECT_EQ(stamps_of(cache, 0).nano, "1970-01-01T00:00:00.000000000Z");
  EXPECT_EQ(stamps_of(cache, -1).nano, "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(stamps_of(cache, std::numeric_limits<std::int64_t>::max()).nano, "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(stamps_of(cache, std::numeric_limits<std::int64_t>::min()).nano, "1677-09-21T00:12:43.145224192Z");
  EXPECT_EQ(stamps_of(cache, 951'782'400'000'000'000).nano, "2000-02-29T00:00:00.000000000Z");
}

TEST(Stamps, AgreeWithTheCLibraryInAnyOrder) {
  StampCache cache;
  std::mt19937_64 random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::int64_t time = static_cast<std::int64_t>(random() >> 1);
    if (i % 2 == 0) time = -time;
    const std::int64_t second = time / 1'000'000'000 - (time % 1'000'000'000 < 0 ? 1 : 0);
    const std::time_t clock = second;
    std::tm utc{};
    ::gmtime_r(&clock, &utc);
    char expected[64];
    std::strftime(expected, sizeof expected, "%Y-%m-%dT%H:%M:%S.", &utc);
    const Stamps stamps = stamps_of(cache, time);
    ASSERT_EQ(stamps.nano.substr(0, 20), expected);
    ASSERT_EQ(std::stoll(stamps.nano.substr(20)), time - second * 1'000'000'000);
    std::strftime(expected, sizeof expected, "%b %e %H:%M:%S", &utc);
    ASSERT_EQ(stamps.short_form, expected);
  }
}

}  // namespace
}  // namespace thorlog
