#include "journal/journal.h"

#include "support.h"

namespace thorlog {
namespace {

TEST(Journal, GivesBackWhatWasAppendedWithNumbersWithoutGaps) {
  JournalWorld world;
  auto journal = world.open();
  append_lines(*journal, {"one", "two"});
  append_lines(*journal, {"three"});
  const auto lines = read_all(*journal);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].raw, "one");
  EXPECT_EQ(lines[2].raw, "three");
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(lines[i].seq, i + 1);
  EXPECT_EQ(journal->state().stored, 3U);
  EXPECT_EQ(journal->state().synced_seq, 4U);
}

TEST(Journal, GivesTheSameFromTheDiskAfterItWasClosed) {
  JournalWorld world;
  std::vector<ReadLine> before;
  {
    auto journal = world.open();
    for (int i = 0; i < 100; ++i) append_lines(*journal, {"line " + std::to_string(i), std::string(20'000, 'x')});
    before = read_all(*journal);
  }
  auto journal = world.open();
  EXPECT_EQ(read_all(*journal), before);
  EXPECT_EQ(before.size(), 200U);
  EXPECT_GT(segments_in(world.segments_folder()).size(), 2U) << "the test should cross segments";
}

TEST(Journal, NeverUsesAnIdOrANumberTwiceOverManyLives) {
  JournalWorld world;
  std::set<std::uint64_t> ids;
  std::uint64_t next_seq = 1;
  for (int life = 0; life < 20; ++life) {
    auto journal = world.open();
    append_lines(*journal, {"life " + std::to_string(life)});
    const auto lines = read_all(*journal);
    EXPECT_EQ(lines.back().seq, next_seq++);
    EXPECT_TRUE(ids.insert(lines.back().offset).second);
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(life) + 1);
  }
}

TEST(Journal, LetsNoSecondOneIn) {
  JournalWorld world;
  auto journal = world.open();
  auto second = Journal::open(real_file_system(), world.clock, world.options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  journal.reset();
  EXPECT_TRUE(is_ok(Journal::open(real_file_system(), world.clock, world.options)));
}

}  // namespace
}  // namespace thorlog
