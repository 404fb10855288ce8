#include "inputs/kafka_record.h"

#include <gtest/gtest.h>

namespace thorlog {
namespace {

TEST(KafkaRecord, AnOriginReadsBack) {
  std::string origin;
  write_origin(origin, 3, 1'234'567'890'123);
  EXPECT_EQ(origin, "kafka:3:1234567890123");
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  ASSERT_TRUE(read_origin(origin, partition, offset));
  EXPECT_EQ(partition, 3);
  EXPECT_EQ(offset, 1'234'567'890'123);
  for (const auto* wrong :
       {"", "kafka:", "kafka:1", "kafka:1:", "kafka:x:1", "kafka:1:2x", "file:1:2", "kafka:1:2;a/b"}) {
    EXPECT_FALSE(read_origin(wrong, partition, offset)) << wrong;
  }
}

TEST(KafkaRecord, AStampIsReadOnlyInItsOneForm) {
  EXPECT_EQ(read_utc_stamp("1970-01-01T00:00:01.000000002Z"), 1'000'000'002);
  EXPECT_EQ(read_utc_stamp("2026-11-27T01:31:28.123456789Z"), 1'795'743'088'123'456'789);
  for (const auto* wrong :
       {"", "2026-11-27T01:31:28Z", "2026-11-27T01:31:28.123456789", "2026-11-27 01:31:28.123456789Z",
        "2026-13-27T01:31:28.123456789Z", "2026-02-30T01:31:28.123456789Z", "2026-11-27T24:31:28.123456789Z",
        "2026-11-27T01:60:28.123456789Z", "2026-11-27T01:31:2x.123456789Z", "9999-11-27T01:31:28.123456789Z"}) {
    EXPECT_EQ(read_utc_stamp(wrong), kNoTime) << wrong;
  }
}

}  // namespace
}  // namespace thorlog
