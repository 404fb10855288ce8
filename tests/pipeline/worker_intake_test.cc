#include "pipeline/worker_intake.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

constexpr std::int64_t kNow = 1'763'750'000'000'000'000;

class WorkerIntakeTest : public testing::Test {
 protected:
  WorkerIntakeTest()
      : clock_(kNow), intake_({clock_, tables_, pressure_, 42, pool_, numbers_, {}, 1U << 20, [this] { ++rung_; }}) {
    InputRules rules;
    rules.number = 7;
    intake_.set_rules(0, rules);
    intake_.set_rules(1, rules);
    stream_ = intake_.open({0, "10.0.0.1:555", "10.0.0.1", "", false});
  }
  ~WorkerIntakeTest() override {
    if (stream_ != nullptr) intake_.close(stream_);
  }

  void offer(std::string_view line, Intake::Stream* stream = nullptr) {
    padded_ = std::string(line) + std::string(kReadAhead, '\0');
    Frame frame;
    frame.bytes = std::string_view(padded_).substr(0, line.size());
    intake_.offer(stream == nullptr ? stream_ : stream, frame, clock_.steady(), clock_.wall(), false);
  }

  // The law of an input, as whoever asks would see it now.
  void expect_balanced() {
    for (const InputBooks& books : intake_.snapshot().inputs) {
      EXPECT_EQ(books.received, books.emitted + books.joined + books.held);
    }
  }

  ManualClock clock_;
  LabelTables tables_;
  Pressure pressure_;
  BatchPool pool_;
  std::atomic<std::uint32_t> numbers_{1};
  int rung_ = 0;
  WorkerIntake intake_;
  Intake::Stream* stream_ = nullptr;
  std::string padded_;
};

const std::string kLine =
    "<190>Nov 21 18:33:20 arch/10.0.0.1 THOR: Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: "
    "S-KybbdhFvHhc";

TEST_F(WorkerIntakeTest, HandsALineOverAtTheEndOfTheTurnWithItsTags) {
  offer(kLine);
  EXPECT_EQ(intake_.ring().size(), 0U);
  intake_.end_turn();
  EXPECT_EQ(rung_, 1);
  HandOver handed;
  ASSERT_TRUE(intake_.ring().pop(handed));
  EXPECT_EQ(handed.slot, 0U);
  BatchReader reader(*handed.batch);
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.event.raw, kLine);
  EXPECT_EQ(record.event.kind, Kind::thor);
  EXPECT_EQ(record.event.scan_id, "S-KybbdhFvHhc");
  EXPECT_EQ(record.event.canonical_host, "arch");
  EXPECT_EQ(record.peer, "10.0.0.1:555");
  EXPECT_EQ(record.input, 7);
  EXPECT_FALSE(reader.next(record));
  expect_balanced();
}

TEST_F(WorkerIntakeTest, PutsTheLinesOfTwoInputsIntoTwoBatches) {
  Intake::Stream* other = intake_.open({1, "10.0.0.2:555", "10.0.0.2", "", false});
  offer(kLine);
  offer(kLine, other);
  offer(kLine);
  intake_.end_turn();
  std::vector<std::size_t> slots;
  HandOver handed;
  while (intake_.ring().pop(handed)) slots.push_back(handed.slot);
  EXPECT_EQ(slots, (std::vector<std::size_t>{0, 1, 0}));
  intake_.close(other);
}

TEST_F(WorkerIntakeTest, KeepsItsBooksBalancedWhileALineWaitsForItsRest) {
  const std::string json =
      R"({"type":"THOR message","meta":{"level":"Info","module":"Startup","scan_id":"S-1","hostname":"arch"},"message":")";
  offer(json);
  intake_.end_turn();
  expect_balanced();
  EXPECT_EQ(intake_.snapshot().inputs[0].held, 1U);
  offer("Thor Version\",\"fields\":{},\"log_version\":\"v3.0.0\"}");
  intake_.end_turn();
  expect_balanced();
  const InputBooks books = intake_.snapshot().inputs[0];
  EXPECT_EQ(books.received, 2U);
  EXPECT_EQ(books.emitted, 1U);
  EXPECT_EQ(books.joined, 1U);
  EXPECT_EQ(books.held, 0U);
}

// What RELP acknowledges before a held line of the same connection.
TEST_F(WorkerIntakeTest, KnowsWhetherTheNewestFrameIsARecordAlready) {
  offer(kLine);
  EXPECT_TRUE(intake_.newest_left(stream_));
  offer("{\"time\":\"2025-10-08T11:37:54Z\",\"hostname\":\"other\",\"level\":\"Info\",\"message\":\"never clo");
  EXPECT_FALSE(intake_.newest_left(stream_));
  offer(kLine);
  EXPECT_TRUE(intake_.newest_left(stream_)) << "it is of another host";
  EXPECT_EQ(intake_.held(stream_), 1U);
  offer("sed\"}");
  EXPECT_FALSE(intake_.newest_left(stream_)) << "it is the rest of the other";
  EXPECT_EQ(intake_.held(stream_), 0U);
}

TEST_F(WorkerIntakeTest, ReleasesAHeldLineWhenItsTimeIsUp) {
  offer("{\"time\":\"2025-10-08T11:37:54Z\",\"hostname\":\"arch\",\"level\":\"Info\",\"message\":\"never closed");
  intake_.end_turn();
  ASSERT_NE(intake_.next_due(), kNoTime);
  clock_.advance(intake_.next_due() - clock_.steady());
  intake_.end_turn();
  expect_balanced();
  EXPECT_EQ(intake_.snapshot().inputs[0].emitted, 1U);
  EXPECT_EQ(intake_.next_due(), kNoTime);
}

TEST_F(WorkerIntakeTest, CallsJsonInvalidOnlyWhereNothingOnItsWayExplainsIt) {
  const std::string head = R"({"type":"THOR message","meta":{"level":"Info","scan_id":"S-1","hostname":"arch"},)";
  offer(head + R"("message": wrong})");
  offer(head + R"("message":"never closed)");
  intake_.close(stream_);
  stream_ = nullptr;
  intake_.end_turn();
  std::vector<std::uint32_t> flags;
  HandOver handed;
  while (intake_.ring().pop(handed)) {
    BatchReader reader(*handed.batch);
    Record record;
    while (reader.next(record)) flags.push_back(record.event.flags);
  }
  ASSERT_EQ(flags.size(), 2U);
  EXPECT_EQ(flags[0], flag::json_invalid);
  EXPECT_NE(flags[1] & flag::unterminated, 0U);
  EXPECT_EQ(flags[1] & flag::json_invalid, 0U);
}

TEST_F(WorkerIntakeTest, PublishesItsBooksBeforeAnybodyCanSeeTheBatch) {
  intake_.end_turn();
  // Enough for many batches within one turn: whatever stands in the ring must be in the published books.
  const std::string line = kLine + " FILE: " + std::string(2000, 'x');
  std::uint64_t in_ring = 0;
  for (int i = 0; i < 5000; ++i) {
    offer(line);
    HandOver handed;
    while (intake_.ring().pop(handed)) in_ring += handed.batch->count();
    ASSERT_GE(intake_.snapshot().inputs[0].emitted, in_ring) << "line " << i;
    if (i % 500 == 0) expect_balanced();
  }
  EXPECT_GT(in_ring, 0U);
}

TEST_F(WorkerIntakeTest, AsksInputsToWaitWhenTheRingIsNearlyFullAndToGoOnWhenItIsNot) {
  int resumed = 0;
  intake_.when_room([&] { ++resumed; });
  while (intake_.has_room()) {
    offer(kLine);
    intake_.end_turn();
  }
  EXPECT_EQ(resumed, 0);
  // What was read already is still taken, also when the ring has no place any more.
  for (int i = 0; i < 100; ++i) {
    offer(kLine);
    intake_.end_turn();
  }
  EXPECT_FALSE(intake_.handed_over());
  std::uint64_t taken = 0;
  HandOver handed;
  for (int round = 0; round < 10 && !(intake_.handed_over() && intake_.ring().size() == 0); ++round) {
    while (intake_.ring().pop(handed)) taken += handed.batch->count();
    intake_.room_made();
  }
  EXPECT_EQ(resumed, 1);
  EXPECT_EQ(taken, intake_.snapshot().inputs[0].emitted);
  EXPECT_TRUE(intake_.has_room());
}

TEST_F(WorkerIntakeTest, AsksInputsToWaitWhenFewLargeLinesFillTheMemory) {
  int resumed = 0;
  intake_.when_room([&] { ++resumed; });
  const std::string large = kLine + " FILE: " + std::string(6U << 20, 'x');
  int lines = 0;
  for (; intake_.has_room(); ++lines) {
    offer(large);
    intake_.end_turn();
    ASSERT_LT(lines, 10);
  }
  EXPECT_EQ(lines, 2);  // 8 MiB
  HandOver handed;
  ASSERT_TRUE(intake_.ring().pop(handed));
  intake_.room_made();
  EXPECT_EQ(resumed, 1);
  EXPECT_TRUE(intake_.has_room());
}

TEST_F(WorkerIntakeTest, RefusesOnlyWhenTheJournalItselfTakesNothing) {
  RefuseReason reason{};
  EXPECT_FALSE(intake_.must_refuse(reason));
  pressure_.full = true;
  EXPECT_FALSE(intake_.has_room());
  ASSERT_TRUE(intake_.must_refuse(reason));
  EXPECT_EQ(reason, RefuseReason::journal_full);
  pressure_.failed = true;
  ASSERT_TRUE(intake_.must_refuse(reason));
  EXPECT_EQ(reason, RefuseReason::journal_failed);
}

TEST_F(WorkerIntakeTest, EmitsWhatAStreamHoldsWhenItEnds) {
  offer("{\"time\":\"2025-10-08T11:37:54Z\",\"hostname\":\"arch\",\"level\":\"Info\",\"message\":\"cut");
  intake_.close(std::exchange(stream_, nullptr));
  intake_.end_turn();
  expect_balanced();
  HandOver handed;
  ASSERT_TRUE(intake_.ring().pop(handed));
  BatchReader reader(*handed.batch);
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_NE(record.event.flags & flag::unterminated, 0U);
}

}  // namespace
}  // namespace thorlog
