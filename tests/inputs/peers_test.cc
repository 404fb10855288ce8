#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <random>

#include "inputs/rate.h"
#include "inputs/tcp_peers.h"
#include "inputs/udp_peers.h"

namespace thorlog {
namespace {

AddressBytes address(std::uint32_t n) {
  AddressBytes made{};
  made[10] = made[11] = 0xFF;
  for (int i = 0; i < 4; ++i) made[static_cast<std::size_t>(12 + i)] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
  return made;
}

// Against a list in the order of use, which is slow and obvious.
TEST(UdpPeers, ForgetTheLeastRecentlyHeardAndFindAllOthers) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    UdpPeers peers(seed, 100);
    std::list<std::uint32_t> model;
    std::mt19937 random(static_cast<unsigned>(seed));
    for (int step = 0; step < 50'000; ++step) {
      const auto n = static_cast<std::uint32_t>(random() % 160);
      const auto at = std::find(model.begin(), model.end(), n);
      UdpPeer* found = peers.find(address(n));
      ASSERT_EQ(found != nullptr, at != model.end()) << "step " << step;
      if (found == nullptr) {
        std::uint32_t evicted = 0xFFFFFFFF;
        UdpPeer& added = peers.add(address(n), [&](UdpPeer& oldest) { evicted = oldest.port; });
        added.port = static_cast<std::uint16_t>(n);
        if (model.size() == 100) {
          ASSERT_EQ(evicted, model.back());
          model.pop_back();
        } else {
          ASSERT_EQ(evicted, 0xFFFFFFFF);
        }
      } else {
        ASSERT_EQ(found->port, n);
        model.erase(at);
      }
      model.push_front(n);
      ASSERT_EQ(peers.size(), model.size());
    }
    std::vector<std::uint32_t> all;
    peers.for_each([&](UdpPeer& peer) { all.push_back(peer.port); });
    EXPECT_TRUE(std::equal(all.begin(), all.end(), model.begin(), model.end()));
  }
}

TEST(TcpPeers, ForgetWhoHasGoneButNotWhoIsConnectedOrInDebt) {
  TcpPeers peers(1);
  const auto connected = peers.meet(address(1), 0);
  connected->connections = 1;
  const auto debtor = peers.meet(address(2), 0);
  debtor->full_at = std::numeric_limits<std::int64_t>::max();
  for (std::uint32_t n = 3; n < 20'000; ++n) {
    peers.meet(address(n), 0);
    ASSERT_LT(peers.size(), 5000U);
  }
  EXPECT_EQ(peers.meet(address(1), 0), connected);
  EXPECT_EQ(peers.meet(address(2), 0), debtor);
}

TEST(TcpPeers, RememberABoundedNumberOfDebtors) {
  TcpPeers peers(1);
  for (std::uint32_t n = 0; n < 150'000; ++n) peers.meet(address(n), 0)->full_at = 1'000'000;
  EXPECT_LT(peers.size(), 140'000U);
}

RatePlan plan(std::uint64_t events, Nanoseconds per, std::uint64_t burst) {
  return RatePlan(RateLimit{events, per, burst});
}

TEST(RatePlan, AllowsABurstAndThenTheRate) {
  const RatePlan rate = plan(1000, 1s, 50);
  std::int64_t full_at = 0;
  std::int64_t now = 1'000'000'000'000;
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += rate.allow(full_at, now) ? 1 : 0;
  EXPECT_EQ(allowed, 50);
  for (int ms = 0; ms < 2000; ++ms) {
    now += 1'000'000;
    for (int i = 0; i < 3; ++i) allowed += rate.allow(full_at, now) ? 1 : 0;
  }
  EXPECT_EQ(allowed, 50 + 2000);
}

TEST(RatePlan, IsExactForRatesThatDoNotDivideASecond) {
  const RatePlan rate = plan(50'000, 1s, 1);
  std::int64_t full_at = 0;
  int allowed = 0;
  for (std::int64_t now = 0; now < 1'000'000'000; now += 997) allowed += rate.allow(full_at, now) ? 1 : 0;
  EXPECT_NEAR(allowed, 50'000, 2500);  // a burst of one loses what falls between two looks
  EXPECT_LE(allowed, 50'001);
}

TEST(RatePlan, ChargesIntoDebtAndTellsHowLongToWait) {
  const RatePlan rate = plan(100, 1s, 100);
  std::atomic<std::int64_t> full_at{0};
  EXPECT_EQ(rate.charge(full_at, 99, 0), 0);
  EXPECT_EQ(rate.charge(full_at, 1, 0), 10'000'000);  // until the next one is due
  const std::int64_t wait = rate.charge(full_at, 199, 0);
  EXPECT_EQ(wait, 2'000'000'000);
  EXPECT_EQ(rate.charge(full_at, 0, wait), 0);
}

TEST(RatePlan, HasNoLimitUnlessSet) {
  EXPECT_FALSE(RatePlan().limited());
  EXPECT_FALSE(RatePlan(std::nullopt).limited());
  EXPECT_TRUE(plan(1, 1s, 1).limited());
}

TEST(RatePlan, StaysSaneAtTheEndsOfItsRange) {
  const RatePlan slow = plan(1, std::chrono::hours(24 * 30), 1'000'000'000);
  std::atomic<std::int64_t> full_at{0};
  std::int64_t wait = 0;
  for (int i = 0; i < 100; ++i) wait = slow.charge(full_at, 1'000'000'000, 1'000'000'000);
  EXPECT_GT(wait, 0);
  EXPECT_LE(wait, 2 * 3600 * 1'000'000'000LL);
  const RatePlan fast = plan(1'000'000'000'000, 1s, 10);
  std::int64_t at = 0;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(fast.allow(at, i));
}

}  // namespace
}  // namespace thorlog
