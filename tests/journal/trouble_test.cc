// A real disk that gives an error at some sync or write while a writer runs far ahead of the syncing: several files
// are open, sealed or waiting to be when it happens.
#include <cstdlib>
#include <map>
#include <random>
#include <thread>

#include "base/log.h"
#include "support.h"

namespace thorlog {
namespace {

void swallow(Severity, std::string_view, void*) {}

class Trouble : public testing::TestWithParam<const char*> {
 protected:
  Trouble() { capture_log(swallow, nullptr); }
  ~Trouble() override { capture_log(nullptr, nullptr); }

  static void arm(const std::string& fault) {
    ::setenv("THORLOG_FAULT", fault.c_str(), 1);
    arm_faults_from_environment();
    ::unsetenv("THORLOG_FAULT");
  }
};

TEST_P(Trouble, LosesNothingThatWasTakenWhereverTheErrorStrikes) {
  std::mt19937_64 random(5);
  for (int count = 1; count <= 60; ++count) {
    JournalWorld world;
    world.options.segment_bytes = 64U << 10;
    world.options.max_bytes = 64U << 20;
    world.options.durability = Durability::disk;
    world.options.background = true;
    auto journal = world.open();
    arm(std::string(GetParam()) + ":" + std::to_string(count) + ":eio");
    std::vector<std::string> lines;
    std::map<std::uint64_t, std::string> ids;
    for (int i = 0; i < 120; ++i) {
      const std::string line = "line " + std::to_string(i) + std::string(500 + random() % 9000, 'x');
      const BatchRef batch = batch_of(*journal, {line});
      if (!journal->append({&batch, 1})) break;
      lines.push_back(line);
      ids.emplace(batch->base_offset(), line);
      if (i % 10 == 9) journal->tend({}, "");
    }
    arm(std::string(GetParam()) + ":0:eio");
    for (int i = 0; i < 2000 && journal->state().synced_seq != journal->state().end.seq; ++i) {
      journal->tend({}, "");
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ASSERT_FALSE(journal->state().failed) << "count " << count;
    ASSERT_EQ(lines.size(), 120U) << "count " << count;
    ASSERT_EQ(journal->state().synced_seq, journal->state().end.seq) << "count " << count;
    const auto check = [&](const std::vector<ReadLine>& got) {
      ASSERT_EQ(got.size(), lines.size()) << "count " << count;
      for (std::size_t i = 0; i < got.size(); ++i) {
        ASSERT_EQ(got[i].raw, lines[i]) << "count " << count;
        ASSERT_EQ(got[i].seq, i + 1) << "count " << count;
        const auto known = ids.find(got[i].offset);
        ASSERT_TRUE(known == ids.end() || known->second == got[i].raw) << "an id names two lines, count " << count;
      }
    };
    check(read_all(*journal));
    journal.reset();
    journal = world.open();
    check(read_all(*journal));
    EXPECT_EQ(journal->state().damaged, 0U) << "count " << count;
    append_lines(*journal, {"and on"});
    EXPECT_EQ(read_all(*journal).back().seq, 121U);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(EachPoint, Trouble, testing::Values("sync", "batch_write", "seal", "seg_header"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace thorlog
