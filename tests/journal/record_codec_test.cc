#include "journal/record_codec.h"

#include <cstring>

#include "support.h"

namespace thorlog {
namespace {

const Checksum kChecksum(42);

std::vector<std::byte> encoded(const Record& record) {
  std::vector<std::byte> bytes(encoded_bound(record));
  const std::size_t used = encode_record(record, kChecksum, bytes.data());
  EXPECT_LE(used, bytes.size());
  bytes.resize(used);
  return bytes;
}

TEST(RecordCodec, GivesBackEveryFieldOfRandomRecords) {
  std::mt19937_64 random(1);
  std::vector<Piece> pieces;
  for (int i = 0; i < 1500; ++i) {
    RecordMemory memory;
    const Record record = random_record(random, memory, i % 100 == 0 ? 200'000 : 1500);
    const std::vector<std::byte> bytes = encoded(record);
    ASSERT_EQ(bytes.size() % 8, 0U);
    ASSERT_EQ(record_length(bytes), bytes.size());
    ASSERT_TRUE(is_record_sound(bytes, kChecksum));
    Record got;
    ASSERT_TRUE(decode_record(bytes, got, pieces));
    expect_same(got, record);
    if (testing::Test::HasFailure()) FAIL() << "record " << i;
  }
}

TEST(RecordCodec, StoresFieldsInsideRawAsFourBytes) {
  const std::string raw = "a line with a host and a message that is a good deal longer than four bytes";
  Record plain;
  plain.event.raw = raw;
  plain.event.host = plain.event.raw.substr(14, 4);
  const std::size_t before = encoded(plain).size();
  plain.event.message = plain.event.raw.substr(20);
  EXPECT_LE(encoded(plain).size(), before + 8);
}

TEST(RecordCodec, NoticesEveryFlippedBit) {
  RecordMemory memory;
  std::mt19937_64 random(2);
  const Record record = random_record(random, memory, 100);
  std::vector<std::byte> bytes = encoded(record);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
    const bool accepted = record_length(bytes) == bytes.size() && is_record_sound(bytes, kChecksum);
    ASSERT_FALSE(accepted) << "bit " << bit;
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  EXPECT_TRUE(is_record_sound(bytes, kChecksum));
  EXPECT_FALSE(is_record_sound(bytes, Checksum(43))) << "the bytes of another journal";
}

TEST(RecordCodec, StaysInBoundsWhateverTheBytesAre) {
  std::mt19937_64 random(3);
  std::vector<Piece> pieces;
  Record got;
  for (int i = 0; i < 5'000; ++i) {
    RecordMemory memory;
    const std::vector<std::byte> good = encoded(random_record(random, memory, 60));
    // An allocation of exactly this size, so that the sanitizer sees one byte too far.
    const auto bytes = std::make_unique<std::byte[]>(good.size());
    std::memcpy(bytes.get(), good.data(), good.size());
    for (int changes = 0; changes < 3; ++changes) {
      const std::size_t at = 40 + static_cast<std::size_t>(random() % (good.size() - 40));
      bytes[at] = static_cast<std::byte>(random());
    }
    const std::span<const std::byte> all(bytes.get(), good.size());
    if (!decode_record(all, got, pieces)) continue;
    std::size_t sum = got.event.raw.size() + got.peer.size() + got.event.message.size();
    for (const char c : got.event.message) sum += static_cast<unsigned char>(c);
    for (const Piece& piece : got.pieces) {
      for (const char c : piece.stripped) sum += static_cast<unsigned char>(c);
    }
    ASSERT_GT(sum + 1, 0U);
  }
}

TEST(RecordCodec, SkipsAttributesOfLaterVersions) {
  Record record;
  record.event.raw = "raw";
  record.peer = "192.0.2.1:99";
  std::vector<std::byte> bytes = encoded(record);
  // The peer's attribute comes first here: call it something nobody knows yet.
  ASSERT_EQ(bytes[40], std::byte{6});
  bytes[40] = std::byte{200};
  Record got;
  std::vector<Piece> pieces;
  ASSERT_TRUE(decode_record(bytes, got, pieces));
  EXPECT_EQ(got.event.raw, "raw");
  EXPECT_EQ(got.peer, "");
}

TEST(Batch, RefusesWhatDoesNotFitButGrowsForASingleRecord) {
  const std::string line(3000, 'x');
  BatchRef batch = Batch::make(4096, 7);
  ASSERT_TRUE(batch->add(line_record(line)));
  EXPECT_FALSE(batch->add(line_record(line)));
  EXPECT_EQ(batch->count(), 1U);
  BatchRef small = Batch::make(100, 7);
  const std::string huge(5'000'000, 'y');
  ASSERT_TRUE(small->add(line_record(huge)));
  small->place(0, 4096, 1, 0, 9);
  BatchReader reader(*small, true);
  Record record;
  ASSERT_TRUE(reader.next(record));
  EXPECT_EQ(record.event.raw, huge);
  EXPECT_FALSE(reader.next(record));
}

TEST(BatchPool, GivesTheSameMemoryAgainAndMayGoFirst) {
  BatchRef kept;
  {
    BatchPool pool(64U << 10, 4);
    const std::byte* first = nullptr;
    {
      const BatchRef batch = Batch::make(pool, 7);
      first = batch->bytes().data();
    }
    kept = Batch::make(pool, 7);
    EXPECT_EQ(kept->bytes().data(), first);
    EXPECT_TRUE(kept->empty());
  }
  EXPECT_TRUE(kept->add(line_record("still usable")));
}

}  // namespace
}  // namespace thorlog
