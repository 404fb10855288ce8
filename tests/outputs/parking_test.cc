// Dead letters: what a target refuses for good leaves the stream whole and synced, is counted, and blocks nobody.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "outputs/dead_letters.h"
#include "support.h"

namespace thorlog {
namespace {

std::uint64_t parked(const OutputSnapshot& snapshot) {
  return snapshot.books.dropped[static_cast<std::size_t>(DropReason::parked)];
}

// What the target does, and what it has seen; shared with the test.
struct Target {
  std::mutex mutex;  // guards the rest
  std::vector<std::string> lines;
  bool answers = true;        // false: takes lines and says nothing
  bool parks_before = false;  // refuses while a batch is still being written, not when it is complete
  std::size_t refusals = 0;
  std::size_t not_parked = 0;
};

// Refuses every line with "poison" in it, as a web server would with 400.
class PickySink final : public Sink {
 public:
  PickySink(std::shared_ptr<Target> target, const SinkContext& context)
      : target_(std::move(target)), context_(context), again_(context.loop, [this] { flush(); }) {}
  void start() override { status_.state = OutputState::streaming; }
  bool ready() const noexcept override { return poison_.empty(); }
  Taken write(const StoredRecord& record) override {
    if (!ready()) return Taken::not_now;
    const std::string line(record.record.event.raw);
    if (line.find("poison") == std::string::npos) {
      good_.push_back(line);
      return Taken::yes;
    }
    poison_.push_back(record.seq);
    const std::lock_guard lock(target_->mutex);
    if (target_->parks_before) refuse_locked();
    return Taken::yes;
  }
  void mark(Token token) override { marked_ = token; }
  void flush() override {
    const std::lock_guard lock(target_->mutex);
    if (!target_->answers) return again_.start(5);
    const bool was_ready = poison_.empty();
    refuse_locked();
    if (!poison_.empty()) return again_.start(5);
    target_->lines.insert(target_->lines.end(), good_.begin(), good_.end());
    good_.clear();
    if (marked_ != 0) context_.host.delivered(marked_);
    if (!was_ready) context_.host.sink_ready();
  }
  void close(std::function<void()> done) override { done(); }
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  void refuse_locked() {
    while (!poison_.empty()) {
      ++target_->refusals;
      if (!context_.host.park(poison_.front(), "refused", "400 Bad Request: no such field")) {
        ++target_->not_parked;
        return;
      }
      poison_.erase(poison_.begin());
    }
  }

  std::shared_ptr<Target> target_;
  SinkContext context_;
  Timer again_;
  std::vector<std::string> good_;
  std::vector<std::uint64_t> poison_;
  Token marked_ = 0;
  SinkStatus status_;
};

class Parking : public testing::Test {
 protected:
  std::unique_ptr<OutputRunner> open(std::uint64_t letter_bytes = 256U << 20) {
    OutputEnvironment environment = world_.environment();
    environment.dead_letter_bytes = letter_bytes;
    environment.make_sink = [target = target_](const OutputSettings&, const SinkContext& context) {
      return Result<std::unique_ptr<Sink>>(std::make_unique<PickySink>(target, context));
    };
    auto opened = OutputRunner::open(file_output("picky", world_.folder() + "/never"), std::move(environment));
    EXPECT_TRUE(is_ok(opened));
    (*opened)->start();
    return *std::move(opened);
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(target_->mutex);
    return target_->lines;
  }
  template <class Change>
  void with_target(Change change) {
    const std::lock_guard lock(target_->mutex);
    change(*target_);
  }
  bool drained(OutputRunner& runner) {
    return wait_until([&] {
      runner.wake();
      return runner.snapshot().pending == 0;
    });
  }

  OutputWorld world_;
  std::shared_ptr<Target> target_ = std::make_shared<Target>();
};

TEST_F(Parking, APoisonLineIsKeptWholeAndTheRestGoesOn) {
  const std::string poison = std::string("poison \x01\xff ") + std::string(5000, 'p');
  world_.append(std::vector<std::string>{"one", poison, "two", "three"});
  const auto runner = open();
  ASSERT_TRUE(drained(*runner));
  EXPECT_EQ(lines(), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(parked(runner->snapshot()), 1U);
  EXPECT_EQ(runner->snapshot().books.acknowledged, 3U);
  EXPECT_TRUE(is_balanced(runner->snapshot()));

  const auto heads = runner->dead_letters()->list(10);
  ASSERT_EQ(heads.size(), 1U);
  EXPECT_EQ(heads[0].seq, 2U);
  EXPECT_EQ(heads[0].reason, "refused");
  EXPECT_EQ(heads[0].answer, "400 Bad Request: no such field");
  EXPECT_EQ(heads[0].journal_id, world_.journal().uuid());
  const auto letters = runner->dead_letters()->find(heads[0].id);
  ASSERT_EQ(letters.size(), 1U);
  Record record;
  std::vector<Piece> pieces;
  ASSERT_TRUE(letters[0].decode(record, pieces));
  EXPECT_EQ(record.event.raw, poison);
}

TEST_F(Parking, ALineParkedWhileItsBatchIsStillWrittenCountsOnce) {
  with_target([](Target& target) { target.parks_before = true; });
  std::vector<std::string> sent;
  for (int i = 0; i < 3000; ++i) sent.push_back((i % 7 == 0 ? "poison " : "line ") + std::to_string(i));
  world_.append(sent);
  const auto runner = open();
  ASSERT_TRUE(drained(*runner));
  EXPECT_EQ(parked(runner->snapshot()), 429U);
  EXPECT_EQ(runner->snapshot().books.acknowledged, 2571U);
  EXPECT_EQ(lines().size(), 2571U);
  EXPECT_EQ(runner->dead_letters()->count(), 429U);
}

TEST_F(Parking, WithoutRoomTheOutputHoldsUntilSomeIsMade) {
  const std::string poison = "poison " + std::string(3000, 'p');
  world_.append(std::vector<std::string>{poison, "one", poison, "two"});
  const auto runner = open(4000);
  ASSERT_TRUE(wait_until([&] {
    const std::lock_guard lock(target_->mutex);
    return target_->not_parked > 3;
  }));
  EXPECT_TRUE(is_balanced(runner->snapshot()));
  EXPECT_GT(runner->snapshot().pending, 0U);
  EXPECT_TRUE(lines().empty());
  ASSERT_TRUE(is_ok(runner->dead_letters()->remove(runner->dead_letters()->list(1).at(0))));
  ASSERT_TRUE(drained(*runner));
  EXPECT_EQ(lines(), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(parked(runner->snapshot()), 2U);
}

TEST_F(Parking, ALetterWhoseCursorDidNotMoveIsNeitherSentNorParkedAgain) {
  world_.append(std::vector<std::string>{"poison", "one"});
  const std::string cursor = world_.folder() + "/state/cursors/picky.cur";
  {
    const auto runner = open();
    ASSERT_TRUE(drained(*runner));
    runner->stop(1s);
  }
  EXPECT_EQ(target_->refusals, 1U);
  // As after a crash between the two: the letter is there, the cursor is gone (the output begins at the oldest).
  std::filesystem::remove(cursor);
  const auto runner = open();
  ASSERT_TRUE(drained(*runner));
  EXPECT_EQ(target_->refusals, 1U);
  EXPECT_EQ(parked(runner->snapshot()), 1U);
  EXPECT_EQ(runner->snapshot().books.acknowledged, 1U);
  EXPECT_EQ(runner->dead_letters()->count(), 1U);
}

TEST_F(Parking, WhatIsGivenUpIsCountedOnceAlsoWhenPartOfItIsParked) {
  with_target([](Target& target) {
    target.answers = false;
    target.parks_before = true;
  });
  world_.append(std::vector<std::string>{"one", "poison", "two"});
  const auto runner = open();
  ASSERT_TRUE(wait_until([&] { return runner->dead_letters()->count() == 1; }));
  runner->drop_before(world_.journal().state().end, DropReason::full);
  ASSERT_TRUE(drained(*runner));
  const OutputSnapshot end = runner->snapshot();
  EXPECT_EQ(parked(end), 1U);
  EXPECT_EQ(end.books.dropped[static_cast<std::size_t>(DropReason::full)], 2U);
  EXPECT_TRUE(is_balanced(end));
  with_target([](Target& target) { target.answers = true; });
}

TEST(DeadLetters, AreFoundAgainAndUnfinishedOnesAreNot) {
  OutputWorld world;
  const std::string folder = world.folder() + "/state/dead-letters/out";
  const std::string line = "a line";
  const Record record = line_record(line);
  StoredRecord stored = stored_record(record, "tcp");
  stored.seq = 7;
  stored.offset = 4160;
  {
    DeadLetters letters(real_file_system(), folder, world.journal().uuid(), 1U << 20);
    ASSERT_TRUE(is_ok(letters.load()));
    ASSERT_TRUE(is_ok(letters.put(stored, "refused", "no", 5)));
    ASSERT_TRUE(is_ok(letters.put(stored, "refused", "still no", 6)));
  }
  write_bytes(folder + "/x-00000000000000000009.letter.new", "half a letter");
  write_bytes(folder + "/" + world.journal().uuid() + "-00000000000000000008.letter", "damaged\nbytes");
  DeadLetters letters(real_file_system(), folder, world.journal().uuid(), 1U << 20);
  ASSERT_TRUE(is_ok(letters.load()));
  EXPECT_TRUE(letters.has(7));
  EXPECT_FALSE(letters.has(9));
  EXPECT_EQ(letters.count(), 2U);
  EXPECT_EQ(letters.numbers(), (std::vector<std::uint64_t>{7, 8}));
  EXPECT_FALSE(letters.read(8));
  const auto letter = letters.read(7);
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->head.tries, 2U);
  EXPECT_EQ(letter->head.answer, "still no");
  EXPECT_EQ(letter->head.id, "0-4160");
  EXPECT_EQ(letter->head.input, "tcp");
  ASSERT_TRUE(is_ok(letters.remove(letter->head)));
  EXPECT_FALSE(letters.has(7));
  EXPECT_EQ(letters.bytes(), 13U);
}

}  // namespace
}  // namespace thorlog
