// What recovery makes of torn, flipped, missing and hostile bytes.
#include <cstring>

#include "base/log.h"
#include "journal/layout.h"
#include "journal/segment.h"
#include "support.h"

namespace thorlog {
namespace {

class Recovery : public testing::Test {
 protected:
  Recovery() {
    capture_log(keep, this);
    world_.options.segment_bytes = 128U << 10;
  }
  ~Recovery() override { capture_log(nullptr, nullptr); }
  static void keep(Severity, std::string_view line, void* context) {
    static_cast<Recovery*>(context)->said_ += std::string(line) + "\n";
  }

  // A journal that was killed, not closed: the copy of its files is what recovery sees.
  void kill_after(const std::vector<std::vector<std::string>>& batches) {
    {
      auto journal = world_.open();
      for (const auto& lines : batches) append_lines(*journal, lines);
      written_ = read_all(*journal);
      std::filesystem::copy(world_.segments_folder(), copy_, std::filesystem::copy_options::recursive);
    }
    put_back();
  }
  void put_back() {
    std::filesystem::remove_all(world_.segments_folder());
    std::filesystem::copy(copy_, world_.segments_folder(), std::filesystem::copy_options::recursive);
    std::filesystem::remove_all(world_.journal_folder() + "/quarantine");
  }
  std::string segment() const { return segments_in(world_.segments_folder()).front(); }
  std::size_t position(std::size_t line) const {  // of a line's record in the first segment
    return static_cast<std::size_t>(written_[line].offset);
  }
  std::vector<ReadLine> without(std::size_t from, std::size_t to) const {
    std::vector<ReadLine> left = written_;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(from), left.begin() + static_cast<std::ptrdiff_t>(to));
    return left;
  }
  std::size_t quarantined() const {
    const std::filesystem::path folder = world_.journal_folder() + "/quarantine";
    if (!std::filesystem::exists(folder)) return 0;
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
  }

  JournalWorld world_;
  std::string copy_ = world_.folder / "copy";
  std::vector<ReadLine> written_;
  std::string said_;
};

TEST_F(Recovery, CutsATornTailAtEveryByteOfTheLastBatchAndKeepsItsWholeRecords) {
  kill_after({{"first", "second"}, {"third", "fourth", "fifth"}});
  const std::string whole = read_bytes(segment());
  const std::size_t batch = position(2) - sizeof(BatchHeader);
  const auto header = header_at<BatchHeader>(reinterpret_cast<const std::byte*>(whole.data()) + batch);
  ASSERT_EQ(header.count, 3U);
  const std::size_t end = batch + header.bytes;
  for (std::size_t cut = batch; cut <= end; ++cut) {
    put_back();
    // Half of the times the file ends there, half of the times zeros follow: the space was reserved.
    std::string torn = whole.substr(0, cut);
    if (cut % 2 == 0) torn.resize(whole.size(), '\0');
    write_bytes(segment(), torn);
    auto journal = world_.open();
    const auto lines = read_all(*journal);
    // A record ends with zeros as padding, so "whole" is what a reader can tell.
    std::size_t least = 2;
    while (least < 5 && (least + 1 == 5 ? end : position(least + 1)) <= cut) ++least;
    ASSERT_GE(lines.size(), least) << "cut at " << cut;
    ASSERT_LE(lines.size(), 5U);
    for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], written_[i]) << "cut at " << cut;
    ASSERT_EQ(journal->state().damaged, 0U) << "cut at " << cut;
    append_lines(*journal, {"after"});
    const auto more = read_all(*journal);
    ASSERT_EQ(more.back().raw, "after");
    ASSERT_EQ(more.back().seq, lines.size() + 1) << "numbers go on without a gap, cut at " << cut;
    ASSERT_GT(more.back().offset, written_.back().offset) << "an id was used twice, cut at " << cut;
    journal.reset();
    journal = world_.open();
    ASSERT_EQ(read_all(*journal), more) << "the second start sees the same, cut at " << cut;
  }
  EXPECT_NE(said_.find("torn"), std::string::npos) << said_;
}

TEST_F(Recovery, LosesOnlyTheRecordWithAFlippedBit) {
  kill_after({{"first", "second"}, {"third", "fourth", "fifth"}, {"sixth"}});
  for (std::size_t line = 0; line < 5; ++line) {
    for (const std::size_t inside : {13U, 32U, 41U, 60U}) {
      put_back();
      std::string bytes = read_bytes(segment());
      bytes[position(line) + inside] = static_cast<char>(bytes[position(line) + inside] ^ 4);
      write_bytes(segment(), bytes);
      auto journal = world_.open();
      EXPECT_EQ(journal->state().damaged, 1U) << "line " << line << " byte " << inside;
      EXPECT_EQ(read_all(*journal), without(line, line + 1)) << "line " << line << " byte " << inside;
      EXPECT_EQ(journal->state().damaged, 1U) << "a reader counts it no second time";
      EXPECT_EQ(journal->state().end.seq, 7U);
    }
  }
}

TEST_F(Recovery, SkipsABatchWithADamagedHeaderAndCountsItsRecordsExactly) {
  kill_after({{"first", "second"}, {"third", "fourth", "fifth"}, {"sixth"}});
  const std::string whole = read_bytes(segment());
  for (std::size_t byte = 0; byte < sizeof(BatchHeader); ++byte) {
    put_back();
    std::string bytes = whole;
    char& at = bytes[position(2) - sizeof(BatchHeader) + byte];
    at = static_cast<char>(at ^ 0x40);
    write_bytes(segment(), bytes);
    auto journal = world_.open();
    ASSERT_EQ(journal->state().damaged, 3U) << "byte " << byte;
    ASSERT_EQ(read_all(*journal), without(2, 5)) << "byte " << byte;
    ASSERT_EQ(quarantined(), 1U);
  }
}

TEST_F(Recovery, FindsDamageInSealedSegmentsWhileReadingAndCountsItOnceForAllReaders) {
  world_.options.segment_bytes = 1U << 20;
  {
    auto journal = world_.open();
    for (int i = 0; i < 60; ++i) append_lines(*journal, {"line " + std::to_string(i) + std::string(50'000, 'x')});
    written_ = read_all(*journal);
  }
  ASSERT_GT(segments_in(world_.segments_folder()).size(), 2U);
  std::string bytes = read_bytes(segment());
  std::memset(bytes.data() + position(3), 'D', 200);                     // a record
  std::memset(bytes.data() + position(7) - sizeof(BatchHeader), 0, 64);  // a whole batch
  write_bytes(segment(), bytes);
  auto journal = world_.open();
  EXPECT_EQ(journal->state().damaged, 0U) << "nobody has looked yet";
  auto left = without(7, 8);
  left.erase(left.begin() + 3);
  EXPECT_EQ(read_all(*journal), left);
  EXPECT_EQ(journal->state().damaged, 2U);
  EXPECT_EQ(read_all(*journal), left);
  EXPECT_EQ(journal->state().damaged, 2U);
}

TEST_F(Recovery, ReadsASegmentWhoseHeaderIsDamagedByItsBatches) {
  kill_after({{"first", "second"}, {"third"}});
  std::string bytes = read_bytes(segment());
  bytes[40] = static_cast<char>(bytes[40] ^ 1);
  write_bytes(segment(), bytes);
  auto journal = world_.open();
  EXPECT_EQ(read_all(*journal), written_);
  append_lines(*journal, {"after"});
  EXPECT_GT(read_all(*journal).back().offset, world_.options.segment_bytes);
}

TEST_F(Recovery, CountsASegmentThatIsGone) {
  {
    auto journal = world_.open();
    for (int i = 0; i < 100; ++i) append_lines(*journal, {"line " + std::to_string(i) + std::string(50'000, 'x')});
    written_ = read_all(*journal);
  }
  const auto segments = segments_in(world_.segments_folder());
  ASSERT_GT(segments.size(), 3U);
  std::filesystem::remove(segments[1]);
  auto journal = world_.open();
  const auto lines = read_all(*journal);
  EXPECT_LT(lines.size(), written_.size());
  EXPECT_EQ(journal->state().damaged, written_.size() - lines.size());
  EXPECT_NE(said_.find("missing"), std::string::npos);
}

TEST_F(Recovery, MakesALostJournalFileAgainFromTheSegments) {
  std::string uuid;
  {
    auto journal = world_.open();
    uuid = journal->uuid();
    append_lines(*journal, {"kept"});
  }
  for (const bool damaged : {false, true}) {
    if (damaged) {
      write_bytes(world_.journal_folder() + "/JOURNAL", "rubbish");
    } else {
      std::filesystem::remove(world_.journal_folder() + "/JOURNAL");
    }
    auto journal = world_.open();
    EXPECT_EQ(journal->uuid(), uuid);
    EXPECT_EQ(read_all(*journal).size(), 1U);
  }
}

TEST_F(Recovery, TakesANewIdentityWhenAllSegmentsAreGone) {
  std::string uuid;
  {
    auto journal = world_.open();
    uuid = journal->uuid();
    append_lines(*journal, {"gone"});
  }
  std::filesystem::remove_all(world_.segments_folder());
  auto journal = world_.open();
  EXPECT_NE(journal->uuid(), uuid) << "with the old one an id could name two lines";
}

TEST_F(Recovery, ObeysASegmentThatReplacesTheTailOfAnotherOne) {
  kill_after({{"first", "second"}, {"third"}, {"fourth"}});
  // As after a failed sync: the second file says that from the third line on the first one is not to be trusted.
  const std::string whole = read_bytes(segment());
  auto header = header_at<SegmentHeader>(reinterpret_cast<const std::byte*>(whole.data()));
  const Checksum checksum(Checksum::seed_of(header.journal_id));
  const std::size_t third = position(2) - sizeof(BatchHeader);
  header.replaces_base = header.base_offset;
  header.replaces_from = third;
  header.base_offset = header.reserved_bytes;
  header.first_seq = 3;
  header.previous_end_seq = 3;
  seal_header(header, checksum);
  auto batch = header_at<BatchHeader>(reinterpret_cast<const std::byte*>(whole.data()) + third);
  const std::string record = whole.substr(third + sizeof batch, batch.bytes - sizeof batch);
  batch.base_offset = header.base_offset + kSegmentHeaderSize;
  seal_header(batch, checksum);
  std::string bytes(kSegmentHeaderSize, '\0');
  std::memcpy(bytes.data(), &header, sizeof header);
  bytes += std::string(reinterpret_cast<const char*>(&batch), sizeof batch) + record;
  write_bytes(world_.segments_folder() + "/" + segment_name(header.base_offset), bytes);
  auto journal = world_.open();
  const auto lines = read_all(*journal);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[2].raw, "third");
  EXPECT_EQ(lines[2].seq, 3U);
  EXPECT_GT(lines[2].offset, world_.options.segment_bytes);
  EXPECT_EQ(journal->state().damaged, 0U);
}

TEST_F(Recovery, BelievesNoBatchWhoseNumbersGoBack) {
  kill_after({{"first", "second"}, {"third"}, {"fourth"}});
  std::string bytes = read_bytes(segment());
  const auto segment_header = header_at<SegmentHeader>(reinterpret_cast<const std::byte*>(bytes.data()));
  const std::size_t at = position(2) - sizeof(BatchHeader);
  auto header = header_at<BatchHeader>(reinterpret_cast<const std::byte*>(bytes.data()) + at);
  header.base_seq = 1;
  seal_header(header, Checksum(Checksum::seed_of(segment_header.journal_id)));
  std::memcpy(bytes.data() + at, &header, sizeof header);
  write_bytes(segment(), bytes);
  auto journal = world_.open();
  EXPECT_EQ(journal->state().damaged, 1U);
  EXPECT_EQ(read_all(*journal), without(2, 3));
}

// A seeded scribbler over all files: whatever it does, the start ends in an error or a working journal.
TEST_F(Recovery, SurvivesRandomScribblingAndStillNumbersWithoutReuse) {
  kill_after({{"first", "second"}, {"third", "fourth", "fifth"}, {"sixth"}, {std::string(9000, 'x')}, {"eighth"}});
  std::mt19937_64 random(11);
  const std::string whole = read_bytes(segment());
  const std::size_t used = position(7) + 200;
  for (int round = 0; round < 150; ++round) {
    put_back();
    std::string bytes = whole;
    for (int i = 0; i < 1 + round % 9; ++i) {
      const std::size_t at = random() % used;
      switch (random() % 4) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          std::memset(bytes.data() + at, 0, random() % 600);
          break;
        case 2:
          bytes.replace(at, 300, bytes.substr(random() % used, 300));
          break;
        default:
          bytes.resize(std::max<std::size_t>(bytes.size() - random() % 5000, used));
          break;
      }
    }
    write_bytes(segment(), bytes);
    auto journal = Journal::open(real_file_system(), world_.clock, world_.options);
    ASSERT_TRUE(is_ok(journal)) << "round " << round;
    const auto lines = read_all(**journal);
    for (const ReadLine& line : lines) {
      const auto same =
          std::find_if(written_.begin(), written_.end(), [&](const ReadLine& each) { return each.raw == line.raw; });
      ASSERT_NE(same, written_.end()) << "invented, round " << round;
    }
    append_lines(**journal, {"after"});
    ASSERT_EQ(read_all(**journal).back().raw, "after");
    ASSERT_GT(read_all(**journal).back().offset, written_.back().offset) << "round " << round;
  }
}

}  // namespace
}  // namespace thorlog
