#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/clock.h"
#include "thorlog/result.h"

namespace thorlog {
namespace {

class LogTest : public testing::Test {
 protected:
  LogTest() { capture_log(keep, this); }
  ~LogTest() override {
    capture_log(nullptr, nullptr);
    configure_log({});
  }
  static void keep(Severity, std::string_view line, void* context) {
    static_cast<LogTest*>(context)->lines_.emplace_back(line);
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, PutsJournaldsPrefixOrAStampInFront) {
  log(Severity::warning, "input tcp", "text");
  configure_log({Severity::info, false, true});
  log(Severity::warning, "input tcp", "text");
  ASSERT_EQ(lines_.size(), 2U);
  EXPECT_NE(lines_[0].find("Z warning  input tcp: text"), std::string::npos) << lines_[0];
  EXPECT_EQ(lines_[1], "<4>input tcp: text");
}

TEST_F(LogTest, LeavesOutWhatIsBelowItsLevel) {
  configure_log({Severity::warning, false, true});
  log(Severity::info, "a", "b");
  log_limited(Severity::info, "place", "a", "b");
  EXPECT_TRUE(lines_.empty());
}

TEST_F(LogTest, NeverLetsAPeerWriteASecondLineOrATerminalCode) {
  configure_log({Severity::info, false, true});
  log(Severity::info, "peer\n<0>x", "a\nb\x1b[31m\x7f");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0], "<6>peer\\x0A<0>x: a\\x0Ab\\x1B[31m\\x7F");
}

TEST_F(LogTest, WritesValidJson) {
  configure_log({Severity::info, true, false});
  log(Severity::error, "a\"b", "c\\d\ne");
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_[0].find(R"("level":"error","subject":"a\"b","message":"c\\d\u000ae"})"), std::string::npos)
      << lines_[0];
}

TEST_F(LogTest, SaysOneLineForAPlaceAndSubjectAndCountsTheOthers) {
  for (int i = 0; i < 1000; ++i) log_limited(Severity::warning, "one", "peer a", "flood");
  log_limited(Severity::warning, "one", "peer b", "flood");
  log_limited(Severity::warning, "two", "peer a", "flood");
  EXPECT_EQ(lines_.size(), 3U);
}

TEST_F(LogTest, StaysBoundedWhateverSubjectsComeFromOutside) {
  for (int i = 0; i < 20'000; ++i) log_limited(Severity::debug, "p", "peer " + std::to_string(i), "x");
  configure_log({Severity::debug, false, true});
  for (int i = 0; i < 20'000; ++i) log_limited(Severity::debug, "p", "peer " + std::to_string(i), "x");
  EXPECT_EQ(lines_.size(), 20'000U);
}

TEST(Error, TellsTheReasonOfTheSystem) {
  EXPECT_EQ((Error{Errc::io, "reading x", 2}.message()), "reading x: No such file or directory");
  EXPECT_EQ((Error{Errc::io, "reading x", -2}.message()), "reading x: No such file or directory");
  EXPECT_EQ((Error{Errc::config, "just this", 0}.message()), "just this");
  EXPECT_EQ((Error{Errc::io, "resolving", -3008}.message()), "resolving: network error -3008");
}

TEST(ManualClock, MovesOnlyWhenTold) {
  ManualClock clock(1000);
  const std::int64_t steady = clock.steady();
  clock.advance(5);
  EXPECT_EQ(clock.wall(), 1005);
  EXPECT_EQ(clock.steady(), steady + 5);
  clock.step_wall(-500);
  EXPECT_EQ(clock.wall(), 505);
  EXPECT_EQ(clock.steady(), steady + 5);
}

TEST(SystemClock, NeverRunsBackwards) {
  const SystemClock clock;
  const std::int64_t before = clock.steady();
  EXPECT_GE(clock.steady(), before);
  EXPECT_GT(clock.wall(), 1'600'000'000'000'000'000);
}

}  // namespace
}  // namespace thorlog
