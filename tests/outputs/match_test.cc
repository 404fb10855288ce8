#include "outputs/match.h"

#include <gtest/gtest.h>
#include <re2/re2.h>

#include <fstream>
#include <random>

#include "outputs/match_detection.h"
#include "outputs/match_literals.h"
#include "outputs/match_required.h"

namespace thorlog {
namespace {

template <class Enum>
std::uint32_t bits(std::initializer_list<Enum> values) {
  std::uint32_t all = 0;
  for (const Enum value : values) all |= 1U << static_cast<unsigned>(value);
  return all;
}

MatchEntry entry(MatchKeys wanted, std::vector<MatchKeys> excluded = {}) {
  return {{}, std::move(wanted), std::move(excluded)};
}

Matcher compiled(const std::vector<MatchEntry>& entries) {
  auto matcher = Matcher::compile(entries);
  EXPECT_TRUE(matcher.has_value()) << (matcher ? "" : matcher.error().message());
  return *std::move(matcher);
}

Record thor_record() {
  Record record;
  Event& event = record.event;
  event.kind = Kind::thor;
  event.level = Level::warning;
  event.module = "Filescan";
  event.host = "ARCH.corp.example";
  event.canonical_host = "arch";
  event.scan_id = "S-1";
  event.group_id = "incident-7";
  event.message = "Malware file found";
  event.flags = flag::joined;
  event.raw =
      "<190>Oct  8 11:37:54 ARCH.corp.example/10.0.0.1 THOR: Warning: MODULE: Filescan MESSAGE: Malware file found";
  return record;
}

bool matches(const std::vector<MatchEntry>& entries, const Record& record, std::string_view asset = "A-17") {
  return compiled(entries).matches({record, 0, 1, 2, "", "net", asset, 0});
}

struct Case {
  const char* what;
  MatchKeys keys;
  bool holds;
};

TEST(Matcher, HoldsEachKeyToTheRecord) {
  const Case cases[] = {
      {"nothing given", {}, true},
      {"kind", {.kinds = bits({Kind::thor, Kind::detection})}, true},
      {"other kind", {.kinds = bits({Kind::syslog})}, false},
      {"level", {.levels = bits({Level::warning, Level::alert})}, true},
      {"other level", {.levels = bits({Level::info})}, false},
      {"flag", {.flags = flag::joined | flag::gap}, true},
      {"other flag", {.flags = flag::gap}, false},
      {"module", {.modules = {"Startup", "filescan"}}, true},
      {"other module", {.modules = {"Filesca"}}, false},
      {"asset", {.assets = {"a-17"}}, true},
      {"other asset", {.assets = {"a-18"}}, false},
      {"canonical host", {.hosts = {"arch"}}, true},
      {"host as the line says it", {.hosts = {"arch.corp.example"}}, true},
      {"other host", {.hosts = {"corp"}}, false},
      {"scan", {.scan_ids = {"S-1"}}, true},
      {"scan in another case", {.scan_ids = {"s-1"}}, false},
      {"group", {.group_ids = {"incident-7"}}, true},
      {"other group", {.group_ids = {"incident"}}, false},
      {"input", {.inputs = {"net"}}, true},
      {"other input", {.inputs = {"net2"}}, false},
      {"type", {.types = {"scan_lost"}}, false},
      {"message", {.message_regex = {"^Malware"}}, true},
      {"message, second", {.message_regex = {"nope", "found$"}}, true},
      {"other message", {.message_regex = {"THOR"}}, false},
      {"raw", {.raw_regex = {"MODULE: Filescan"}}, true},
      {"other raw", {.raw_regex = {"MODULE: filescan"}}, false},
      {"all keys", {.kinds = bits({Kind::thor}), .modules = {"Filescan"}, .raw_regex = {"THOR"}}, true},
      {"all but one", {.kinds = bits({Kind::thor}), .modules = {"Startup"}, .raw_regex = {"THOR"}}, false},
  };
  const Record record = thor_record();
  for (const Case& one : cases) {
    EXPECT_EQ(matches({entry(one.keys)}, record), one.holds) << one.what;
    const bool is_empty = one.keys == MatchKeys{};
    if (is_empty) continue;
    EXPECT_EQ(matches({entry({}, {one.keys})}, record), !one.holds) << "not " << one.what;
  }
}

TEST(Matcher, TakesARecordThatAnyEntryTakes) {
  const Record record = thor_record();
  const MatchEntry no = entry({.modules = {"Startup"}});
  const MatchEntry yes = entry({.modules = {"Filescan"}});
  EXPECT_TRUE(matches({no, yes}, record));
  EXPECT_FALSE(matches({no, no}, record));
  EXPECT_TRUE(matches({entry({}, {{.modules = {"Filescan"}}}), yes}, record)) << "an exclusion is its own entry's";
  EXPECT_FALSE(matches({entry({}, {{.modules = {"Startup"}}, {.scan_ids = {"S-1"}}})}, record));
}

TEST(Matcher, GivesLifeRecordsToNobody) {
  Record record = thor_record();
  record.event.kind = Kind::life;
  EXPECT_FALSE(matches({}, record));
  EXPECT_FALSE(matches({entry({})}, record));
  EXPECT_FALSE(Matcher().matches({record, 0, 0, 0, "", "", "", 0}));
  record.event.kind = Kind::syslog;
  EXPECT_TRUE(matches({}, record));
  EXPECT_TRUE(Matcher().matches({record, 0, 0, 0, "", "", "", 0}));
}

TEST(Matcher, TakesTheCanonicalHostForAnUnknownAsset) {
  const Record record = thor_record();
  EXPECT_TRUE(matches({entry({.assets = {"arch"}})}, record, ""));
  EXPECT_TRUE(compiled({entry({.assets = {"arch"}})}).needs_asset());
  EXPECT_TRUE(compiled({entry({}, {{.assets = {"arch"}}})}).needs_asset());
  EXPECT_FALSE(compiled({entry({.hosts = {"arch"}})}).needs_asset());
}

TEST(Matcher, SeesTheFlagsOfTheDelivery) {
  const Record record = thor_record();
  const Matcher matcher = compiled({entry({.flags = flag::replayed})});
  EXPECT_FALSE(matcher.matches({record, 0, 0, 0, "", "", "", 0}));
  EXPECT_TRUE(matcher.matches({record, 0, 0, 0, "", "", "", flag::replayed}));
}

TEST(Matcher, FindsNoMessageInALineWithoutOne) {
  Record record = thor_record();
  record.event.message = {};
  EXPECT_FALSE(matches({entry({.message_regex = {".*"}})}, record));
  EXPECT_TRUE(matches({entry({}, {{.message_regex = {".*"}}})}, record));
}

TEST(Matcher, KnowsTheTypeOfADetection) {
  Record record;
  record.event.kind = Kind::detection;
  record.event.raw = R"({"key":"k","evidence":[{"type":"x"}],"type":"scan_lost"})";
  EXPECT_TRUE(matches({entry({.types = {"scan_aborted", "scan_lost"}})}, record));
  EXPECT_FALSE(matches({entry({.types = {"x"}})}, record));
  record.event.kind = Kind::thor;
  EXPECT_FALSE(matches({entry({.types = {"scan_lost"}})}, record)) << "only detections have a type";
}

TEST(Matcher, RefusesWhatDoesNotCompile) {
  EXPECT_FALSE(Matcher::compile(std::vector{entry({.raw_regex = {"(open"}})}).has_value());
  EXPECT_FALSE(Matcher::compile(std::vector{entry({.message_regex = {"((a{100}){100}){100}"}})}).has_value());
  MatchKeys many;
  for (std::size_t i = 0; i <= PatternSet::kMaxPatterns; ++i) many.raw_regex.push_back("p" + std::to_string(i));
  EXPECT_FALSE(Matcher::compile(std::vector{entry(many)}).has_value());
}

TEST(Matcher, HandlesLongLists) {
  MatchKeys keys;
  for (int i = 0; i < 20'000; ++i) keys.hosts.push_back("host" + std::to_string(i));
  const Matcher matcher = compiled({entry(keys)});
  Record record = thor_record();
  record.event.canonical_host = "host19999";
  EXPECT_TRUE(matcher.matches({record, 0, 0, 0, "", "", "", 0}));
  record.event.canonical_host = "host20000";
  EXPECT_FALSE(matcher.matches({record, 0, 0, 0, "", "", "", 0}));
}

TEST(DetectionType, IsTheOutermostObjects) {
  EXPECT_EQ(detection_type(R"({"type":"a"})"), "a");
  EXPECT_EQ(detection_type(R"({ "key" : "type", "n" : {"type":"b"}, "s":"\"type\":\"c\"", "type" : "a" })"), "a");
  for (const std::string_view none :
       {"", "{", "{\"type\"", "{\"type\":", "{\"type\":1}", "{\"type", "[\"type\",\"a\"]", "\\\""}) {
    EXPECT_EQ(detection_type(none), "") << none;
  }
}

TEST(LiteralFilter, FindsEachLiteralAtEachPlaceInEachCase) {
  for (const std::size_t length : {4U, 5U, 7U, 8U, 12U, 40U}) {
    LiteralFilter filter;
    std::string literal;
    for (std::size_t i = 0; i < length; ++i) literal += static_cast<char>('a' + i % 26);
    filter.add("other literal");
    filter.add(literal);
    filter.build();
    for (std::size_t before = 0; before < 12; ++before) {
      for (std::size_t after = 0; after < 3; ++after) {
        std::string text = std::string(before, '.') + literal + std::string(after, '.');
        if (before % 2 == 1) text[before] = static_cast<char>(text[before] - 32);
        bool found = false;
        filter.search(text, [&found](std::uint32_t number) { found = found || number == 1; });
        EXPECT_TRUE(found) << length << ' ' << before;
        bool invented = false;
        filter.search(std::string_view(text).substr(before + 1), [&](std::uint32_t) { invented = true; });
        EXPECT_FALSE(invented);
      }
    }
  }
}

// ---- against plain RE2

std::vector<std::string> bench_patterns() {
  std::ifstream file(THORLOG_SOURCE_DIR "/bench/patterns.txt");
  std::vector<std::string> patterns;
  for (std::string line; std::getline(file, line);) patterns.push_back(line);
  EXPECT_EQ(patterns.size(), 20U);
  return patterns;
}

const std::vector<std::string>& other_patterns() {
  static const std::vector<std::string> kPatterns = {"",
                                                     "^",
                                                     "a",
                                                     "^<190>",
                                                     "\\.exe$",
                                                     "(?i)MIMIKATZ",
                                                     "(?i)\xC3\xA9t\xC3\xA9s",
                                                     "\xFF\xFE.{2}",
                                                     "caf\xE9 noir",
                                                     "[a-f0-9]{32}",
                                                     "(foo|bar|)",
                                                     "foo.*bar|bazzz",
                                                     "(?:longer literal one|another literal)x?",
                                                     "abcd",
                                                     "ABCD",
                                                     "a{4}b{4}",
                                                     "\\bword\\b",
                                                     "x*yyyyz+",
                                                     "(?s)start.*end",
                                                     "start.*end",
                                                     "\\x00\\x00\\x00\\x00",
                                                     "[Mm]ixed[Cc]ase",
                                                     "@@@@",
                                                     "____",
                                                     "~~~~"};
  return kPatterns;
}

// Pieces of what the patterns look for, so that random texts come near to matching.
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> kPieces = [] {
    std::vector<std::string> all = {"|",
                                    "\n",
                                    "powershell -enc " + std::string(24, 'A'),
                                    "Shim Cache Entry KEYWORD: ncat",
                                    "MD5: " + std::string(32, '0'),
                                    std::string(4, '\0'),
                                    "SHA256: deadbeef" + std::string(56, '0')};
    constexpr std::string_view kList =
        "mimikatz|MIMIKATZ|::|module: |MODULE: |Rootkit|FILE: C:\\Temp\\abcdefgh.hta|\\Temp\\|abcdefgh|.hta|SCORE: "
        "150|MD5: |"
        "00000000|0123456789abcdef01234567|HOST250/|YARA rule |APT_Turla_X1|powershell|.exe | -enc "
        "|AAAABBBBCCCCDDDDEEEE|"
        "\\psexec.exe|10.0.0.1:443|OWNER: Guest|CREATED: Mon Jul 29 05:16:04 2014|cmd.exe /c |certutil| "
        "-urlcache|webshell|"
        "godzilla|REASON_1: |CobaltStrike Beacon|.ps1|https://|THOR: Error: "
        "|<190>|\xC3\xA9t\xC3\xA9s|\xC3\x89T\xE3\xA9S|\xFF\xFE|"
        "caf\xE9 noir|foo|bar|bazzz|longer literal one|another "
        "literal|ABCD|abcd|aaaabbbb|word|yyyyz|start|end|mixedCase|@@@@|"
        "````|____|~~~~|^^^^| |x|Shim Cache Entry |KEYWORD: |ncat";
    for (std::size_t at = 0; at < kList.size();) {
      const std::size_t end = std::min(kList.find('|', at), kList.size());
      all.emplace_back(kList.substr(at, end - at));
      at = end + 1;
    }
    return all;
  }();
  return kPieces;
}

std::string random_text(std::mt19937& random) {
  std::string text;
  for (std::size_t i = random() % 12; i > 0; --i) text += pieces()[random() % pieces().size()];
  return text;
}

class PatternSets : public testing::TestWithParam<PatternSet::Filter> {};
INSTANTIATE_TEST_SUITE_P(EachFilter, PatternSets,
                         testing::Values(PatternSet::Filter::best, PatternSet::Filter::narrow,
                                         PatternSet::Filter::portable));

TEST_P(PatternSets, AgreeWithPlainRe2) {
  std::vector<std::string> patterns = bench_patterns();
  patterns.insert(patterns.end(), other_patterns().begin(), other_patterns().end());
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  PatternSet set;
  std::vector<std::unique_ptr<RE2>> plain;
  for (const std::string& pattern : patterns) {
    ASSERT_EQ(*set.add(pattern), plain.size());
    plain.push_back(std::make_unique<RE2>(pattern, options));
  }
  ASSERT_TRUE(set.compile(GetParam()).has_value());
  std::mt19937 random(1);
  std::vector<int> matched(patterns.size());
  for (int i = 0; i < 30'000; ++i) {
    const std::string text = random_text(random);
    set.begin(text);
    for (std::size_t p = 0; p < patterns.size(); ++p) {
      const bool expected = RE2::PartialMatch(text, *plain[p]);
      ASSERT_EQ(set.has(static_cast<std::uint32_t>(p)), expected) << patterns[p] << " on " << text;
      ASSERT_EQ(set.has(static_cast<std::uint32_t>(p)), expected) << "asked again";
      matched[p] += expected ? 1 : 0;
    }
  }
  // The texts must put every pattern to the test.
  for (std::size_t p = 0; p < patterns.size(); ++p) EXPECT_GT(matched[p], 0) << patterns[p];
}

TEST_P(PatternSets, AgreeWithPlainRe2OnRandomPatterns) {
  std::mt19937 random(2);
  static const std::vector<std::string> kParts = {"abcd", "ab",     "(abcd|efgh)",  "(ab|efgh)", "[a-d]",   ".",
                                                  ".*",   "efgh?",  "(?i:abcde)",   "(abcd)?",   "(efgh)+", "[ab]{2}",
                                                  "\\.",  "x{0,3}", "(abcdefgh|a)", "^",         "$"};
  for (int round = 0; round < 120; ++round) {
    PatternSet set;
    std::vector<std::unique_ptr<RE2>> plain;
    for (int p = 0; p < 6; ++p) {
      std::string pattern;
      for (std::size_t i = 1 + random() % 4; i > 0; --i) pattern += kParts[random() % kParts.size()];
      if (set.add(pattern).has_value()) plain.push_back(std::make_unique<RE2>(pattern, RE2::Latin1));
    }
    std::vector<std::uint32_t> numbers;
    PatternSet compiled_set;
    for (const auto& regex : plain) numbers.push_back(*compiled_set.add(regex->pattern()));
    ASSERT_TRUE(compiled_set.compile(GetParam()).has_value());
    for (int t = 0; t < 200; ++t) {
      std::string text;
      for (std::size_t i = random() % 8; i > 0; --i) {
        static const std::vector<std::string> kPieces = {"abcd", "ABCDE", "efgh", "efg",      "a",
                                                         "b",    ".",     "x",    "abcdefgh", "\n"};
        text += kPieces[random() % kPieces.size()];
      }
      compiled_set.begin(text);
      for (std::size_t p = 0; p < plain.size(); ++p) {
        ASSERT_EQ(compiled_set.has(numbers[p]), RE2::PartialMatch(text, *plain[p]))
            << plain[p]->pattern() << " on " << text;
      }
    }
  }
}

TEST(RequiredWindows, AreFoundWhereThereAreNoLiterals) {
  const std::string address = R"([0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}:[0-9]{2,5})";
  EXPECT_TRUE(required_literals(address).empty());
  EXPECT_FALSE(required_windows(address, 0).empty());
  EXPECT_FALSE(required_windows("HOST(2[0-9]{2}|[3-9][0-9]{2})/", 0).empty());
}

TEST(RequiredWindows, AreNoneWherePatternsAreCommonOrNotUnderstood) {
  for (const std::string_view pattern :
       {"", "a", ".*", "[0-9]+", ": .*", "(?i)::::", "\\pL::::", "a{2}{3}::::", "[[:alpha:]]::::", "(::::)?",
        "::::|a", "(::::", "::::)", "[::::", "\\Q::::", "x{2,1}::::", "x{1001}::::"}) {
    EXPECT_TRUE(required_windows(pattern, 0).empty()) << pattern;
  }
}

// Patterns made of parts by chance, each against plain RE2 on texts made of what they may match.
TEST(Sequences, AllowEveryMatchOfThePattern) {
  static const std::vector<std::string> kParts = {"a",    "b",      "[ab]",    "[^a]", ".",     "(a|bc)", "(?:ab)?",
                                                  "a{2}", "b{1,2}", "[b-]",    "[]a]", "\\w",   "\\D",    "c*",
                                                  "c+?",  "(a|)",   "(ab|c)+", "\\-",  "\\x61", "^",      "$"};
  std::mt19937 random(4);
  std::size_t with_windows = 0;
  for (int round = 0; round < 800; ++round) {
    std::string pattern;
    for (std::size_t i = 1 + random() % 6; i > 0; --i) pattern += kParts[random() % kParts.size()];
    const RE2 plain(pattern, RE2::Latin1);
    if (!plain.ok()) continue;
    const std::vector<Window> windows = required_windows(pattern, 0);
    if (windows.empty()) continue;
    ++with_windows;
    WindowFilter filter;
    filter.build(windows, usual_text());
    for (int t = 0; t < 60; ++t) {
      std::string text;
      for (std::size_t i = random() % 24; i > 0; --i) text += "aaabbbcc-\n7"[random() % 11];
      if (!RE2::PartialMatch(text, plain)) continue;
      bool found = false;
      filter.search(
          text, [](void* flag, std::uint32_t) { *static_cast<bool*>(flag) = true; }, &found);
      ASSERT_TRUE(found) << pattern << " on " << text;
    }
  }
  EXPECT_GT(with_windows, 100U);
}

TEST(PatternSet, SurvivesPatternsThatExplode) {
  PatternSet set;
  // Each of these makes an automaton grow with every byte of the text.
  std::vector<std::uint32_t> numbers;
  for (int i = 0; i < 12; ++i)
    numbers.push_back(*set.add("[ab]" + std::string(1, static_cast<char>('c' + i)) + ".{40}[xyz]"));
  ASSERT_TRUE(set.compile().has_value());
  std::mt19937 random(3);
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += static_cast<char>('a' + random() % 16);
  set.begin(text);
  for (const std::uint32_t number : numbers) EXPECT_FALSE(set.has(number));
  text += "ac" + std::string(40, '.') + "x";
  set.begin(text);
  EXPECT_TRUE(set.has(numbers[0]));
  EXPECT_FALSE(set.has(numbers[1]));
}

}  // namespace
}  // namespace thorlog
