#include "config/units.h"

#include <gtest/gtest.h>

#include <vector>

namespace thorlog {
namespace {

using namespace std::chrono_literals;

TEST(Sizes, AreReadInBinaryUnitsOnly) {
  EXPECT_EQ(parse_size("0"), 0U);
  EXPECT_EQ(parse_size("512"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 65536U);
  EXPECT_EQ(parse_size("4MiB"), 4U << 20);
  EXPECT_EQ(parse_size("10GiB"), 10ULL << 30);
  EXPECT_EQ(parse_size("2TiB"), 2ULL << 40);
  EXPECT_EQ(parse_size("18446744073709551615"), ~0ULL);
  for (const char* text : {"", "KiB", "4 MiB", "4MB", "4M", "4mib", "-1", "+1", "1.5GiB", "0x10", "4MiBx", "1_000",
                           "18446744073709551616", "16777216TiB", " 4MiB", "4MiB "})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Durations, CarryTheirUnit) {
  EXPECT_EQ(parse_duration("0"), 0ns);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("2s"), 2s);
  EXPECT_EQ(parse_duration("30m"), 30min);
  EXPECT_EQ(parse_duration("6h"), 6h);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("5us"), 5us);
  EXPECT_EQ(parse_duration("5ns"), 5ns);
  for (const char* text : {"", "s", "5", "1.5s", "-1s", "1 s", "1S", "1min", "1w", "999999999999d", "1s1"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Units, AreWrittenAsTheyAreRead) {
  for (const std::uint64_t bytes :
       {0ULL, 1ULL, 1023ULL, 1024ULL, 8000ULL, 64ULL << 20, 10ULL << 30, 3ULL << 40, ~0ULL})
    EXPECT_EQ(parse_size(size_text(bytes)), bytes) << size_text(bytes);
  for (const std::chrono::nanoseconds time :
       {0ns, 1ns, std::chrono::nanoseconds(250ms), std::chrono::nanoseconds(1s), std::chrono::nanoseconds(60s),
        std::chrono::nanoseconds(24h), std::chrono::nanoseconds(2160h), std::chrono::nanoseconds(90s)})
    EXPECT_EQ(parse_duration(duration_text(time)), time) << duration_text(time);
  EXPECT_EQ(duration_text(24h), "24h");
  EXPECT_EQ(duration_text(60s), "60s");
  EXPECT_EQ(duration_text(90 * 24h), "90d");
  EXPECT_EQ(size_text(8192), "8KiB");
}

TEST(NearestName, IsTheOneThatWasMeant) {
  const std::vector<std::string_view> known = {
      "listen", "framing", "max_message", "max_connections", "max_connections_per_peer", "allow", "split"};
  EXPECT_EQ(nearest_name("lisen", known), "listen");
  EXPECT_EQ(nearest_name("lsiten", known), "listen");
  EXPECT_EQ(nearest_name("Listen", known), "listen");
  EXPECT_EQ(nearest_name("maxMessage", known), "max_message");
  EXPECT_EQ(nearest_name("max-connections", known), "max_connections");
  EXPECT_EQ(nearest_name("alow", known), "allow");
  EXPECT_EQ(nearest_name("colour", known), "");
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'x'), known), "") << "and is not compared";
}

TEST(YamlScalar, IsQuotedWhereOthersWouldReadSomethingElse) {
  EXPECT_EQ(yaml_scalar("auto"), "auto");
  EXPECT_EQ(yaml_scalar("/var/log/x.log"), "/var/log/x.log");
  EXPECT_EQ(yaml_scalar("127.0.0.1:8514"), "\"127.0.0.1:8514\"");
  EXPECT_EQ(yaml_scalar("1.2"), "\"1.2\"");
  EXPECT_EQ(yaml_scalar("null"), "\"null\"");
  EXPECT_EQ(yaml_scalar(""), "\"\"");
  EXPECT_EQ(yaml_scalar("a\"b\\"), "\"a\\\"b\\\\\"");
}

}  // namespace
}  // namespace thorlog
