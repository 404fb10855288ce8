// The log thread's side: batches get their places and go to the open segment.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "journal/journal_state.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kMostUnsynced = 32U << 20;  // bytes in memory that the disk does not have yet
constexpr std::uint64_t kRecycledBytes = 4U << 20;  // written back at once
constexpr std::uint64_t kPage = 4096;

}  // namespace

Status Journal::State::append(std::span<const BatchRef> batches, Room room) {
  THORLOG_ASSERT(!closed);
  if (failed.load(std::memory_order_relaxed))
    return fail({Errc::io, "appending to the journal, which has failed", 0});
  if (batches.empty()) return ok();
  if (auto left = leave_failed_file(); !left) return left;
  if (room == Room::inputs && full.load(std::memory_order_relaxed)) {
    return fail({Errc::disk_full, "appending to the journal, which is full", 0});
  }
  std::uint64_t bytes = 0;
  for (const BatchRef& batch : batches) bytes += batch->bytes().size();
  const bool fits = segment && segment->end - segment->base + bytes + kSegmentFooterSize <= segment->reserved;
  if (!fits) {
    if (auto made = make_room(bytes, room); !made) return made;
  }
  return write(batches, room);
}

Status Journal::State::write(std::span<const BatchRef> batches, Room room) {
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
    return write_failed(batches, room, std::move(wrote).error());
  }
  if (auto passed = files.pass(FaultPoint::publish); !passed) {
    return write_failed(batches, room, std::move(passed).error());
  }
  next_seq = seq;
  log_end_seq = seq;
  last_stored = now;
  const bool must_sync = options.durability == Durability::disk;
  shared.publish(batches, !must_sync);
  if (must_sync) {
    remember_unsynced(batches);
    keeper->sync(file, {offset, seq});
  }
  recycle_pages();
  wake_up();
  return ok();
}

void Journal::State::recycle_pages() {
  const std::uint64_t upto = (segment->end - segment->base) / kPage * kPage;
  if (upto - pages_from < kRecycledBytes) return;
  keeper->post([this, pages = WrittenPages{file, pages_from, upto - pages_from, next_seq}] { write_back(pages); });
  pages_from = upto;
}

void Journal::State::write_back(const WrittenPages& pages) {
  if (failed || keeper->halted()) return;
  if (auto wrote = pages.file->write_back(pages.from, pages.size, FaultPoint::sync); !wrote) {
    keeper->halt();
    return tell_trouble(wrote.error(), pages.file);
  }
  forget_when_passed(pages);
}

void Journal::State::forget_when_passed(WrittenPages pages) {
  pages_to_forget.add(std::move(pages));
  pages_to_forget.passed(shared.least_read_seq());
}

// They must be there until they are synced: a file whose sync fails is not asked for them. A disk that can't follow
// holds us up here, so that they stay few.
void Journal::State::remember_unsynced(std::span<const BatchRef> batches) {
  for (const BatchRef& batch : batches) {
    unsynced.push_back(batch);
    unsynced_bytes += batch->capacity();
  }
  if (unsynced_bytes > kMostUnsynced && !keeper->halted()) keeper->wait_idle();
  const std::uint64_t synced = shared.state().synced_seq;
  while (!unsynced.empty() && unsynced.front()->end_seq() <= synced) {
    unsynced_bytes -= unsynced.front()->capacity();
    unsynced.pop_front();
  }
}

// Nothing of these batches counts here. On a full disk the segment ends before them, so that a part of them that did
// get there can't be found again later. Any other error: the file is given up, and they go to another one.
Status Journal::State::write_failed(std::span<const BatchRef> batches, Room room, Error error) {
  if (error.code == Errc::disk_full && file->truncate(segment->end - segment->base)) {
    wanted_bytes = options.segment_bytes;
    seal_open();
    [[maybe_unused]] const bool refused = !refuse();
    return fail(std::move(error));
  }
  open_file_failed = true;
  tell_trouble(error);
  // A second error within a minute ends here: leave_failed_file() says so.
  return append(batches, room);
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
      // It was never used. Another one, at another place; a second error so soon ends in first_trouble().
      if (auto may = first_trouble(wrote.error().message()); !may) return may;
      remove_file(partition_folder + "/" + segment_name(header.base_offset));
      next_base = header.base_offset + header.reserved_bytes;
      auto other = next_made_segment(header.reserved_bytes);
      if (!other) {
        set_failed(other.error());
        return fail(std::move(other).error());
      }
      return begin_segment(*std::move(other));
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

void Journal::State::seal_open() {
  seal(std::exchange(segment, nullptr), std::exchange(file, nullptr), std::exchange(pages_from, 0));
}

// The keeper does it; readers don't notice. `from`: of its pages that were not written back yet.
void Journal::State::seal(std::shared_ptr<Segment> sealing, std::shared_ptr<File> its_file, std::uint64_t from) {
  keeper->post([this, sealing = std::move(sealing), its_file = std::move(its_file), from] {
    if (failed || keeper->halted()) {  // a file whose sync failed is not synced again; others have their turn later
      const std::lock_guard guard(trouble_mutex);
      skipped_seals.push_back({sealing, its_file});
      return;
    }
    Segment copy = shared.copy_of(*sealing);
    if (auto sealed = seal_segment(*its_file, copy, checksum); !sealed) {
      keeper->halt();
      tell_trouble(sealed.error());
      shared.set_sealed(*sealing, copy.disk_bytes);  // it may be removed in its time; the next start walks it
      return;
    }
    shared.set_sealed(*sealing, copy.disk_bytes);
    if (copy.records > 0) on_synced(ok(), {copy.end, copy.end_seq});
    forget_when_passed({its_file, from, copy.disk_bytes - from, copy.end_seq});
  });
}

std::int64_t Journal::State::log_time() const noexcept {
  return std::max(last_stored, log_time_base + clock.steady());
}

void Journal::State::on_synced(const Status& status, Position upto) {
  if (!status) return tell_trouble(status.error());
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
