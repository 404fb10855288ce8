// The books between a runner and its sink.
#include "outputs/ledger.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

constexpr std::int64_t kMs = 1'000'000;

Tally taken(std::uint64_t records) { return {.acknowledged = records}; }
Tally filtered(std::uint64_t records) { return {.filtered = records}; }

TEST(Ledger, WhatNeedsNoAcknowledgementIsFreeOnlyWhenNothingIsBeforeIt) {
  Ledger ledger;
  EXPECT_EQ(ledger.close({10, 5}, filtered(5), 0), 0U);
  EXPECT_TRUE(ledger.front_is_free());
  ledger.pop_front();
  const Token token = ledger.close({20, 8}, taken(3), 0);
  EXPECT_NE(token, 0U);
  EXPECT_EQ(ledger.close({30, 12}, filtered(4), 0), 0U);
  EXPECT_FALSE(ledger.front_is_free());
  EXPECT_EQ(ledger.front().token, token);
  EXPECT_EQ(ledger.front().end.seq, 12U);  // settled together with what is before it
  EXPECT_EQ(ledger.front().tally.filtered, 4U);
  EXPECT_EQ(ledger.front().tally.acknowledged, 3U);
}

TEST(Ledger, WhatFollowsSomethingFreeTakesItIn) {
  Ledger ledger;
  ledger.close({10, 5}, filtered(5), 0);
  const Token token = ledger.close({20, 6}, taken(1), 0);
  EXPECT_EQ(ledger.front().token, token);
  EXPECT_EQ(ledger.front().tally.total(), 6U);
  ledger.pop_front();
  EXPECT_TRUE(ledger.empty());
}

TEST(Ledger, TokensFromBeforeARewindMeanNothing) {
  Ledger ledger;
  const Token before = ledger.close({10, 5}, taken(5), 0);
  ledger.clear();
  const Token after = ledger.close({10, 5}, taken(5), 0);
  EXPECT_GT(after, before);
  EXPECT_GT(ledger.front().token, before);
}

TEST(Ledger, CountsEachRecordsLatencyOnceAsFarAsItIsKnown) {
  Ledger ledger;
  LatencyHistogram histogram;
  const std::int64_t now = 1000 * kMs;
  for (int i = 0; i < 10; ++i) ledger.took(now - 2 * kMs, now);
  for (int i = 0; i < 5; ++i) ledger.took(now - 800 * kMs, now);
  const Token first = ledger.close({1, 15}, taken(15), 0);
  ledger.took(now, now);
  const Token second = ledger.close({2, 16}, taken(1), 0);
  ledger.reached(first, now, histogram);
  EXPECT_EQ(histogram.total(), 15U);
  EXPECT_NEAR(histogram.sum_seconds, 10 * 0.002 + 5 * 0.8, 0.02);
  ledger.reached(first, now + 100 * kMs, histogram);
  EXPECT_EQ(histogram.total(), 15U);
  ledger.reached(second, now, histogram);
  EXPECT_EQ(histogram.total(), 16U);
}

TEST(Ledger, KeepsFewRunsForABacklogWhateverItsAges) {
  Ledger ledger;
  LatencyHistogram histogram;
  const std::int64_t now = 3'600'000 * kMs;  // an hour of lines, one each millisecond
  for (std::int64_t received = 0; received < now; received += 10 * kMs) ledger.took(received, now);
  const Token token = ledger.close({1, 1}, taken(360'000), 0);
  ledger.reached(token, now, histogram);
  EXPECT_EQ(histogram.total(), 360'000U);
  EXPECT_NEAR(histogram.sum_seconds, 360'000 * 1800.0, 360'000 * 1800.0 / 10);
}

TEST(LatencyHistogram, PutsTimesBelowTheirBounds) {
  LatencyHistogram histogram;
  histogram.add(-5, 1);  // the clock was set back
  histogram.add(1 * kMs, 2);
  histogram.add(1 * kMs + 1, 3);
  histogram.add(3'600'000 * kMs, 4);
  EXPECT_EQ(histogram.counts[0], 1U);
  EXPECT_EQ(histogram.counts[1], 2U);
  EXPECT_EQ(histogram.counts[2], 3U);
  EXPECT_EQ(histogram.counts.back(), 4U);
}

}  // namespace
}  // namespace thorlog
