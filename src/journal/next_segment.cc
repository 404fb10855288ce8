#include "journal/next_segment.h"

#include <utility>

namespace thorlog {

struct NextSegment::Slot {
  std::mutex mutex;  // guards the result
  std::condition_variable filled;
  std::optional<Result<MadeSegment>> result;
};

NextSegment::NextSegment(FileSystem& files, Keeper& keeper, std::string folder)
    : files_(files), keeper_(keeper), folder_(std::move(folder)) {}

void NextSegment::order(const SegmentHeader& header) {
  THORLOG_ASSERT(!ordered());
  ordered_bytes_ = header.reserved_bytes;
  ordered_path_ = folder_ + "/" + segment_name(header.base_offset);
  slot_ = std::make_shared<Slot>();
  keeper_.post([&files = files_, folder = folder_, header, slot = slot_] {
    auto file = create_segment(files, folder, header);
    const std::lock_guard lock(slot->mutex);
    if (file) {
      slot->result.emplace(MadeSegment{*std::move(file), header});
    } else {
      slot->result.emplace(fail(std::move(file).error()));
    }
    slot->filled.notify_one();
  });
}

bool NextSegment::ready() const {
  if (!slot_) return false;
  const std::lock_guard lock(slot_->mutex);
  return slot_->result.has_value() && slot_->result->has_value();
}

Result<MadeSegment> NextSegment::take() {
  THORLOG_ASSERT(ordered());
  const std::shared_ptr<Slot> slot = std::exchange(slot_, nullptr);
  ordered_bytes_ = 0;
  std::unique_lock lock(slot->mutex);
  slot->filled.wait(lock, [&] { return slot->result.has_value(); });
  return *std::move(slot->result);
}

void NextSegment::discard() {
  if (!ordered()) return;
  if (!take()) return;
  // Recovery would remove it as well: nothing was ever stored in it.
  [[maybe_unused]] const bool removed = files_.remove(ordered_path_, FaultPoint::none).has_value();
}

Status NextSegment::make_reserve(std::uint64_t bytes) {
  auto file = files_.open(reserve_path(), FileSystem::Open::create, FaultPoint::seg_create);
  if (!file) return fail(std::move(file).error());
  auto size = (*file)->size();
  if (!size) return fail(std::move(size).error());
  if (*size != bytes) {
    if (auto cut = (*file)->truncate(0); !cut) return cut;
    if (auto done = (*file)->allocate(bytes, FaultPoint::seg_fallocate); !done) {
      file->reset();
      [[maybe_unused]] const bool removed = files_.remove(reserve_path(), FaultPoint::none).has_value();
      return done;
    }
    if (auto synced = (*file)->sync_data(FaultPoint::sync); !synced) return synced;
  }
  reserve_bytes_ = bytes;
  return ok();
}

Result<MadeSegment> NextSegment::use_reserve(SegmentHeader header, const Checksum& checksum) {
  THORLOG_ASSERT(has_reserve());
  header.reserved_bytes = reserve_bytes_;
  seal_header(header, checksum);
  auto file = files_.open(reserve_path(), FileSystem::Open::read_write, FaultPoint::seg_create);
  if (!file) return fail(std::move(file).error());
  if (auto wrote = rewrite_header(**file, header); !wrote) return fail(std::move(wrote).error());
  if (auto synced = (*file)->sync_data(FaultPoint::sync); !synced) return fail(std::move(synced).error());
  const std::string path = folder_ + "/" + segment_name(header.base_offset);
  if (auto named = files_.rename(reserve_path(), path, FaultPoint::none); !named) {
    return fail(std::move(named).error());
  }
  reserve_bytes_ = 0;
  if (auto synced = files_.sync_folder(folder_, FaultPoint::dir_sync); !synced)
    return fail(std::move(synced).error());
  return MadeSegment{std::shared_ptr<File>(*std::move(file)), header};
}

}  // namespace thorlog
