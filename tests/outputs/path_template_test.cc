// Paths made of what strangers choose.
#include "outputs/path_template.h"

#include <gtest/gtest.h>

#include "support.h"

namespace thorlog {
namespace {

std::string safe(std::string_view value) {
  std::string out;
  append_safe_name(out, value);
  return out;
}

TEST(SafeName, LeavesPlainNamesAsTheyAre) {
  for (const char* name : {"wks10021", "a", "srv-1.example.org", "_x", "10.0.0.1", "a..b"})
    EXPECT_EQ(safe(name), name);
  EXPECT_EQ(safe(std::string(64, 'a')), std::string(64, 'a'));
}

TEST(SafeName, MakesOneHarmlessNameOfAnything) {
  const std::vector<std::string> hostile = {"..",
                                            ".",
                                            "../../etc/passwd",
                                            "/etc/passwd",
                                            "a/b",
                                            ".hidden",
                                            "a b",
                                            "A",
                                            std::string("a\0b", 3),
                                            "x\ny",
                                            std::string(65, 'a'),
                                            "ä",
                                            "\xff",
                                            "%2e%2e",
                                            "con:",
                                            "*",
                                            "-\x1b[2J",
                                            std::string(100'000, '/')};
  for (const std::string& value : hostile) {
    const std::string name = safe(value);
    EXPECT_NE(name, value);
    EXPECT_LE(name.size(), 64U);
    EXPECT_GE(name.size(), 18U) << "a hash must tell it from others";
    EXPECT_NE(name[0], '.');
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-"), std::string::npos) << name;
  }
}

TEST(SafeName, NeverMakesTheSameNameOfTwoValues) {
  EXPECT_NE(safe("a/b"), safe("a_b"));
  EXPECT_NE(safe("a/b"), safe("a:b"));
  EXPECT_NE(safe("HOST"), safe("host"));
  EXPECT_NE(safe(std::string(70, 'a')), safe(std::string(71, 'a')));
  EXPECT_EQ(safe(""), "_none");
}

TEST(SafeName, KeepsNamesOfRotatedFilesApart) {
  std::string out;
  append_safe_name(out, "host.1", true);
  EXPECT_NE(out, "host.1");
  out.clear();
  append_safe_name(out, "host.gz", true);
  EXPECT_NE(out, "host.gz");
  out.clear();
  append_safe_name(out, "host.log", true);
  EXPECT_EQ(out, "host.log");
}

struct Expanded {
  std::string root, path, overflow;
};
Expanded expand(const std::string& text, const Record& record) {
  auto parsed = PathTemplate::parse(text);
  if (!parsed) return {"error", parsed.error().message(), ""};
  const StoredRecord stored = stored_record(record, "tcp-in", "asset-7");
  Expanded result;
  result.root = parsed->root();
  parsed->expand(stored, result.path);
  parsed->expand_overflow(stored, result.overflow);
  return result;
}

TEST(PathTemplate, PutsValuesInTheirPlaces) {
  Record record;
  record.event.host = "wks1.corp";
  record.event.scan_id = "s-1";
  record.event.kind = Kind::thor;
  record.received = 1'759'931'229'410'735'961;  // 2025-10-08
  const Expanded a = expand("/var/log/thorlogd/{asset}/{date}.log", record);
  EXPECT_EQ(a.root, "/var/log/thorlogd");
  EXPECT_EQ(a.path, "asset-7/2025-10-08.log");
  EXPECT_EQ(a.overflow, "_overflow/2025-10-08.log");
  const Expanded b = expand("/x/all-{input}-{kind}/{host}_{scan_id}{group_id}.json", record);
  EXPECT_EQ(b.root, "/x");
  EXPECT_EQ(b.path, "all-tcp-in-thor/wks1.corp_s-1_none.json");
  EXPECT_EQ(b.overflow, "all-tcp-in-thor/_overflow__overflow_overflow.json");
  const Expanded c = expand("/srv/plain.log", record);
  EXPECT_EQ(c.root, "/srv");
  EXPECT_EQ(c.path, "plain.log");
}

TEST(PathTemplate, RefusesWhatCannotBeMeant) {
  for (const char* path : {"", "/x/", "/x/{nothing}", "/x/{asset", "/x/{asset}/../y", "/x/{asset}/..",
                           "/x/{asset}{host}{scan_id}{group_id}"}) {
    EXPECT_FALSE(PathTemplate::parse(path)) << path;
  }
}

TEST(PathTemplate, TakesTheDayFromOurClockAndKnowsWhenItChanges) {
  auto parsed = PathTemplate::parse("/x/{date}.log");
  ASSERT_TRUE(is_ok(parsed));
  constexpr std::int64_t kDay = 86'400'000'000'000;
  Record record;
  record.event.timestamp = 0;
  record.received = 20'000 * kDay;
  const StoredRecord stored = stored_record(record);
  std::string path;
  EXPECT_TRUE(parsed->may_differ(stored));
  parsed->expand(stored, path);
  EXPECT_EQ(path, "2024-10-04.log");
  EXPECT_FALSE(parsed->may_differ(stored));
  record.received += kDay - 1;
  EXPECT_FALSE(parsed->may_differ(stored));
  record.received += 1;
  EXPECT_TRUE(parsed->may_differ(stored));
  parsed->expand(stored, path);
  EXPECT_EQ(path, "2024-10-05.log");
}

}  // namespace
}  // namespace thorlog
