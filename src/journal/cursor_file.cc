#include "journal/cursor_file.h"

#include <algorithm>

#include "journal/checksum.h"

namespace thorlog {
namespace {

std::optional<CursorSlot> sound_slot(const CursorSlot& slot) {
  const bool sound = slot.magic == kCursorMagic && slot.version == kFormatVersion && slot.places_used >= 1 &&
                     slot.places_used <= kCursorPartitions &&
                     is_sealed(slot, Checksum(Checksum::seed_of(slot.journal_id)));
  return sound ? std::optional(slot) : std::nullopt;
}

}  // namespace

void seal_slot(CursorSlot& slot) { seal_header(slot, Checksum(Checksum::seed_of(slot.journal_id))); }

Result<CursorSlots> read_slots(const File& file) {
  CursorSlots slots;
  for (unsigned i = 0; i < 2; ++i) {
    CursorSlot raw;
    auto got = file.read_at(i * kCursorSlotSize, &raw, sizeof raw);
    if (!got) return fail(std::move(got).error());
    const auto slot = *got == sizeof raw ? sound_slot(raw) : std::nullopt;
    if (!slot) {
      slots.other_damaged = slots.other_damaged || *got > 0;
      continue;
    }
    if (slots.newest && slots.newest->generation >= slot->generation) continue;
    slots.newest = slot;
    slots.newest_index = i;
  }
  return slots;
}

CursorFloor lowest_unused(FileSystem& files, const std::string& folder, const Uuid& journal_id) {
  CursorFloor floor;
  auto names = files.list(folder);
  if (!names) return floor;  // no cursor yet
  for (const std::string& name : *names) {
    if (!name.ends_with(".cur")) continue;
    std::string path = folder;
    path.append("/").append(name);
    auto file = files.open(path, FileSystem::Open::read, FaultPoint::none);
    if (!file) continue;
    auto slots = read_slots(**file);
    if (!slots || !slots->newest || slots->newest->journal_id != journal_id) continue;
    for (std::uint32_t i = 0; i < slots->newest->places_used; ++i) {
      floor.offset = std::max(floor.offset, slots->newest->places[i].offset);
      floor.seq = std::max(floor.seq, slots->newest->places[i].seq);
    }
  }
  return floor;
}

}  // namespace thorlog
