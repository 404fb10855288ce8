// Power cuts and deaths at every step, on a disk that forgets what was not synced (specs.md 7, test 1).
#include <map>

#include "base/log.h"
#include "model_disk.h"
#include "support.h"

namespace thorlog {
namespace {

void swallow(Severity, std::string_view, void*) {}

// What the outside world knows: ids and numbers that were given out, what was acknowledged as durable, over many
// lives.
struct Known {
  std::map<std::uint64_t, std::string> published;  // id -> line
  std::map<std::uint64_t, std::string> synced;     // number -> line, as durable as promised
  std::map<std::string, int> offered;
  std::uint64_t highest_id = 0;
  std::uint64_t cursor_seq = 0;  // synced in the cursor file
  int next_line = 0;
};

struct Promise {
  const char* name;
  Durability durability;
  bool power_cut;  // else only the process dies
  bool keeps_published;
};

class PowerTest : public testing::TestWithParam<Promise> {
 protected:
  PowerTest() { capture_log(swallow, nullptr); }
  ~PowerTest() override { capture_log(nullptr, nullptr); }

  JournalOptions options() const {
    JournalOptions options;
    options.folder = "/state/journal";
    options.segment_bytes = 64U << 10;
    options.max_bytes = 1U << 20;
    options.retain = 0;
    options.durability = GetParam().durability;
    options.background = false;
    return options;
  }

  // Opens, stores, reads, moves a cursor, rolls over segments, closes; stops where the disk does.
  void live(ModelDisk& disk, Known& known, bool check) {
    auto opened = Journal::open(disk, clock_, options());
    if (!opened) {
      ASSERT_TRUE(disk.crashed() || faulty_) << opened.error().message();
      return;
    }
    Journal& journal = **opened;
    if (check) check_recovered(journal, known);
    auto cursor = Cursor::open(disk, clock_, "/state/cursors", "out", journal, Cursor::Start::oldest);
    if (!cursor) {
      ASSERT_TRUE(disk.crashed() || faulty_) << cursor.error().message();
      return;
    }
    JournalReader reader(journal, (*cursor)->position());
    reader.only_synced(true);
    for (int i = 0; i < 14; ++i) {
      if (!store(journal, known, i % 4 == 3 ? 20'000 : 700)) return;
      for (auto batch = reader.next(); batch && *batch; batch = reader.next()) continue;
      const std::uint64_t seen = reader.position().seq - (*cursor)->position().seq;
      const Missing gone = journal.missing((*cursor)->position().seq, reader.position().seq);
      (*cursor)->settle(reader.position(), seen - gone.expired - gone.lost_in_crash, 0);
      if ((*cursor)->save(true)) known.cursor_seq = (*cursor)->position().seq;
      journal.tend((*cursor)->position(), "out");
      clock_.advance(1'000'000'000);
    }
    [[maybe_unused]] const bool closed = journal.close().has_value();
  }

  bool store(Journal& journal, Known& known, std::size_t bytes) {
    BatchRef batch = Batch::make(32U << 10, journal.checksum_seed());
    std::vector<std::string> lines;
    for (int i = 0; i < 3; ++i) {
      lines.push_back("line " + std::to_string(known.next_line++) + std::string(bytes / 3, '.'));
      ++known.offered[lines.back()];
      EXPECT_TRUE(batch->add(line_record(lines.back())));
    }
    if (!journal.append({&batch, 1})) return false;
    BatchReader reader(*batch, true);
    Record record;
    while (reader.next(record)) {
      known.published.emplace(reader.offset(), record.event.raw);
      EXPECT_GT(reader.offset(), known.highest_id) << "an id was given out twice";
      known.highest_id = reader.offset() + 100;  // its record is longer than that
      const bool durable = journal.state().synced_seq > reader.seq();
      if (durable && GetParam().keeps_published) known.synced[reader.seq()] = record.event.raw;
    }
    return true;
  }

  void check_recovered(Journal& journal, const Known& known) {
    const std::vector<ReadLine> lines = read_all(journal);
    std::map<std::uint64_t, std::string> by_seq;
    std::uint64_t before = 0;
    for (const ReadLine& line : lines) {
      EXPECT_GT(line.seq, before);
      before = line.seq;
      by_seq[line.seq] = line.raw;
      EXPECT_TRUE(known.offered.contains(line.raw)) << "invented: " << line.raw.substr(0, 30);
      const auto published = known.published.find(line.offset);
      if (published != known.published.end()) {
        EXPECT_EQ(published->second, line.raw) << "the id " << line.offset;
      }
    }
    const std::uint64_t first = journal.state().first.seq;
    for (const auto& [seq, raw] : known.synced) {
      if (seq < first) {
        EXPECT_LT(seq, known.cursor_seq) << "removed before it was acknowledged";
        continue;
      }
      EXPECT_EQ(by_seq[seq], raw) << "lost number " << seq;
    }
    EXPECT_GE(journal.state().end.seq, known.cursor_seq);
  }

  void cut_power(ModelDisk& disk, std::uint64_t seed) {
    if (!GetParam().power_cut) return disk.process_death();
    std::mt19937_64 random(seed);
    disk.power_loss(random);
  }

  ManualClock clock_;
  bool faulty_ = false;  // the disk gives errors, too
};

TEST_P(PowerTest, KeepsEverySyncedRecordAndNoIdTwiceThroughACutAtAnyStep) {
  for (std::uint64_t step = 0;; ++step) {
    bool crashed = false;
    for (std::uint64_t seed = 0; seed < 3; ++seed) {
      ModelDisk disk;
      Known known;
      disk.crash_at(step);
      live(disk, known, false);
      crashed = disk.crashed();
      cut_power(disk, step * 100 + seed);
      live(disk, known, true);
      if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "step " << step << " seed " << seed;
    }
    if (!crashed) {
      EXPECT_GT(step, 50U);
      return;
    }
  }
}

TEST_P(PowerTest, SurvivesASecondCutInsideTheRecoveryFromTheFirst) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 120; ++round) {
    ModelDisk disk;
    Known known;
    for (int life = 0; life < 4; ++life) {
      disk.crash_at(life == 0 ? 30 + random() % 60 : random() % 40);
      live(disk, known, life > 0);
      cut_power(disk, random());
      if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "round " << round << " life " << life;
    }
    live(disk, known, true);
    if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "round " << round << ", last life";
  }
}

TEST_P(PowerTest, KeepsEverySyncedRecordWhenASyncFailsAndThePowerIsCutAtAnyStepAfterIt) {
  faulty_ = true;
  std::mt19937_64 random(11);
  for (std::uint64_t failing = 0; failing < 24; ++failing) {
    for (int round = 0; round < 12; ++round) {
      ModelDisk disk;
      Known known;
      disk.fail_at(FaultPoint::sync, failing, 1, {Errc::io, "syncing", EIO});
      disk.crash_at(20 + random() % 160);
      live(disk, known, false);
      cut_power(disk, random());
      disk.crash_at(round % 3 == 0 ? random() % 40 : ModelDisk::kNever);
      live(disk, known, true);
      cut_power(disk, random());
      live(disk, known, true);
      if (HasFatalFailure() || HasNonfatalFailure()) FAIL() << "sync " << failing << ", round " << round;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Durabilities, PowerTest,
                         testing::Values(Promise{"os_killed", Durability::os, false, true},
                                         Promise{"os_power_cut", Durability::os, true, false},
                                         Promise{"disk_power_cut", Durability::disk, true, true}),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace thorlog
