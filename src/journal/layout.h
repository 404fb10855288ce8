// What lies on the disk, byte for byte (docs/journal-format.md): all numbers little-endian, all places multiples
// of 8. Plain structs that are copied to and from the files; used by everything in this folder.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

#include "journal/checksum.h"

namespace thorlog {

static_assert(std::endian::native == std::endian::little, "the journal's files are little-endian");

using Uuid = std::array<std::byte, 16>;
std::string to_text(const Uuid& uuid);  // 8-4-4-4-12, lower case
Uuid random_uuid();                     // version 4 (RFC 9562, 5.4)
Uuid boot_id();                         // of the running kernel; zeros when unknown
std::uint64_t random_u64();

inline constexpr std::uint64_t kJournalMagic = 0x31304e4a474f4c54;  // "TLOGJN01"
inline constexpr std::uint64_t kSegmentMagic = 0x31304753474f4c54;  // "TLOGSG01"
inline constexpr std::uint64_t kCursorMagic = 0x31305543474f4c54;   // "TLOGCU01"
inline constexpr std::uint32_t kFooterMagic = 0x444e4554;           // "TEND"
inline constexpr std::uint32_t kBatchMagic = 0x48435442;            // "BTCH"
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint8_t kBatchVersion = 1;

inline constexpr std::uint64_t kSegmentHeaderSize = 4096;  // the first batch begins here
inline constexpr std::uint64_t kSegmentFooterSize = 64;

struct BatchHeader {
  std::uint32_t magic = kBatchMagic;
  std::uint32_t bytes = 0;  // header included
  std::uint32_t count = 0;  // of records, at least one
  std::uint8_t version = kBatchVersion;
  std::uint8_t flags = 0;
  std::uint16_t partition = 0;
  std::uint64_t base_offset = 0;  // of the batch itself: base of the segment + position in its file
  std::uint64_t base_seq = 0;     // of the first record
  std::int64_t stored = 0;        // log time, never less than the batch before
  std::uint64_t life = 0;         // random for each start of the daemon
  std::uint64_t reserved = 0;
  std::uint64_t checksum = 0;
};
static_assert(sizeof(BatchHeader) == 64);

struct RecordHeader {
  std::uint32_t bytes = 0;  // all of it: header, attributes, raw, padding to 8
  std::uint32_t raw_length = 0;
  std::uint32_t attributes_length = 0;
  std::uint8_t kind = 0;
  std::uint8_t format = 0;
  std::uint8_t level = 0;
  std::uint8_t priority = 0;
  std::uint32_t flags = 0;
  std::uint16_t input = 0;
  std::uint16_t parts = 0;
  std::int64_t received = 0;
  std::uint64_t checksum = 0;  // Checksum::of_record
};
static_assert(sizeof(RecordHeader) == 40);

struct SegmentHeader {  // one sector; the rest of the 4 KiB is zero
  std::uint64_t magic = kSegmentMagic;
  std::uint32_t version = kFormatVersion;
  std::uint32_t partition = 0;
  Uuid journal_id{};
  std::uint64_t base_offset = 0;
  std::uint64_t reserved_bytes = 0;    // offsets up to base + reserved belong to this segment, used or not
  std::uint64_t first_seq = 0;         // 0: made ahead of need; the first batch says it
  std::uint64_t previous_end_seq = 0;  // where the log ended when it was begun; first_seq is higher after a lost tail
  std::int64_t created = 0;
  std::uint64_t life = 0;
  Uuid boot{};
  std::uint64_t replaces_base = 0;  // of a segment whose sync failed, ...
  std::uint64_t replaces_from = 0;  // ... and its last good offset: what it holds from there on lies here; 0: none
  std::array<std::byte, 392> zero{};
  std::uint64_t checksum = 0;
};
static_assert(sizeof(SegmentHeader) == 512);

struct SegmentFooter {
  std::uint32_t magic = kFooterMagic;
  std::uint16_t version = 1;
  std::uint16_t partition = 0;
  std::uint64_t end = 0;       // offset behind the last batch; the footer lies there
  std::uint64_t last_seq = 0;  // of the last record; first_seq - 1 when there is none
  std::int64_t min_time = 0;   // of `received`
  std::int64_t max_time = 0;
  std::int64_t last_stored = 0;
  std::uint64_t records = 0;  // sound ones
  std::uint64_t checksum = 0;
};
static_assert(sizeof(SegmentFooter) == 64);

struct JournalFile {  // journal/JOURNAL
  std::uint64_t magic = kJournalMagic;
  std::uint32_t version = kFormatVersion;
  std::uint32_t partitions = 1;
  Uuid journal_id{};
  std::int64_t created = 0;
  std::array<std::byte, 464> zero{};
  std::uint64_t checksum = 0;
};
static_assert(sizeof(JournalFile) == 512);

// All of these end with their checksum, which covers everything before it.
template <class Header>
void seal_header(Header& header, const Checksum& checksum) noexcept {
  static_assert(std::is_trivially_copyable_v<Header>);
  header.checksum = checksum.of(&header, sizeof header - 8);
}
template <class Header>
bool is_sealed(const Header& header, const Checksum& checksum) noexcept {
  return header.checksum == checksum.of(&header, sizeof header - 8);
}

template <class Header>
Header header_at(const std::byte* at) noexcept {
  Header header;
  std::memcpy(&header, at, sizeof header);
  return header;
}

// True when a batch of this journal begins at `at` (64 readable bytes) and this is its own offset. The caller checks
// that `bytes` of it fit.
bool is_batch_header(const std::byte* at, std::uint64_t offset, const Checksum& checksum,
                     BatchHeader& header) noexcept;

inline constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t to) noexcept {
  return (value + to - 1) / to * to;
}

}  // namespace thorlog
