#include "journal/cursor.h"

#include "base/log.h"
#include "journal/ack_window.h"
#include "journal/cursor_file.h"
#include "support.h"

namespace thorlog {
namespace {

class CursorTest : public testing::Test {
 protected:
  CursorTest() {
    capture_log(keep, this);
    world_.options.retain = 0;
    journal_ = world_.open();
  }
  ~CursorTest() override { capture_log(nullptr, nullptr); }
  static void keep(Severity, std::string_view line, void* context) {
    static_cast<CursorTest*>(context)->said_ += std::string(line) + "\n";
  }

  std::string folder() const { return world_.folder / "state/cursors"; }
  std::string path() const { return folder() + "/kafka.cur"; }
  std::unique_ptr<Cursor> open(Cursor::Start start = Cursor::Start::now) {
    auto cursor = Cursor::open(real_file_system(), world_.clock, folder(), "kafka", *journal_, start);
    EXPECT_TRUE(is_ok(cursor));
    return *std::move(cursor);
  }
  void append(int lines) {
    for (int i = 0; i < lines; ++i) append_lines(*journal_, {"line"});
  }
  Position place(std::uint64_t seq) { return {read_all(*journal_, {0, seq}).front().offset, seq}; }
  void expect_balanced(const Cursor& cursor) {
    const CursorBooks& books = cursor.books();
    EXPECT_EQ(cursor.position().seq - books.start_seq, books.acknowledged + books.filtered + books.dropped_total());
  }
  static std::uint64_t dropped(const Cursor& cursor, DropReason reason) {
    return cursor.books().dropped[static_cast<std::size_t>(reason)];
  }

  JournalWorld world_;
  std::unique_ptr<Journal> journal_;
  std::string said_;
};

TEST_F(CursorTest, StartsNowOrAtTheOldest) {
  append(3);
  EXPECT_EQ(open()->position().seq, 4U);
  std::filesystem::remove(path());
  EXPECT_EQ(open(Cursor::Start::oldest)->position().seq, 1U);
}

TEST_F(CursorTest, RemembersPositionAndBooks) {
  auto cursor = open();
  append(10);
  cursor->settle(place(6), 3, 2);
  cursor->drop(place(7), DropReason::parked, 1);
  ASSERT_TRUE(is_ok(cursor->save(true)));
  cursor = nullptr;
  cursor = open();
  EXPECT_EQ(cursor->position().seq, 7U);
  EXPECT_EQ(cursor->books().acknowledged, 3U);
  EXPECT_EQ(cursor->books().filtered, 2U);
  EXPECT_EQ(dropped(*cursor, DropReason::parked), 1U);
  expect_balanced(*cursor);
}

TEST_F(CursorTest, WritesAtMostEachTenMillisecondsUnlessTold) {
  auto cursor = open();
  append(3);
  const auto slots = [&] { return read_bytes(path()); };
  world_.clock.advance(20'000'000);
  cursor->settle(place(2), 1, 0);
  ASSERT_TRUE(is_ok(cursor->save()));
  const std::string first = slots();
  world_.clock.advance(5'000'000);
  cursor->settle(place(3), 1, 0);
  ASSERT_TRUE(is_ok(cursor->save()));
  EXPECT_EQ(slots(), first);
  world_.clock.advance(5'000'000);
  ASSERT_TRUE(is_ok(cursor->save()));
  EXPECT_NE(slots(), first);
}

TEST_F(CursorTest, TakesTheOtherSlotWhenOneIsDamaged) {
  auto cursor = open();
  append(5);
  for (std::uint64_t seq = 2; seq <= 4; ++seq) {
    cursor->settle(place(seq), 1, 0);
    ASSERT_TRUE(is_ok(cursor->save(true)));
  }
  cursor = nullptr;
  const std::string whole = read_bytes(path());
  ASSERT_EQ(whole.size(), 2 * kCursorSlotSize);
  for (int slot = 0; slot < 2; ++slot) {
    for (const std::size_t byte : {0U, 8U, 16U, 100U, 1000U, 4095U}) {
      std::string bytes = whole;
      char& at = bytes[static_cast<std::size_t>(slot) * kCursorSlotSize + byte];
      at = static_cast<char>(at ^ 8);
      write_bytes(path(), bytes);
      const auto again = open();
      EXPECT_GE(again->position().seq, 3U) << "one generation back at most";
      EXPECT_LE(again->position().seq, 4U);
      expect_balanced(*again);
    }
  }
}

TEST_F(CursorTest, SetsAFileAsideWhenBothSlotsAreDamagedAndStartsAtTheOldest) {
  append(5);
  open(Cursor::Start::now).reset();
  write_bytes(path(), std::string(2 * kCursorSlotSize, 'x'));
  auto cursor = open();
  EXPECT_EQ(cursor->position().seq, 1U);
  EXPECT_TRUE(std::filesystem::exists(path() + ".bad"));
  EXPECT_NE(said_.find("starts at the oldest"), std::string::npos);
  cursor = nullptr;
  write_bytes(path(), "");
  EXPECT_EQ(open()->position().seq, 1U);
  EXPECT_TRUE(std::filesystem::exists(path() + ".bad-2"));
}

TEST_F(CursorTest, SetsAsideTheCursorOfAnotherJournal) {
  append(5);
  open(Cursor::Start::now).reset();
  journal_ = nullptr;
  std::filesystem::remove_all(world_.journal_folder());
  journal_ = world_.open();
  append(2);
  EXPECT_EQ(open()->position().seq, 1U);
  EXPECT_NE(said_.find("another journal"), std::string::npos);
}

TEST_F(CursorTest, CountsWhatWasRemovedBeforeItCouldBeRead) {
  auto cursor = open();
  for (int i = 0; i < 100; ++i) append_lines(*journal_, {std::string(50'000, 'x')});
  cursor = nullptr;
  world_.clock.advance(1'000'000);
  journal_->tend(journal_->state().end, "");
  const std::uint64_t first = journal_->state().first.seq;
  ASSERT_GT(first, 1U);
  cursor = open();
  EXPECT_EQ(cursor->position().seq, first);
  EXPECT_EQ(dropped(*cursor, DropReason::expired), first - 1);
  expect_balanced(*cursor);
}

TEST_F(CursorTest, SettlesTheTailThatACrashTook) {
  auto cursor = open();
  append(10);
  cursor->settle(place(8), 7, 0);
  ASSERT_TRUE(is_ok(cursor->save(true)));
  const Position before = cursor->position();
  // The disk only kept the first five lines; the second output had read three of them.
  auto second = Cursor::open(real_file_system(), world_.clock, folder(), "slow", *journal_, Cursor::Start::oldest);
  (*second)->settle(place(4), 3, 0);
  ASSERT_TRUE(is_ok((*second)->save(true)));
  const std::size_t cut = static_cast<std::size_t>(place(6).offset) - kBatchHeaderSize;
  const std::string segment = segments_in(world_.segments_folder()).front();
  const std::string bytes = read_bytes(segment);
  cursor = nullptr;
  second->reset();
  journal_ = nullptr;
  write_bytes(segment, bytes.substr(0, cut));

  journal_ = world_.open();
  EXPECT_EQ(journal_->state().end.seq, 8U) << "no number names two lines";
  cursor = open();
  EXPECT_EQ(cursor->position().seq, before.seq);
  expect_balanced(*cursor);
  append(1);
  JournalReader reader(*journal_, cursor->position());
  const auto lines = read_on(reader);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_GT(lines[0].offset, before.offset);
  cursor->settle(reader.position(), 1, 0);
  EXPECT_EQ(cursor->books().dropped_total(), 0U) << "it had them all";

  second = Cursor::open(real_file_system(), world_.clock, folder(), "slow", *journal_, Cursor::Start::oldest);
  JournalReader slow(*journal_, (*second)->position());
  EXPECT_EQ(read_on(slow).size(), 3U);
  (*second)->settle(slow.position(), 3, 0);
  EXPECT_EQ(dropped(**second, DropReason::lost_in_crash), 2U);
  EXPECT_EQ(dropped(**second, DropReason::damaged), 0U);
  expect_balanced(**second);
}

TEST_F(CursorTest, IsPutBackWhenItIsAheadOfTheJournal) {
  auto cursor = open();
  append(5);
  cursor->settle(place(5), 4, 0);
  ASSERT_TRUE(is_ok(cursor->save(true)));
  cursor = nullptr;
  // Somebody puts a file there that knows more than the journal, while it runs.
  std::string bytes = read_bytes(path());
  for (std::size_t i = 0; i < 2; ++i) {
    auto slot = header_at<CursorSlot>(reinterpret_cast<const std::byte*>(bytes.data()) + i * kCursorSlotSize);
    slot.acknowledged += 1000 - slot.places[0].seq;
    slot.places[0].seq = 1000;
    seal_slot(slot);
    bytes.replace(i * kCursorSlotSize, kCursorSlotSize,
                  std::string(reinterpret_cast<const char*>(&slot), sizeof slot));
  }
  write_bytes(path(), bytes);
  cursor = open();
  EXPECT_EQ(cursor->position().seq, 6U);
  EXPECT_NE(said_.find("ahead"), std::string::npos);
}

TEST_F(CursorTest, CountsDamagedRecordsAsDropped) {
  auto cursor = open();
  append(6);
  const std::string segment = segments_in(world_.segments_folder()).front();
  const Position third = place(3);
  cursor = nullptr;
  journal_ = nullptr;
  std::string bytes = read_bytes(segment);
  bytes[third.offset + 50] = static_cast<char>(bytes[third.offset + 50] ^ 1);
  write_bytes(segment, bytes);
  journal_ = world_.open();
  cursor = open();
  JournalReader reader(*journal_, cursor->position());
  const std::size_t got = read_on(reader).size();
  EXPECT_EQ(got, 5U);
  cursor->settle(reader.position(), got, 0);
  EXPECT_EQ(dropped(*cursor, DropReason::damaged), 1U);
  expect_balanced(*cursor);
}

TEST(AckWindow, MovesItsLowMarkOverRunsOfAcknowledgedNumbers) {
  AckWindow window(100);
  EXPECT_TRUE(window.acknowledge(101));
  EXPECT_EQ(window.low(), 100U);
  EXPECT_FALSE(window.acknowledge(101)) << "twice";
  EXPECT_TRUE(window.acknowledge(100));
  EXPECT_EQ(window.low(), 102U);
  EXPECT_FALSE(window.acknowledge(100)) << "long done";
  EXPECT_TRUE(window.has_room(102 + AckWindow::kSize - 1));
  EXPECT_FALSE(window.has_room(102 + AckWindow::kSize));
  EXPECT_FALSE(window.acknowledge(102 + AckWindow::kSize));
}

TEST(AckWindow, AgreesWithASetOfNumbersInAnyOrder) {
  std::mt19937_64 random(5);
  AckWindow window(7);
  std::set<std::uint64_t> open;
  std::uint64_t next = 7;
  std::uint64_t low = 7;
  std::set<std::uint64_t> done;
  for (int i = 0; i < 200'000; ++i) {
    if (random() % 2 == 0 && window.has_room(next)) {
      open.insert(next++);
    } else if (!open.empty()) {
      auto it = open.begin();
      std::advance(it, static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(open.size(), 70)));
      ASSERT_TRUE(window.acknowledge(*it));
      done.insert(*it);
      open.erase(it);
      while (done.contains(low)) done.erase(low++);
      ASSERT_EQ(window.low(), low);
    }
  }
  EXPECT_GT(low, 50'000U);
}

}  // namespace
}  // namespace thorlog
