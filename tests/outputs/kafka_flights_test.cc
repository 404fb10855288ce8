#include "outputs/kafka_flights.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace thorlog {
namespace {

KafkaFlights::Limits few(std::size_t records) { return {.records = records, .bytes = 1000, .lent_bytes = 4096}; }

TEST(KafkaFlights, AMarkIsDeliveredWhenAllBeforeItHaveArrivedInWhateverOrder) {
  KafkaFlights flights(few(8));
  for (std::uint64_t seq = 10; seq < 14; ++seq) flights.launch(seq, 1);
  flights.mark(1);
  flights.launch(14, 1);
  flights.mark(2);
  flights.arrived(4);
  flights.arrived(3);
  flights.arrived(1);
  EXPECT_EQ(flights.take_delivered(), 0U);
  flights.arrived(0);
  EXPECT_EQ(flights.take_delivered(), 0U);
  flights.arrived(2);
  EXPECT_EQ(flights.take_delivered(), 2U);
  EXPECT_EQ(flights.take_delivered(), 0U);
  EXPECT_EQ(flights.under_way(), 0U);
  EXPECT_EQ(flights.bytes(), 0U);
}

TEST(KafkaFlights, TheWindowEndsAtTheOldestThatIsMissing) {
  KafkaFlights flights(few(4));
  for (std::uint64_t seq = 1; seq <= 4; ++seq) flights.launch(seq, 10);
  EXPECT_FALSE(flights.has_room());
  flights.arrived(1);
  flights.arrived(2);
  flights.arrived(3);
  EXPECT_FALSE(flights.has_room()) << "the first is still under way";
  flights.arrived(0);
  EXPECT_TRUE(flights.has_much_room());
}

TEST(KafkaFlights, BytesBoundTheWindowToo) {
  KafkaFlights flights(few(8));
  flights.launch(1, 999);
  EXPECT_TRUE(flights.has_room());
  EXPECT_FALSE(flights.has_much_room());
  flights.launch(2, 5000);
  EXPECT_FALSE(flights.has_room()) << "a record longer than the window still goes, alone";
  flights.arrived(0);
  flights.arrived(1);
  EXPECT_TRUE(flights.has_room());
}

// A window that is smaller than a batch empties in the middle of one.
TEST(KafkaFlights, ABatchOfWhichAllHasArrivedIsHeldAgainForItsLaterRecords) {
  BatchPool pool(1024);
  KafkaFlights flights(few(8));
  BatchRef batch = Batch::make(pool, 0);
  const std::byte* const memory = batch->bytes().data();
  flights.begin_batch(batch);
  ASSERT_TRUE(flights.lend());
  flights.launch(1, 1);
  flights.arrived(0);
  flights.take_delivered();
  ASSERT_TRUE(flights.lend());
  flights.launch(2, 1);
  batch = {};
  flights.begin_batch(Batch::make(1024, 0));
  EXPECT_NE(Batch::make(pool, 0)->bytes().data(), memory) << "filled anew while its bytes are under way";
  flights.arrived(1);
  flights.take_delivered();
  EXPECT_EQ(Batch::make(pool, 0)->bytes().data(), memory) << "held for ever";
}

TEST(KafkaFlights, WhatArrivedIsKnownAfterARewind) {
  KafkaFlights flights(few(8));
  for (std::uint64_t seq = 1; seq <= 5; ++seq) flights.launch(seq, 1);
  flights.arrived(0);
  flights.arrived(3);
  flights.failed(1);
  flights.forget_all();
  EXPECT_EQ(flights.under_way(), 0U);
  const auto known = [&] {
    std::set<std::uint64_t> numbers;
    for (std::uint64_t seq = 1; seq <= 6; ++seq) {
      if (flights.has_arrived(seq)) numbers.insert(seq);
    }
    return numbers;
  };
  EXPECT_EQ(known(), (std::set<std::uint64_t>{1, 4}));
  // Once more: 2 fails again, 3 and 5 arrive.
  const auto two = flights.next();
  flights.launch(2, 1);
  flights.launch(3, 1);
  flights.launch(5, 1);
  flights.arrived(two + 1);
  flights.arrived(two + 2);
  flights.failed(two);
  flights.forget_all();
  EXPECT_EQ(known(), (std::set<std::uint64_t>{1, 3, 4, 5}));
  flights.launch(2, 1);
  flights.mark(9);
  flights.arrived(flights.next() - 1);
  EXPECT_EQ(flights.take_delivered(), 9U);
  EXPECT_EQ(known(), (std::set<std::uint64_t>{1, 2, 3, 4, 5}));
}

// Partitions that report in order, each for itself; producers that die: nothing twice, nothing left out.
TEST(KafkaFlights, EachRecordArrivesOnceHoweverOftenTheProducerDies) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    KafkaFlights flights(few(16));
    constexpr std::uint64_t kRecords = 200;
    std::vector<int> copies(kRecords + 1);
    std::uint64_t next = 1, cursor = 1;
    std::vector<std::pair<KafkaFlights::Ticket, std::uint64_t>> open;
    while (cursor <= kRecords) {
      const auto dice = random() % 10;
      if (dice < 5 && next <= kRecords && flights.has_room()) {
        if (!flights.has_arrived(next)) {
          open.emplace_back(flights.next(), next);
          flights.launch(next, 1);
        }
        if (next % 7 == 0 || next == kRecords) flights.mark(next);
        ++next;
      } else if (dice < 9 && !open.empty()) {
        const auto one = open.begin() + static_cast<std::ptrdiff_t>(random() % open.size());
        ++copies[one->second];
        EXPECT_EQ(flights.arrived(one->first), one->second);
        open.erase(one);
      } else if (dice == 9 && random() % 4 == 0) {
        for (const auto& [ticket, seq] : open) flights.failed(ticket);
        open.clear();
        flights.forget_all();
        next = cursor;
      }
      if (const Token token = flights.take_delivered(); token != 0) cursor = token + 1;
      if (open.empty() && next > kRecords && flights.take_delivered() == 0 && cursor <= kRecords) {
        next = cursor;  // nothing is left under way: as a runner, from the cursor on
        flights.forget_all();
      }
    }
    for (std::uint64_t seq = 1; seq <= kRecords; ++seq)
      ASSERT_EQ(copies[seq], 1) << "round " << round << " seq " << seq;
  }
}

}  // namespace
}  // namespace thorlog
