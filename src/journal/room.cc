// Where room comes from: the next segment made ahead, acknowledged segments removed, the reserve for internal
// records; and what happens when there is none.
#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "journal/journal_state.h"

namespace thorlog {
namespace {

constexpr std::int64_t kRetryDisk = 1'000'000'000;  // ns between two tries on a full disk

}  // namespace

// All that lies in the partition's folder, and `bytes` more.
bool Journal::State::fits_in_limit(std::uint64_t bytes) const {
  // The reserve counts even while it is used up: it must be made again before anything else.
  const std::uint64_t reserve = std::max(next->reserve_bytes(), options.segment_bytes);
  return shared.segment_bytes() + next->bytes() + reserve + bytes <= options.max_bytes;
}

void Journal::State::update_books() { shared.set_bytes_beside(next->bytes() + next->reserve_bytes()); }

// In order: a power cut must not bring back a segment when the ones after it are gone. That would look like a hole.
void Journal::State::remove_file(const std::string& path) {
  keeper->post([this, path] {
    Status removed = files.remove(path, FaultPoint::unlink);
    if (removed) removed = files.sync_folder(partition_folder, FaultPoint::dir_sync);
    if (!removed) log(Severity::error, "journal", removed.error().message());
  });
}

// Removes the oldest segment if every output has passed it. False: there is none.
bool Journal::State::remove_acknowledged() {
  const auto oldest = shared.take_oldest([&](const Segment& each) { return each.end_seq <= acknowledged_seq; });
  if (!oldest) return false;
  remove_file(oldest->path);
  return true;
}

void Journal::State::remove_expired() {
  const std::int64_t now = log_time();
  for (;;) {
    const auto oldest = shared.take_oldest([&](const Segment& each) {
      return each.end_seq <= acknowledged_seq && now - each.last_stored > options.retain;
    });
    if (!oldest) return;
    remove_file(oldest->path);
  }
}

Status Journal::State::refuse() {
  if (!full.exchange(true)) shared.set_full(true);
  return fail({Errc::disk_full, "appending to the journal, which is full", 0});
}

// The next segment with at least `bytes`: the one made ahead, or a new one. Errors: disk_full, io.
Result<MadeSegment> Journal::State::next_made_segment(std::uint64_t bytes) {
  if (next->ordered()) {
    if (next->bytes() >= bytes) {
      auto made = next->take();
      if (made || made.error().code != Errc::disk_full) return made;
    } else {
      next->discard();
    }
  }
  while (!fits_in_limit(bytes)) {
    if (!remove_acknowledged()) return fail({Errc::disk_full, "making a segment within journal.max_size", 0});
  }
  for (;;) {
    next->order(next_header(bytes));
    auto made = next->take();
    // What was removed to make room on the disk is gone by now: the keeper works in order.
    if (made || made.error().code != Errc::disk_full || !remove_acknowledged()) return made;
  }
}

Status Journal::State::make_room(std::uint64_t batch_bytes, Room room) {
  const std::uint64_t bytes =
      std::max(options.segment_bytes, round_up(batch_bytes + kSegmentHeaderSize + kSegmentFooterSize, 4096));
  auto made =
      full && room == Room::internal ? Result<MadeSegment>(fail({Errc::disk_full, "", 0})) : next_made_segment(bytes);
  if (!made && made.error().code != Errc::disk_full) {
    if (auto may = first_trouble(made.error().message()); !may) return may;
    made = next_made_segment(bytes);
  }
  if (made) return begin_segment(*std::move(made));
  if (made.error().code != Errc::disk_full) {
    set_failed(made.error());
    return fail(std::move(made).error());
  }
  wanted_bytes = bytes;
  if (room == Room::internal && next->has_reserve() && next->reserve_bytes() >= bytes) {
    auto reserve = next->use_reserve(next_header(bytes), checksum);
    if (!reserve) return fail(std::move(reserve).error());
    [[maybe_unused]] const bool refused = !refuse();  // for everybody else
    return begin_segment(*std::move(reserve));
  }
  return refuse();
}

void Journal::State::tend(Position acknowledged, std::string_view pinning) {
  if (closed || failed) return;
  acknowledged_seq = acknowledged.seq;
  if (!leave_failed_file()) return update_books();
  remove_expired();
  remove_empty();
  make_ready();
  update_books();
  if (full) say_full(pinning);
}

void Journal::State::remove_empty() {
  for (const auto& empty : shared.take_empty()) remove_file(empty->path);
}

// Keeps room for one more segment, the reserve in place, and the next segment ready when the open one is half full.
void Journal::State::make_ready() {
  const std::uint64_t bytes = full ? wanted_bytes : options.segment_bytes;
  while (!next->ordered() && !fits_in_limit(bytes)) {
    if (!remove_acknowledged()) return;
  }
  if (clock.steady() < retry_at) return;
  if (!next->has_reserve()) {
    if (auto made = next->make_reserve(options.segment_bytes); !made) {
      retry_at = clock.steady() + kRetryDisk;
      remove_acknowledged();
      return;
    }
  }
  const bool half = !segment || segment->end - segment->base > segment->reserved / 2;
  if (!full && !half) return;
  if (!next->ordered()) next->order(next_header(bytes));
  if (!full) return;
  // Nothing else is to be done now, so waiting costs nothing.
  auto made = next->take();
  if (!made) {
    retry_at = clock.steady() + kRetryDisk;
    remove_acknowledged();
    return;
  }
  if (!begin_segment(*std::move(made))) return;
  full = false;
  shared.set_full(false);
  log(Severity::notice, "journal", "there is room again");
  wake_up();
}

void Journal::State::say_full(std::string_view pinning) const {
  const JournalState now = shared.state();
  log_limited(Severity::warning, "journal-full", "journal",
              fmt::format("full: {} of at most {} bytes are used{}{}", now.bytes, options.max_bytes,
                          pinning.empty() ? "" : "; held up by ", pinning));
}

}  // namespace thorlog
