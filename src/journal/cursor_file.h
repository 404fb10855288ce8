// The two slots of a cursor file as bytes (docs/journal-format.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/file.h"
#include "journal/layout.h"

namespace thorlog {

inline constexpr std::uint64_t kCursorSlotSize = 4096;
inline constexpr std::size_t kCursorReasons = 16;     // room for reasons; those of today come first
inline constexpr std::size_t kCursorPartitions = 64;  // room

struct CursorPlace {
  std::uint64_t partition = 0;
  std::uint64_t offset = 0;
  std::uint64_t seq = 0;
};

struct CursorSlot {
  std::uint64_t magic = kCursorMagic;
  std::uint32_t version = kFormatVersion;
  std::uint32_t places_used = 1;
  std::uint64_t generation = 0;
  Uuid journal_id{};
  std::uint64_t start_seq = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t filtered = 0;
  std::array<std::uint64_t, kCursorReasons> dropped{};
  std::array<CursorPlace, kCursorPartitions> places{};
  std::array<std::uint64_t, 295> zero{};
  std::uint64_t checksum = 0;
};
static_assert(sizeof(CursorSlot) == kCursorSlotSize);

// The checksum of a slot is seeded by the journal_id in it.
void seal_slot(CursorSlot& slot);

struct CursorSlots {
  std::optional<CursorSlot> newest;  // nothing: none is sound
  unsigned newest_index = 0;
  bool other_damaged = false;  // the older slot was written once and is not sound
};
Result<CursorSlots> read_slots(const File& file);

// Over all cursors of this journal: the first offset and number that no cursor has passed.
struct CursorFloor {
  std::uint64_t offset = 0;
  std::uint64_t seq = 0;
};
CursorFloor lowest_unused(FileSystem& files, const std::string& folder, const Uuid& journal_id);

}  // namespace thorlog
