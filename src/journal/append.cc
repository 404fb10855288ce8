// The log thread's side: batches get their places and go to the open segment.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "journal/journal_state.h"

namespace thorlog {

Status Journal::State::append(std::span<const BatchRef> batches, Room room) {
  THORLOG_ASSERT(!closed);
  if (failed.load(std::memory_order_relaxed))
    return fail({Errc::io, "appending to the journal, which has failed", 0});
  if (batches.empty()) return ok();
  if (room == Room::inputs && full.load(std::memory_order_relaxed)) {
    return fail({Errc::disk_full, "appending to the journal, which is full", 0});
  }
  std::uint64_t bytes = 0;
  for (const BatchRef& batch : batches) bytes += batch->bytes().size();
  const bool fits = segment && segment->end - segment->base + bytes + kSegmentFooterSize <= segment->reserved;
  if (!fits) {
    if (auto made = make_room(bytes, room); !made) return made;
  }
  return write(batches);
}

Status Journal::State::write(std::span<const BatchRef> batches) {
  const std::int64_t now = std::max(last_stored, log_time());
  std::uint64_t offset = segment->end;
  std::uint64_t seq = next_seq;
  parts.clear();
  for (const BatchRef& batch : batches) {
    batch->place(segment->partition, offset, seq, now, life);
    const std::span<const std::byte> bytes = batch->bytes();
    parts.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});  // NOLINT: iovec has no const form
    offset += bytes.size();
    seq += batch->count();
  }
  if (auto wrote = file->write_at(segment->end - segment->base, parts, FaultPoint::batch_write, nullptr); !wrote) {
    return fail(write_failed(std::move(wrote).error()));
  }
  if (auto passed = files.pass(FaultPoint::publish); !passed) return fail(write_failed(std::move(passed).error()));
  next_seq = seq;
  log_end_seq = seq;
  last_stored = now;
  const bool must_sync = options.durability == Durability::disk;
  shared.publish(batches, !must_sync);
  if (must_sync) keeper->sync(file, {offset, seq});
  wake_up();
  return ok();
}

// Nothing of these batches counts. On a full disk the segment ends before them, so that a part of them that did get
// there can't be found again later.
Error Journal::State::write_failed(Error error) {
  if (error.code == Errc::disk_full && file->truncate(segment->end - segment->base)) {
    wanted_bytes = options.segment_bytes;
    seal_open();
    [[maybe_unused]] const bool refused = !refuse();
    return error;
  }
  set_failed(error);
  return error;
}

SegmentHeader Journal::State::next_header(std::uint64_t bytes) const {
  SegmentHeader header;
  header.journal_id = id;
  header.base_offset = next_base;
  header.reserved_bytes = bytes;
  header.created = clock.wall();
  header.life = life;
  header.boot = boot;
  // While another one is open nobody knows which number this one begins with: begin_segment() writes it.
  if (!segment) {
    header.first_seq = next_seq;
    header.previous_end_seq = log_end_seq;
  }
  seal_header(header, checksum);
  return header;
}

// Goes on in a new segment.
Status Journal::State::begin_segment(MadeSegment made) {
  SegmentHeader header = made.header;
  if (header.first_seq != next_seq) {
    header.first_seq = next_seq;
    header.previous_end_seq = log_end_seq;
    seal_header(header, checksum);
    if (auto wrote = rewrite_header(*made.file, header); !wrote) {
      set_failed(wrote.error());
      return wrote;
    }
  }
  if (segment) seal_open();
  auto fresh = std::make_shared<Segment>();
  fresh->path = partition_folder + "/" + segment_name(header.base_offset);
  fresh->base = header.base_offset;
  fresh->reserved = header.reserved_bytes;
  fresh->first_seq = header.first_seq;
  fresh->previous_end_seq = header.previous_end_seq;
  fresh->end = fresh->base + kSegmentHeaderSize;
  fresh->end_seq = fresh->first_seq;
  fresh->created = header.created;
  fresh->last_stored = last_stored;
  fresh->disk_bytes = fresh->reserved;
  segment = std::move(fresh);
  file = std::move(made.file);
  next_base = segment->base + segment->reserved;
  log_end_seq = next_seq;
  shared.add_segment(segment);
  update_books();
  return ok();
}

// The keeper does it; readers don't notice.
void Journal::State::seal_open() {
  keeper->post([this, sealing = std::move(segment), its_file = std::move(file)] {
    if (failed) return;  // a file whose sync failed is not synced again
    Segment copy = shared.copy_of(*sealing);
    if (auto sealed = seal_segment(*its_file, copy, checksum); !sealed) {
      set_failed(sealed.error());
      return;
    }
    shared.set_sealed(*sealing, copy.disk_bytes);
    if (copy.records > 0) on_synced(ok(), {copy.end, copy.end_seq});
  });
  segment = nullptr;
  file = nullptr;
}

std::int64_t Journal::State::log_time() const noexcept {
  return std::max(last_stored, log_time_base + clock.steady());
}

void Journal::State::on_synced(const Status& status, Position upto) {
  if (!status) return set_failed(status.error());
  if (options.durability != Durability::disk) return;
  shared.synced(upto);
  wake_up();
}

void Journal::State::set_failed(const Error& error) {
  if (failed.exchange(true)) return;
  shared.set_failed();
  log(Severity::critical, "journal", "nothing can be stored any more: " + error.message());
  wake_up();
}

void Journal::State::wake_up() const {
  if (wake) wake();
}

}  // namespace thorlog
