// What counts as delivered over TCP, second by second.
#include "outputs/trailing_ack.h"

#include <gtest/gtest.h>

#include "outputs/backoff.h"

namespace thorlog {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kS = 1000 * kMs;

TEST(TrailingAck, TrailsByTwoSeconds) {
  TrailingAck trail;
  trail.see(0, 1000, 65536);
  EXPECT_EQ(trail.acked(), 1000U);
  EXPECT_EQ(trail.delivered(), 0U);
  trail.see(1999 * kMs, 5000, 65536);
  EXPECT_EQ(trail.delivered(), 0U);
  trail.see(2000 * kMs, 5000, 65536);
  EXPECT_EQ(trail.delivered(), 1000U);
  trail.see(4000 * kMs, 5000, 65536);
  EXPECT_EQ(trail.delivered(), 5000U);
}

TEST(TrailingAck, NeverTrailsByMuchMoreUnderAConstantStream) {
  TrailingAck trail;
  std::uint64_t acked = 0;
  for (std::int64_t now = 0; now < 10 * kS; now += kMs) {
    acked += 100'000;
    trail.see(now, acked, 3'000'000);
    if (now > 3 * kS) {
      EXPECT_LE(acked - trail.delivered(), 2110U * 100'000U);
      EXPECT_GE(acked - trail.delivered(), 2000U * 100'000U);
    }
  }
}

TEST(TrailingAck, HoldsBackWhatAStuckProgramHasNotRead) {
  TrailingAck trail;
  trail.see(0, 0, 3'000'000);
  trail.see(1 * kS, 2'900'000, 100'000);  // its buffer fills: nobody reads
  trail.see(10 * kS, 3'000'000, 0);
  EXPECT_EQ(trail.delivered(), 0U);
  trail.see(20 * kS, 3'000'000, 2'000'000);  // now somebody has
  EXPECT_EQ(trail.delivered(), 3'000'000U);
}

TEST(TrailingAck, HoldsBackAllThatAPeerTookThatNeverReadAnything) {
  TrailingAck trail;
  trail.see(0, 0, 64'240);  // as measured: the buffer was widened once, then it was full
  trail.see(100 * kMs, 32'741, 95'232);
  trail.see(200 * kMs, 127'973, 0);
  trail.see(9 * kS, 127'973, 0);
  EXPECT_EQ(trail.delivered(), 0U);
  TrailingAck unlucky;  // nobody looked between
  unlucky.see(0, 0, 64'240);
  unlucky.see(200 * kMs, 127'973, 0);
  unlucky.see(9 * kS, 127'973, 0);
  EXPECT_EQ(unlucky.delivered(), 0U);
}

TEST(TrailingAck, HoldsBackNoMoreThanABufferOfAPeerThatReadsSlowly) {
  TrailingAck trail;
  trail.see(0, 0, 1000);
  for (std::int64_t now = 0; now < 20 * kS; now += 100 * kMs) {
    trail.see(now, static_cast<std::uint64_t>(now / kMs) * 10, 100);
  }
  EXPECT_GE(trail.delivered(), 199'000U - 21'000U - 2000U);
}

TEST(TrailingAck, ASmallerBufferIsNotTakenForAStuckProgramForEver) {
  TrailingAck trail;
  trail.see(0, 0, 3'000'000);
  trail.see(1 * kS, 1000, 1'000'000);
  trail.see(30 * kS, 1000, 1'000'000);
  EXPECT_EQ(trail.delivered(), 0U);
  trail.see(62 * kS, 1000, 1'000'000);
  EXPECT_EQ(trail.delivered(), 1000U);
}

TEST(TrailingAck, SaysHowMuchMayBeUnreadOfWhatCountsAsDelivered) {
  TrailingAck trail;
  trail.see(0, 5000, 1000);
  EXPECT_EQ(trail.possibly_unread(), 0U);
  trail.see(3 * kS, 5000, 700);
  EXPECT_EQ(trail.delivered(), 5000U);
  EXPECT_EQ(trail.possibly_unread(), 1300U);
  trail.see(3 * kS + 1, 5200, 500);  // what is on top is newer, and will be sent again
  EXPECT_EQ(trail.possibly_unread(), 1300U);
  trail.see(3 * kS + 2, 5300, 400);  // it has stopped reading, and nobody can tell when
  EXPECT_EQ(trail.possibly_unread(), 5000U);
  TrailingAck young;
  young.see(0, 50, 1000);
  young.see(3 * kS, 50, 1000);
  EXPECT_EQ(young.possibly_unread(), 50U);
}

TEST(Backoff, DoublesUpToItsLimitWithJitterAndStartsAgain) {
  Backoff backoff({.first_ms = 100, .most_ms = 1000}, 42);
  for (const std::uint32_t whole : {100U, 200U, 400U, 800U, 1000U, 1000U}) {
    const std::uint32_t wait = backoff.next_ms();
    EXPECT_GE(wait, whole / 2);
    EXPECT_LE(wait, whole);
  }
  backoff.reset();
  EXPECT_LE(backoff.next_ms(), 100U);
}

}  // namespace
}  // namespace thorlog
