// The watchdog over outputs: tells of one that stands still while its target is well, and of no other.
#include "pipeline/output_watch.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

OutputSnapshot waiting(OutputState state, std::uint64_t at) {
  OutputSnapshot output;
  output.state = state;
  output.position.seq = at;
  output.pending = 7;
  return output;
}

std::int64_t stalled_after(OutputState state, std::int64_t seconds, std::int64_t extra = 0) {
  OutputWatch watch;
  for (std::int64_t second = 1; second <= seconds; second += 2) {
    watch.look("out", waiting(state, 5), extra, second * kSecond);
  }
  return watch.stalled("out");
}

TEST(OutputWatch, TellsOfAnOutputThatStandsStillWhileItsTargetIsWell) {
  EXPECT_EQ(stalled_after(OutputState::streaming, 59), 0);
  EXPECT_GE(stalled_after(OutputState::streaming, 63), 60 * kSecond);
  EXPECT_GE(stalled_after(OutputState::idle, 63), 60 * kSecond);
}

TEST(OutputWatch, SaysNothingOfATargetThatIsAwayOrTakesNothing) {
  for (const OutputState state : {OutputState::connecting, OutputState::retrying, OutputState::holding,
                                  OutputState::full, OutputState::stopped}) {
    EXPECT_EQ(stalled_after(state, 1000), 0) << name_of(state);
  }
}

TEST(OutputWatch, WaitsLongerForOneThatGathers) {
  EXPECT_EQ(stalled_after(OutputState::streaming, 900, 900 * kSecond), 0);
  EXPECT_GT(stalled_after(OutputState::streaming, 970, 900 * kSecond), 0);
}

TEST(OutputWatch, BeginsAnewWithEachStepAndEndsWhenNothingWaits) {
  OutputWatch watch;
  for (std::int64_t second = 1; second < 500; second += 50) {
    watch.look("slow", waiting(OutputState::streaming, static_cast<std::uint64_t>(second)), 0, second * kSecond);
  }
  EXPECT_EQ(watch.stalled("slow"), 0);
  watch.look("slow", waiting(OutputState::streaming, 451), 0, 600 * kSecond);
  EXPECT_NE(watch.stalled("slow"), 0);
  OutputSnapshot done = waiting(OutputState::streaming, 451);
  done.pending = 0;
  watch.look("slow", done, 0, 601 * kSecond);
  EXPECT_EQ(watch.stalled("slow"), 0);
  EXPECT_EQ(watch.stalled("nobody"), 0);
}

}  // namespace
}  // namespace thorlog
