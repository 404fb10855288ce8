// The scan keeper over a journal: what it reads, what it commits, what a journal that lost its tail means for it.
#include "support.h"

#include <filesystem>

#include <fmt/format.h>

#include "scanstore/scan_queries.h"

namespace thorlog {
namespace {

TEST(ScanKeeper, TakesUpWhereTheStoreIs) {
  const TempFolder folder;
  {
    KeeperWorld world(folder.path());
    world.append({0, thor_line("web01", "S-1", "Startup", "Thor Version: 10.8.0")});
    ASSERT_TRUE(is_ok(world.settle()));
    world.append({1, thor_line("web01", "S-1", "Filescan", "Scanning /tmp")});
    ASSERT_TRUE(is_ok(world.turn(true)));
  }
  KeeperWorld world(folder.path());
  EXPECT_EQ(world.keeper().view().counters.scans[static_cast<std::size_t>(ScanState::starting)] +
                world.keeper().view().counters.scans[static_cast<std::size_t>(ScanState::running)],
            1U);
  world.append({1, thor_line("web01", "S-1", "Report", "Thor Scan finished END_TIME: now")});
  ASSERT_TRUE(is_ok(world.settle()));
  ASSERT_TRUE(is_ok(world.keeper().commit(true)));
  std::map<std::string, std::string> bodies;
  EXPECT_EQ(keys_in(world.journal(), &bodies).size(), 2U);  // started once, finished once
  const ScanQueries queries(ScanStore::path_in(folder.path()), world.journal().uuid());
  const auto scans = queries.scans({});
  ASSERT_TRUE(is_ok(scans));
  EXPECT_NE(scans->find(R"("state":"completed")"), std::string::npos) << *scans;
  EXPECT_NE(scans->find(R"("lines":3)"), std::string::npos) << *scans;
}

// A power cut can take the end of the journal and leave the store, which was synced by itself.
TEST(ScanKeeper, SeesWhatIsStoredAfterAJournalLostItsTail) {
  const TempFolder folder;
  ScanMarks ahead;
  {
    KeeperWorld world(folder.path());
    for (int i = 0; i < 40; ++i)
      world.append({0.01, thor_line("web01", "S-1", "Filescan", fmt::format("line {}", i))});
    ASSERT_TRUE(is_ok(world.turn(true)));
    ahead = world.store().marks();
    ahead.seen.seq += 50;  // as if these had been in the journal
    ahead.seen.offset += 5000;
    ahead.counted = ahead.seen;
    world.store().begin();
    ASSERT_TRUE(is_ok(world.store().commit(ahead)));
  }
  KeeperWorld world(folder.path());
  ASSERT_LT(world.journal().state().end.seq, ahead.seen.seq);
  world.append({1, thor_line("web02", "S-2", "Startup", "Thor Version: 10.8.0")});
  world.append({1, thor_line("web02", "S-2", "Report", "Thor Scan finished END_TIME: now")});
  ASSERT_TRUE(is_ok(world.settle()));
  EXPECT_EQ(keys_in(world.journal()).size(), 2U);
}

TEST(ScanKeeper, MakesTheSameStoreAgainFromTheJournalAlone) {
  const TempFolder folder;
  const std::vector<TraceLine> trace = stories("web", 10);
  {
    KeeperWorld world(folder.path());
    for (const TraceLine& line : trace) {
      world.append(line);
      ASSERT_TRUE(is_ok(world.turn()));
    }
    for (int i = 0; i < 40; ++i) {
      world.pass(1);
      ASSERT_TRUE(is_ok(world.turn()));
    }
    ASSERT_TRUE(is_ok(world.settle()));
  }
  const auto keys = [&] {
    KeeperWorld world(folder.path());
    return keys_in(world.journal());
  }();
  std::filesystem::remove_all(folder.path() + "/scans");
  KeeperWorld world(folder.path());
  ASSERT_TRUE(world.store().is_new());
  ASSERT_TRUE(is_ok(world.settle()));
  for (int i = 0; i < 40; ++i) {
    world.pass(1);
    ASSERT_TRUE(is_ok(world.turn()));
  }
  ASSERT_TRUE(is_ok(world.settle()));
  EXPECT_EQ(keys_in(world.journal()), keys);  // nothing comes twice, nothing is told again
}

}  // namespace
}  // namespace thorlog
