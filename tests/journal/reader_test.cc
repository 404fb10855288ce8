// Readers near the end and far behind it, beside a writer.
#include <atomic>
#include <thread>

#include "base/log.h"
#include "support.h"

namespace thorlog {
namespace {

TEST(JournalReader, SharesTheVeryMemoryWithReadersNearTheEnd) {
  JournalWorld world;
  auto journal = world.open();
  JournalReader reader(*journal, journal->state().end);
  const BatchRef batch = batch_of(*journal, {"one"});
  ASSERT_TRUE(is_ok(journal->append({&batch, 1})));
  auto got = reader.next();
  ASSERT_TRUE(is_ok(got));
  EXPECT_EQ(&**got, &*batch);
}

TEST(JournalReader, DropsABatchAsSoonAsEveryNearReaderHasTakenIt) {
  JournalWorld world;
  auto journal = world.open();
  BatchPool pool(64U << 10, 8);
  JournalReader fast(*journal, journal->state().end);
  JournalReader slower(*journal, journal->state().end);
  JournalReader far(*journal, {});
  const std::byte* memory = nullptr;
  {
    const BatchRef batch = Batch::make(pool, journal->checksum_seed());
    memory = batch->bytes().data();
    ASSERT_TRUE(batch->add(line_record("one")));
    ASSERT_TRUE(is_ok(journal->append({&batch, 1})));
  }
  ASSERT_TRUE(is_ok(fast.next()));
  EXPECT_NE(Batch::make(pool, journal->checksum_seed())->bytes().data(), memory) << "one reader still needs it";
  ASSERT_TRUE(is_ok(slower.next()));
  BatchRef second = Batch::make(pool, journal->checksum_seed());
  const BatchRef third = Batch::make(pool, journal->checksum_seed());
  EXPECT_TRUE(second->bytes().data() == memory || third->bytes().data() == memory);
  EXPECT_EQ(read_on(far).size(), 1U) << "who is far behind reads from the disk";
}

TEST(JournalReader, FallsBackToTheDiskWhenTheCacheIsTooSmallAndComesBack) {
  JournalWorld world;
  world.options.cache_bytes = 100'000;
  auto journal = world.open();
  JournalReader reader(*journal, journal->state().end);
  for (int i = 0; i < 50; ++i) append_lines(*journal, {"line " + std::to_string(i) + std::string(20'000, 'x')});
  EXPECT_EQ(read_on(reader).size(), 50U);
  const BatchRef batch = batch_of(*journal, {"near again"});
  ASSERT_TRUE(is_ok(journal->append({&batch, 1})));
  auto got = reader.next();
  ASSERT_TRUE(is_ok(got));
  EXPECT_EQ(&**got, &*batch);
}

TEST(JournalReader, StartsAtAnyNumberWithOrWithoutTheRightOffset) {
  JournalWorld world;
  std::vector<ReadLine> all;
  {
    auto journal = world.open();
    for (int i = 0; i < 40; ++i) append_lines(*journal, {std::to_string(i), std::string(40'000, 'x'), "end"});
    all = read_all(*journal);
  }
  auto journal = world.open();
  for (std::size_t i = 0; i < all.size(); i += 3) {
    for (const std::uint64_t offset : {all[i].offset, std::uint64_t{0}, ~std::uint64_t{0}, all[i].offset - 64}) {
      JournalReader reader(*journal, {offset, all[i].seq});
      auto batch = reader.next();
      ASSERT_TRUE(is_ok(batch));
      EXPECT_LE((*batch)->base_seq(), all[i].seq);
      EXPECT_GT((*batch)->end_seq(), all[i].seq);
    }
  }
}

TEST(JournalReader, GivesOnlyWhatIsSyncedWhenAsked) {
  JournalWorld world;
  world.options.durability = Durability::disk;
  auto journal = world.open();
  JournalReader reader(*journal, journal->state().end);
  reader.only_synced(true);
  append_lines(*journal, {"one"});
  const std::uint64_t end = journal->state().end.seq;
  while (journal->state().synced_seq < end) std::this_thread::yield();
  EXPECT_EQ(read_on(reader).size(), 1U);
}

TEST(JournalReader, JumpsOverSegmentsThatAreRemovedWhileItSleeps) {
  JournalWorld world;
  world.options.retain = 0;
  world.options.cache_bytes = 100'000;
  auto journal = world.open();
  JournalReader asleep(*journal, journal->state().first);
  for (int i = 0; i < 100; ++i) append_lines(*journal, {std::string(50'000, 'x')});
  world.clock.advance(1'000'000);
  journal->tend(journal->state().end, "");
  const std::uint64_t first = journal->state().first.seq;
  ASSERT_GT(first, 1U);
  EXPECT_EQ(journal->missing(1, 101).expired, first - 1);
  const auto lines = read_on(asleep);
  EXPECT_EQ(lines.front().seq, first);
  EXPECT_EQ(lines.size(), 101 - first);
  EXPECT_EQ(journal->state().damaged, 0U);
}

TEST(JournalReader, GoesOnWhenSomebodyDeletesASegmentUnderIt) {
  capture_log([](Severity, std::string_view, void*) {}, nullptr);
  JournalWorld world;
  {
    auto journal = world.open();
    for (int i = 0; i < 100; ++i) append_lines(*journal, {std::string(50'000, 'x')});
  }
  auto journal = world.open();
  std::filesystem::remove(segments_in(world.segments_folder())[1]);
  const auto lines = read_all(*journal);
  EXPECT_LT(lines.size(), 100U);
  EXPECT_GT(lines.size(), 50U);
  EXPECT_EQ(journal->state().damaged, 100 - lines.size());
  capture_log(nullptr, nullptr);
}

// One writer, readers of all kinds, a segment for each few batches: everybody gets everything, in order.
TEST(JournalReader, GetsEveryRecordInOrderBesideAWriterHoweverFarBehind) {
  JournalWorld world;
  world.options.segment_bytes = 256U << 10;
  world.options.cache_bytes = 256U << 10;
  world.options.durability = Durability::disk;
  auto journal = world.open();
  constexpr std::uint64_t kRecords = 20'000;
  std::atomic<bool> done{false};
  const auto read = [&](Position from, bool only_synced, int nap_every) {
    JournalReader reader(*journal, from);
    reader.only_synced(only_synced);
    std::uint64_t expected = 1;
    while (expected <= kRecords) {
      auto batch = reader.next();
      ASSERT_TRUE(is_ok(batch));
      if (!*batch) {
        ASSERT_FALSE(done && journal->state().failed);
        std::this_thread::yield();
        continue;
      }
      BatchReader records(**batch, true);
      Record record;
      while (records.next(record)) {
        ASSERT_EQ(records.seq(), expected);
        ASSERT_EQ(record.event.raw.substr(0, 8), std::to_string(10'000'000 + expected));
        ++expected;
      }
      ASSERT_EQ(records.damaged(), 0U);
      if (nap_every > 0 && expected % static_cast<std::uint64_t>(nap_every) < 20) std::this_thread::yield();
    }
  };
  std::vector<std::thread> threads;
  const Position begin = journal->state().end;
  threads.emplace_back([&] { read(begin, false, 0); });
  threads.emplace_back([&] { read(begin, true, 0); });
  threads.emplace_back([&] { read({}, false, 100); });
  threads.emplace_back([&] {
    while (journal->state().end.seq < kRecords / 2) std::this_thread::yield();
    read({}, true, 0);  // far behind
  });
  BatchPool pool(16U << 10, 16);
  std::uint64_t seq = 1;
  while (seq <= kRecords) {
    std::vector<BatchRef> batches;
    for (int i = 0; i < 3 && seq <= kRecords; ++i) {
      batches.push_back(Batch::make(pool, journal->checksum_seed()));
      for (int j = 0; j < 1 + static_cast<int>(seq % 40) && seq <= kRecords; ++j) {
        std::string line = std::to_string(10'000'000 + seq) + std::string(seq % 200, '.');
        ASSERT_TRUE(batches.back()->add(line_record(line)));
        ++seq;
      }
    }
    ASSERT_TRUE(is_ok(journal->append(batches)));
    journal->tend({}, "");
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(segments_in(world.segments_folder()).size(), 5U);
}

}  // namespace
}  // namespace thorlog
