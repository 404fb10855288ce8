// Bounded size, back-pressure, and full disks.
#include "base/log.h"
#include "journal/life.h"
#include "model_disk.h"
#include "support.h"

namespace thorlog {
namespace {

class RoomTest : public testing::Test {
 protected:
  RoomTest() {
    capture_log(keep, this);
    options_.folder = "/state/journal";
    options_.segment_bytes = 64U << 10;
    options_.max_bytes = 1U << 20;
    options_.retain = 0;
    options_.background = false;
  }
  ~RoomTest() override { capture_log(nullptr, nullptr); }
  static void keep(Severity, std::string_view line, void* context) {
    static_cast<RoomTest*>(context)->said_ += std::string(line) + "\n";
  }

  Result<std::unique_ptr<Journal>> try_open() { return Journal::open(disk_, clock_, options_); }
  void open() {
    auto opened = try_open();
    ASSERT_TRUE(is_ok(opened));
    journal_ = *std::move(opened);
  }
  Status append(const std::string& line, Room room = Room::inputs) {
    const BatchRef batch = batch_of(*journal_, {line});
    return journal_->append({&batch, 1}, room);
  }
  // Gives the number of lines stored before it was full.
  std::size_t fill() {
    std::size_t stored = 0;
    while (append(std::string(10'000, 'x'))) ++stored;
    return stored;
  }
  std::size_t segments() { return disk_.list("/state/journal/p00")->size(); }

  ModelDisk disk_;
  ManualClock clock_;
  JournalOptions options_;
  std::unique_ptr<Journal> journal_;
  std::string said_;
};

TEST_F(RoomTest, StaysWithinItsSizeRefusesAndGoesOnWhenOutputsCatchUp) {
  open();
  const std::size_t stored = fill();
  EXPECT_GT(stored, 60U);
  EXPECT_FALSE(journal_->has_space());
  EXPECT_TRUE(journal_->state().full);
  EXPECT_LE(disk_.used_bytes(), options_.max_bytes + 64 * 1024) << "but for the small files";
  EXPECT_EQ(append("again").error().code, Errc::disk_full);
  journal_->tend(journal_->state().first, "output kafka");
  EXPECT_FALSE(journal_->has_space());
  EXPECT_NE(said_.find("output kafka"), std::string::npos) << "the one that holds it up is named: " << said_;

  int woken = 0;
  journal_->on_progress([&] { ++woken; });
  JournalReader reader(*journal_, journal_->state().first);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(is_ok(reader.next()));
  journal_->tend(reader.position(), "output kafka");
  EXPECT_TRUE(journal_->has_space());
  EXPECT_EQ(woken, 1);
  EXPECT_TRUE(is_ok(append("again")));
  EXPECT_EQ(journal_->state().end.seq, stored + 2) << "what was refused left no number behind";
  EXPECT_EQ(read_on(reader).back().raw, "again");
}

TEST_F(RoomTest, FindsRoomForInternalRecordsWhenItIsFull) {
  open();
  fill();
  std::size_t stored = 0;
  while (append(std::string(5'000, 'd'), Room::internal)) ++stored;
  EXPECT_GE(stored, 10U) << "a whole segment is kept for them";
  EXPECT_LE(disk_.used_bytes(), options_.max_bytes + 64 * 1024);
  EXPECT_FALSE(append("a line")) << "inputs still wait";
  EXPECT_EQ(read_all(*journal_).back().raw, std::string(5'000, 'd'));
  journal_->tend(journal_->state().end, "");
  EXPECT_TRUE(is_ok(append("a line")));
  fill();
  EXPECT_TRUE(is_ok(append("detection", Room::internal))) << "the reserve is there again";
}

TEST_F(RoomTest, StartsFullAndIsDrainedThen) {
  open();
  const std::size_t stored = fill();
  journal_.reset();
  open();
  EXPECT_FALSE(journal_->has_space());
  EXPECT_EQ(read_all(*journal_).size(), stored);
  EXPECT_TRUE(is_ok(append("detection", Room::internal)));
  journal_->tend(journal_->state().end, "");
  EXPECT_TRUE(is_ok(append("a line")));
  EXPECT_EQ(read_all(*journal_).back().seq, stored + 2);
}

TEST_F(RoomTest, KeepsAcknowledgedSegmentsForRetainButNoLongerThanThereIsRoom) {
  options_.retain = 3'600'000'000'000;
  open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(is_ok(append(std::string(10'000, 'x'))));
  const std::size_t before = segments();
  journal_->tend(journal_->state().end, "");
  EXPECT_GE(segments(), before) << "an hour has not passed";
  EXPECT_EQ(journal_->state().first.seq, 1U);
  clock_.advance(3'700'000'000'000);
  journal_->tend(journal_->state().end, "");
  EXPECT_LT(segments(), before);
  EXPECT_GT(journal_->state().first.seq, 1U);

  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(is_ok(append(std::string(10'000, 'x')))) << "acknowledged segments make room at once";
    journal_->tend(journal_->state().end, "");
  }
  EXPECT_LE(disk_.used_bytes(), options_.max_bytes + 64 * 1024);
}

TEST_F(RoomTest, RemovesNothingThatAnOutputStillNeeds) {
  open();
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(is_ok(append("line " + std::to_string(i) + std::string(10'000, 'x'))));
  JournalReader slow(*journal_, journal_->state().first);
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(is_ok(slow.next()));
  clock_.advance(3'700'000'000'000);
  journal_->tend(slow.position(), "");
  EXPECT_GT(journal_->state().first.seq, 1U);
  EXPECT_LE(journal_->state().first.seq, slow.position().seq);
  const auto lines = read_on(slow);
  EXPECT_EQ(lines.front().seq, 13U);
  EXPECT_EQ(lines.size(), 18U);
}

TEST_F(RoomTest, SaysClearlyThatTheDiskIsFullAtStart) {
  disk_.set_capacity(100'000);
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::disk_full);
  EXPECT_NE(opened.error().message().find("/state/journal"), std::string::npos) << opened.error().message();
  EXPECT_NE(opened.error().message().find("No space left"), std::string::npos);
  disk_.set_capacity(ModelDisk::kNever);
  EXPECT_TRUE(is_ok(try_open()));
}

TEST_F(RoomTest, WaitsWhileTheDiskIsFullAndNoticesWhenSpaceIsBack) {
  open();
  disk_.set_capacity(disk_.used_bytes() + 100'000);
  const std::size_t stored = fill();
  EXPECT_FALSE(journal_->has_space());
  EXPECT_FALSE(journal_->state().failed);
  journal_->tend({}, "");
  EXPECT_FALSE(journal_->has_space());
  EXPECT_TRUE(is_ok(append("detection", Room::internal))) << "the reserve lies on the disk already";
  disk_.set_capacity(ModelDisk::kNever);
  clock_.advance(2'000'000'000);
  journal_->tend({}, "");
  EXPECT_TRUE(journal_->has_space());
  EXPECT_TRUE(is_ok(append("a line")));
  EXPECT_EQ(read_all(*journal_).size(), stored + 2);
}

TEST_F(RoomTest, RemovesAcknowledgedSegmentsWhenTheDiskIsFull) {
  options_.retain = 3'600'000'000'000;
  open();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(is_ok(append(std::string(10'000, 'x'))));
  journal_->tend(journal_->state().end, "");
  disk_.set_capacity(disk_.used_bytes());
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(is_ok(append(std::string(10'000, 'x')))) << i;
    journal_->tend(journal_->state().end, "");
    clock_.advance(2'000'000'000);
  }
  EXPECT_GT(journal_->state().first.seq, 1U);
}

TEST_F(RoomTest, StoresNothingOfABatchThatDidNotFitOnTheDisk) {
  open();
  ASSERT_TRUE(is_ok(append("before")));
  // A file system that promises space and breaks the promise (copy on write).
  disk_.fail_at(FaultPoint::batch_write, 0, 1, {Errc::disk_full, "writing", ENOSPC});
  EXPECT_EQ(append("refused").error().code, Errc::disk_full);
  EXPECT_FALSE(journal_->has_space());
  journal_->tend({}, "");
  EXPECT_TRUE(journal_->has_space());
  EXPECT_TRUE(is_ok(append("after")));
  auto lines = read_all(*journal_);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1].raw, "after");
  EXPECT_EQ(lines[1].seq, 2U);
  journal_.reset();
  open();
  EXPECT_EQ(read_all(*journal_), lines);
}

TEST_F(RoomTest, FailsForGoodWhenTheDiskGivesAnErrorTwice) {
  open();
  ASSERT_TRUE(is_ok(append("before")));
  disk_.fail_at(FaultPoint::batch_write, 0, 2, {Errc::io, "writing", EIO});
  EXPECT_EQ(append("refused").error().code, Errc::io);
  EXPECT_TRUE(journal_->state().failed);
  EXPECT_EQ(append("refused").error().code, Errc::io);
  EXPECT_EQ(read_all(*journal_).size(), 1U) << "what is there can still be read";
  EXPECT_NE(said_.find("check the disk"), std::string::npos) << said_;
}

TEST_F(RoomTest, GoesOnInANewFileAfterOneFailedWrite) {
  open();
  ASSERT_TRUE(is_ok(append("before")));
  disk_.fail_at(FaultPoint::batch_write, 0, 1, {Errc::io, "writing", EIO});
  ASSERT_TRUE(is_ok(append("goes to the next file")));
  ASSERT_TRUE(is_ok(append("after")));
  EXPECT_FALSE(journal_->state().failed);
  const auto lines = read_all(*journal_);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1].seq, 2U);
  EXPECT_GT(lines[1].offset, options_.segment_bytes);
  clock_.advance(61'000'000'000);
  disk_.fail_at(FaultPoint::batch_write, 0, 1, {Errc::io, "writing", EIO});
  ASSERT_TRUE(is_ok(append("an hour later is another matter")));
  journal_.reset();
  open();
  EXPECT_EQ(read_all(*journal_).size(), 4U);
  EXPECT_EQ(journal_->state().damaged, 0U);
}

TEST_F(RoomTest, WritesWhatIsNotSyncedOnceMoreAfterAFailedSyncAndNeverSyncsThatFileAgain) {
  options_.durability = Durability::disk;
  open();
  ASSERT_TRUE(is_ok(append("before")));
  EXPECT_EQ(journal_->state().synced_seq, 2U);
  disk_.fail_at(FaultPoint::sync, 0, 1, {Errc::io, "syncing", EIO});
  ASSERT_TRUE(is_ok(append("lost or not, nobody knows")));
  EXPECT_EQ(journal_->state().synced_seq, 2U) << "nothing is acknowledged after the last good sync";
  const std::uint64_t old_offset = read_all(*journal_)[1].offset;
  journal_->tend({}, "");
  EXPECT_EQ(journal_->state().synced_seq, 3U);
  EXPECT_FALSE(journal_->state().failed);
  ASSERT_TRUE(is_ok(append("after")));
  const auto lines = read_all(*journal_);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[1].raw, "lost or not, nobody knows");
  EXPECT_EQ(lines[1].seq, 2U);
  EXPECT_GT(lines[1].offset, old_offset) << "new ids";
  // The kernel has forgotten the pages whose sync failed. They come back from nowhere.
  std::mt19937_64 random(1);
  journal_.reset();
  disk_.power_loss(random);
  open();
  EXPECT_EQ(read_all(*journal_), lines);
  EXPECT_EQ(journal_->state().damaged, 0U);
}

TEST_F(RoomTest, FailsWhenASecondSyncFailsWithinAMinute) {
  options_.durability = Durability::disk;
  open();
  ASSERT_TRUE(is_ok(append("before")));
  disk_.fail_at(FaultPoint::sync, 0, 1, {Errc::io, "syncing", EIO});
  ASSERT_TRUE(is_ok(append("second")));
  journal_->tend({}, "");
  EXPECT_EQ(journal_->state().synced_seq, 3U);
  clock_.advance(59'000'000'000);
  disk_.fail_at(FaultPoint::sync, 0, 1, {Errc::io, "syncing", EIO});
  ASSERT_TRUE(is_ok(append("third")));
  journal_->tend({}, "");
  EXPECT_TRUE(journal_->state().failed);
  EXPECT_FALSE(append("refused"));
  EXPECT_EQ(journal_->state().synced_seq, 3U);
  const std::uint64_t steps = disk_.steps();
  journal_->tend({}, "");
  EXPECT_FALSE(journal_->close());
  EXPECT_EQ(disk_.steps(), steps) << "the disk was touched again";
  EXPECT_EQ(read_all(*journal_).size(), 3U) << "outputs drain on";
}

TEST_F(RoomTest, MovesTheTailAndGoesOnBehindItWhenItComesBackFromAPowerCut) {
  options_.durability = Durability::disk;
  open();
  for (int i = 0; i < 6; ++i) ASSERT_TRUE(is_ok(append(std::string(9'000, 'x'))));
  const std::uint64_t synced = journal_->state().synced_seq;
  disk_.fail_at(FaultPoint::sync, 0, 1, {Errc::io, "syncing", EIO});
  ASSERT_TRUE(is_ok(append("unsynced")));
  ASSERT_TRUE(is_ok(append(std::string(30'000, 'y'))));
  EXPECT_EQ(journal_->state().synced_seq, synced + 2);
  const auto lines = read_all(*journal_);
  journal_.reset();
  std::mt19937_64 random(3);
  disk_.power_loss(random);
  open();
  EXPECT_EQ(read_all(*journal_), lines);
  EXPECT_EQ(journal_->state().damaged, 0U);
}

TEST_F(RoomTest, GoesOnWhenASealFails) {
  open();
  ASSERT_TRUE(is_ok(append("before")));
  disk_.fail_at(FaultPoint::seal, 0, 1, {Errc::io, "sealing", EIO});
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(is_ok(append(std::string(10'000, 'x'))));
  journal_->tend({}, "");
  EXPECT_FALSE(journal_->state().failed);
  const auto lines = read_all(*journal_);
  EXPECT_EQ(lines.size(), 13U);
  journal_.reset();
  open();
  EXPECT_EQ(read_all(*journal_), lines);
}

TEST_F(RoomTest, RefusesNetworkFileSystems) {
  disk_.set_network_kind("nfs");
  auto opened = try_open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::config);
  EXPECT_NE(opened.error().message().find("nfs"), std::string::npos);
}

TEST_F(RoomTest, TakesALineThatIsLongerThanASegment) {
  open();
  const std::string huge(300'000, 'h');
  ASSERT_TRUE(is_ok(append(huge)));
  ASSERT_TRUE(is_ok(append("small")));
  journal_.reset();
  open();
  const auto lines = read_all(*journal_);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].raw, huge);
}

TEST_F(RoomTest, MovesLogTimeForwardOnly) {
  open();
  ASSERT_TRUE(is_ok(append("one")));
  const std::int64_t first = journal_->log_time();
  clock_.step_wall(-3'600'000'000'000);
  EXPECT_EQ(journal_->log_time(), first) << "wall steps don't count";
  clock_.advance(1'000);
  EXPECT_EQ(journal_->log_time(), first + 1'000);
  ASSERT_TRUE(is_ok(append("two")));
  journal_.reset();
  open();
  EXPECT_GE(journal_->log_time(), first + 1'000) << "not even over a restart with the clock an hour back";
}

TEST_F(RoomTest, StoresLifeRecords) {
  open();
  const std::string line = life_line(LifeMoment::start, *journal_, clock_);
  EXPECT_NE(line.find(R"("moment":"start")"), std::string::npos) << line;
  BatchRef batch = Batch::make(4096, journal_->checksum_seed());
  ASSERT_TRUE(batch->add(life_record(line, clock_)));
  ASSERT_TRUE(is_ok(journal_->append({&batch, 1}, Room::internal)));
  JournalReader reader(*journal_, {});
  auto got = reader.next();
  ASSERT_TRUE(is_ok(got));
  BatchReader records(**got);
  Record record;
  ASSERT_TRUE(records.next(record));
  EXPECT_EQ(record.event.kind, Kind::life);
  EXPECT_EQ(record.input, 0U);
  EXPECT_EQ(record.event.raw, line);
}

}  // namespace
}  // namespace thorlog
