#include <gtest/gtest.h>

#include <string>

#include "thor/samples.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

struct Case {
  const char* bytes;
  StartRule rule;
};

TEST(StartTest, KnowsWhatBeginsAMessage) {
  const Case cases[] = {
      {"<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: x", StartRule::s1},
      {"<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: {", StartRule::s1},
      {"<190>Oct  8 11:37:54 127.0.0.1 arch THOR : Alert: x", StartRule::s1},
      {"<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: Fine: x", StartRule::s5},
      {"THOR: Info: MODULE: x", StartRule::s2},
      {"THOR: Info: MODULE='x'", StartRule::s2},
      {"THOR: {\"a\"", StartRule::s2},
      {"THOR: Info: x", StartRule::none},
      {"<13>CEF: 0|Nextron Systems GmbH|THOR", StartRule::s3},
      {"CEF:0|ArcSight|x", StartRule::none},
      {"ASGARD_AGENT: Error: x", StartRule::s4},
      {"2025/02/12 14:24:34 ASGARD_AGENT: Error: x", StartRule::s4},
      {"2025/02/12 14:24:34 agent: Error: x", StartRule::none},
      {"<30>2025-10-08T11:37:54.123Z h ACME_X1: Info: x", StartRule::s4},
      {"<30>Oct  8 11:37:54 h NOUNDERSCORE: Info: x", StartRule::s5},
      {"<86>Oct  8 11:37:54 h sshd[1]: x", StartRule::s5},
      {"<86>Oct  8 11:37:54 h ss hd[1]: x", StartRule::none},
      {"<165>1 2025-10-08T11:37:54Z h app - - - x", StartRule::s6},
      {"1 2025-10-08T11:37:54Z h app - - - x", StartRule::none},
      {"{\"a\":1}", StartRule::s7},
      {"{ \"a\":1}", StartRule::none},
      {"012 00013 00014", StartRule::none},
      {" 00046 00047", StartRule::none},
      {"<13>Nov 21 16:45:48 012 00013 00014 00015", StartRule::none},
      {"<13>Nov 21 16:45:48 127.0.0.1  00046 00047", StartRule::none},
      {"<13>Nov 21 16:45:48 127.0.0.1  {\"type\":\"reason\"", StartRule::s7},
      {"", StartRule::none},
      {"<", StartRule::none},
      {"<190>", StartRule::none},
      {"Oct", StartRule::none},
      {"Oct  8 11:37:54", StartRule::none},
      {"Oct  8 11:37:54 ", StartRule::none},
      {"2025-10-08T11:37:54Z", StartRule::none},
  };
  for (const Case& one : cases) EXPECT_EQ(rule_name(test_start(one.bytes).rule), rule_name(one.rule)) << one.bytes;
}

TEST(StartTest, LooksOnlyAtTheFirstBytesForALenientStart) {
  const std::string quoted = " THOR: Info: MODULE: x";
  EXPECT_EQ(test_start(std::string(320, 'x') + quoted).rule, StartRule::s1b);
  EXPECT_EQ(test_start(std::string(321, 'x') + quoted).rule, StartRule::none);
  EXPECT_EQ(test_start("x\n" + quoted).rule, StartRule::none);
}

TEST(StartTest, SaysWhereTheHeaderStands) {
  const std::string line = "<190>Oct  8 11:37:54 127.0.0.1 arch/10.0.0.1 THOR: Info: MODULE: Startup";
  const Start start = test_start(line);
  EXPECT_EQ(start.priority, 190);
  EXPECT_EQ(line.substr(start.stamp_at, start.stamp_length), "Oct  8 11:37:54");
  EXPECT_EQ(line.substr(start.extra_at, start.extra_length), "127.0.0.1");
  EXPECT_EQ(line.substr(start.host_at, start.host_length), "arch/10.0.0.1");
  EXPECT_EQ(line.substr(start.body_at, 5), "THOR:");
}

TEST(StartTest, TellsTheStampOfAContinuationThatARelayGaveAHeader) {
  const std::string line = "<13>Nov 21 16:45:48 012 00013 00014 00015";
  const Start start = test_start(line);
  EXPECT_EQ(start.priority, 13);
  EXPECT_EQ(line.substr(start.stamp_at, start.stamp_length), "Nov 21 16:45:48");
  EXPECT_EQ(line.substr(start.body_at, 3), "012");
}

// A program's tag is no host: what it writes behind the tag is its own text.
TEST(StartTest, TakesNoTagForAHost) {
  for (const char* tag : {"user:", "sshd[12]:", "postfix/smtpd:", "postfix/smtpd[1]:", "a:b"})
    EXPECT_FALSE(test_start(std::string("<13>Oct  8 11:00:00 web01 ") + tag + " THOR: Info: MODULE: x").is_strong())
        << tag;
}

TEST(StartTest, NeverReadsBehindTheEnd) {
  for (const char* file : {"headers.txt", "formats.txt", "agents.txt", "os.txt", "traps.txt", "times.txt"}) {
    for (const Sample& sample : read_samples(file)) {
      const StartRule whole = test_start(sample.raw).rule;
      for (std::size_t size = 0; size <= sample.raw.size(); ++size) {
        const std::vector<char> exact(sample.raw.begin(), sample.raw.begin() + static_cast<std::ptrdiff_t>(size));
        const Start start = test_start({exact.data(), exact.size()});
        if (start.is_strong() && start.rule != StartRule::s6) {
          EXPECT_EQ(start.rule, whole) << "cut to " << size << ": " << sample.raw;
        }
        EXPECT_LE(start.body_at, size);
        EXPECT_LE(start.host_at + start.host_length, static_cast<int>(size));
      }
    }
  }
}

}  // namespace
}  // namespace thorlog
