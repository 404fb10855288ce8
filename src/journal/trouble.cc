// A disk that fails: after a failed sync, or a write that failed with anything but a full disk, nobody knows what the
// file holds. It is never written or synced again; what is not on the disk for certain is still in memory, and goes
// to a new file once, under the same numbers and new ids (specs.md 1, "fsync fails"). Log thread, but for
// tell_trouble().
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "journal/journal_state.h"

namespace thorlog {
namespace {

constexpr std::int64_t kAgainWithin = 60'000'000'000;  // ns: a disk that fails twice so soon is not to be trusted
constexpr std::size_t kSpare = 64U << 10;

}  // namespace

void Journal::State::tell_trouble(const Error& error, std::shared_ptr<File> of) {
  {
    const std::lock_guard guard(trouble_mutex);
    trouble = error.message();
    failed_file = std::move(of);
  }
  in_trouble = true;
}

// Fine the first time. Errors: io (the second one within a minute: the journal has failed).
Status Journal::State::first_trouble(const std::string& why) {
  const std::int64_t now = clock.steady();
  if (left_file_at && now - *left_file_at < kAgainWithin) {
    Error again{Errc::io, why + "; this is the second time within a minute: check the disk, then restart thorlogd",
                0};
    set_failed(again);
    return fail(std::move(again));
  }
  left_file_at = now;
  log(Severity::error, "journal",
      why +
          "; the file is not used any more, the journal goes on in a new one. Check the disk: a second time within a "
          "minute ends storing");
  return ok();
}

// Fine also when there is no trouble. Errors: disk_full (no room for the new file yet: tried again), io (failed).
Status Journal::State::leave_failed_file() {
  if (!in_trouble && !moving) return ok();
  if (failed) return fail({Errc::io, "going on in another journal file, which failed", 0});
  keeper->halt();
  keeper->wait_idle();
  if (in_trouble.exchange(false) && !moving) {
    std::string why;
    {
      const std::lock_guard guard(trouble_mutex);
      why = trouble;
      if (file && std::exchange(failed_file, nullptr) == file) open_file_failed = true;
    }
    if (auto may = first_trouble(why); !may) return may;
  }
  moving = true;
  Status moved = leave_failed_file_now();
  if (!moved && moved.error().code == Errc::disk_full) {
    wanted_bytes = std::max(wanted_bytes, options.segment_bytes);
    return refuse();
  }
  moving = false;
  if (!moved) {
    set_failed(moved.error());
    return moved;
  }
  keeper->go_on();
  if (options.durability == Durability::disk && file) keeper->sync(file, {segment->end, next_seq});
  seal_skipped();
  update_books();
  return ok();
}

Status Journal::State::leave_failed_file_now() {
  Position good{segment ? segment->end : 0, next_seq};
  std::shared_ptr<const Segment> cut = segment;
  if (options.durability == Durability::disk) {
    const auto found = shared.first_unsynced(good);
    if (found) cut = found;
    if (!found && !open_file_failed) return ok();
  } else if (!open_file_failed) {
    return ok();  // a seal failed: its lines are written, and with `os` no more was promised
  }
  std::uint64_t bytes = 0;
  for (const BatchRef& batch : unsynced) bytes += batch->bytes().size();
  auto made = make_replacement(good, cut->base, bytes);
  if (!made) return fail(std::move(made).error());
  return move_to(*std::move(made), good);
}

// Its header says what it replaces, and lies on the disk before anything is written behind it.
Result<MadeSegment> Journal::State::make_replacement(Position good, std::uint64_t replaced_base,
                                                     std::uint64_t bytes) {
  auto made = next_made_segment(
      std::max(options.segment_bytes, round_up(bytes + kSegmentHeaderSize + kSegmentFooterSize, 4096)));
  if (!made) return made;
  SegmentHeader& header = made->header;
  header.first_seq = good.seq;
  header.previous_end_seq = good.seq;
  header.replaces_base = replaced_base;
  header.replaces_from = good.offset;
  seal_header(header, checksum);
  if (auto wrote = rewrite_header(*made->file, header); !wrote) return fail(std::move(wrote).error());
  if (auto synced = made->file->sync_data(FaultPoint::sync); !synced) return fail(std::move(synced).error());
  return made;
}

Status Journal::State::move_to(MadeSegment made, Position good) {
  auto fresh = std::make_shared<Segment>();
  fresh->path = partition_folder + "/" + segment_name(made.header.base_offset);
  fresh->base = made.header.base_offset;
  fresh->reserved = made.header.reserved_bytes;
  fresh->first_seq = good.seq;
  fresh->previous_end_seq = good.seq;
  fresh->end = fresh->base + kSegmentHeaderSize;
  fresh->end_seq = good.seq;
  fresh->created = made.header.created;
  fresh->last_stored = last_stored;
  fresh->disk_bytes = fresh->reserved;

  // New batches: outputs may be reading the old ones, which keep their ids.
  std::vector<BatchRef> again;
  parts.clear();
  std::uint64_t offset = fresh->end;
  std::uint64_t seq = good.seq;
  for (const BatchRef& old : unsynced) {
    if (old->base_seq() < good.seq) continue;
    // Twice: add() asks for the most that a record could need.
    BatchRef copy = Batch::make(2 * old->bytes().size() + kSpare, checksum.seed());
    BatchReader reader(*old);
    Record record;
    while (reader.next(record)) THORLOG_ASSERT(copy->add(record));
    copy->place(fresh->partition, offset, seq, old->stored(), life);
    const std::span<const std::byte> bytes = copy->bytes();
    parts.push_back({const_cast<std::byte*>(bytes.data()), bytes.size()});  // NOLINT: iovec has no const form
    offset += bytes.size();
    seq += copy->count();
    again.push_back(std::move(copy));
  }
  if (!parts.empty()) {
    if (auto wrote = made.file->write_at(kSegmentHeaderSize, parts, FaultPoint::batch_write, nullptr); !wrote) {
      return wrote;
    }
  }
  THORLOG_ASSERT(seq == next_seq);
  for (const auto& gone : shared.replace_tail(good, fresh, again)) remove_file(gone->path);
  unsynced.assign(again.begin(), again.end());
  unsynced_bytes = 0;
  for (const BatchRef& batch : unsynced) unsynced_bytes += batch->capacity();
  segment = std::move(fresh);
  file = std::move(made.file);
  pages_from = 0;
  next_base = segment->base + segment->reserved;
  open_file_failed = false;
  return ok();
}

// Those that are still listed, and were not cut short, are sealed now.
void Journal::State::seal_skipped() {
  std::vector<Unsealed> again;
  {
    const std::lock_guard guard(trouble_mutex);
    again.swap(skipped_seals);
  }
  for (Unsealed& each : again) {
    if (shared.copy_of(*each.segment).sealed) continue;  // cut short, or given up
    seal(std::move(each.segment), std::move(each.file), 0);
  }
}

}  // namespace thorlog
