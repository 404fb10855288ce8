// Which marks are reached when answers come in any order; and what of TLS's bytes is whole.
#include "outputs/relp_window.h"

#include <gtest/gtest.h>

#include <random>

#include "outputs/wire_map.h"

namespace thorlog {
namespace {

void answer(RelpWindow& window, std::uint32_t number) {
  RelpWindow::Frame* frame = window.waiting(number);
  ASSERT_NE(frame, nullptr) << number;
  window.answer(*frame);
}

TEST(RelpWindow, AMarkIsReachedWhenEverythingBeforeItWasAnswered) {
  RelpWindow window;
  window.begin();
  EXPECT_EQ(window.next_number(), 2U);
  for (std::uint64_t seq = 10; seq < 14; ++seq) window.add({.seq = seq, .bytes = 100});
  window.mark(1);
  window.add({.seq = 14, .bytes = 100});
  window.mark(2);
  EXPECT_EQ(window.bytes(), 500U);
  for (const std::uint32_t number : {6U, 3U, 4U}) answer(window, number);
  EXPECT_EQ(window.settle(), 0U);
  EXPECT_EQ(window.count(), 2U);
  EXPECT_EQ(window.oldest_seq(), 10U);
  answer(window, 2);
  EXPECT_EQ(window.settle(), 0U);
  answer(window, 5);
  EXPECT_EQ(window.settle(), 2U);
  EXPECT_TRUE(window.empty());
  EXPECT_EQ(window.span(), 0U);
}

TEST(RelpWindow, KnowsNoFrameThatWaitsForNoAnswer) {
  RelpWindow window;
  window.begin();
  EXPECT_EQ(window.waiting(1), nullptr);
  EXPECT_EQ(window.waiting(2), nullptr);
  window.add({.seq = 1, .bytes = 1});
  for (const std::uint32_t number : {0U, 1U, 3U, 999'999'999U, 1'000'000'000U, 4'000'000'000U}) {
    EXPECT_EQ(window.waiting(number), nullptr) << number;
  }
  answer(window, 2);
  EXPECT_EQ(window.waiting(2), nullptr);
}

TEST(RelpWindow, ARefusedFrameHoldsWhatIsBehindItUntilItIsSettledOtherwise) {
  RelpWindow window;
  window.begin();
  for (std::uint64_t seq = 1; seq <= 3; ++seq) window.add({.seq = seq, .bytes = 1});
  window.mark(7);
  window.refuse(*window.waiting(3));
  EXPECT_EQ(window.waiting(3), nullptr);
  answer(window, 2);
  answer(window, 4);
  EXPECT_EQ(window.settle(), 0U);
  EXPECT_EQ(window.unanswered(), 0U);
  EXPECT_EQ(window.count(), 1U);
  window.settle_refused(2);
  EXPECT_EQ(window.settle(), 7U);
  EXPECT_TRUE(window.empty());
}

TEST(RelpWindow, AgreesWithASlowModelOverAnyOrder) {
  std::mt19937 dice(7);
  for (int round = 0; round < 200; ++round) {
    RelpWindow window;
    window.begin();
    std::vector<bool> answered;
    std::vector<std::size_t> marks;  // frames before each
    Token told = 0;
    for (int step = 0; step < 300; ++step) {
      const auto what = dice() % 3;
      if (what == 0) {
        answered.push_back(false);
        window.add({.seq = answered.size(), .bytes = 1});
      } else if (what == 1) {
        marks.push_back(answered.size());
        window.mark(marks.size());
      } else if (!answered.empty()) {
        const std::size_t which = dice() % answered.size();
        RelpWindow::Frame* frame = window.waiting(static_cast<std::uint32_t>(which + 2));
        ASSERT_EQ(frame != nullptr, !answered[which]);
        if (frame != nullptr) window.answer(*frame);
        answered[which] = true;
      }
      if (const Token token = window.settle(); token != 0) told = token;
      const auto run =
          static_cast<std::size_t>(std::find(answered.begin(), answered.end(), false) - answered.begin());
      const auto want = std::upper_bound(marks.begin(), marks.end(), run) - marks.begin();
      ASSERT_EQ(told, static_cast<Token>(want));
    }
  }
}

TEST(WireMap, SaysNoMoreThanIsWholeOnTheWire) {
  WireMap map;
  EXPECT_EQ(map.plain_upto(1000), 0U);
  map.add(100, 1130);
  map.add(50'100, 51'200);
  map.add(80'000, 81'300);
  EXPECT_EQ(map.plain_upto(1129), 0U);
  EXPECT_EQ(map.plain_upto(1130), 100U);
  EXPECT_EQ(map.plain_upto(51'199), 100U);
  EXPECT_EQ(map.plain_upto(81'299), 50'100U);
  EXPECT_EQ(map.plain_upto(90'000), 80'000U);
  map.forget_before(51'200);
  EXPECT_EQ(map.plain_upto(51'200), 50'100U);
  EXPECT_EQ(map.plain_upto(81'300), 80'000U);
}

TEST(WireMap, ManySmallStepsStayFewAndNeverSayTooMuch) {
  WireMap map;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
  std::uint64_t plain = 0;
  for (int i = 0; i < 20'000; ++i) {
    plain += 100;
    all.emplace_back(plain, plain * 12 / 10);
    map.add(all.back().first, all.back().second);
  }
  for (std::size_t i = 0; i < all.size(); i += 37) {
    EXPECT_LE(map.plain_upto(all[i].second), all[i].first);
    EXPECT_GE(map.plain_upto(all[i].second) + 40'000, all[i].first);
  }
  EXPECT_EQ(map.plain_upto(all.back().second), plain);
}

}  // namespace
}  // namespace thorlog
