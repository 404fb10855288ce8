// What the log thread and the readers share: the list of segments, the recent batches, and how far everything has
// got. One mutex guards it all; it is taken once for each append and once for some batches of a reader, never for a
// line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "journal/batch.h"
#include "journal/journal.h"
#include "journal/segment.h"

namespace thorlog {

inline constexpr std::uint64_t kFirstSeq = 1;  // of the first record of a journal; 0 means "from the oldest"

class SharedLog {
 public:
  explicit SharedLog(std::size_t cache_bytes) : cache_bytes_(cache_bytes) {}

  // --- Log thread, and the sync thread for its own: synced, set_failed, set_sealed.
  void begin(std::vector<std::shared_ptr<Segment>> segments, Position end, std::uint64_t damaged);
  void add_segment(std::shared_ptr<Segment> segment);
  // The batches were written to the last segment. `synced`: there is no sync to wait for.
  void publish(std::span<const BatchRef> batches, bool synced);
  void synced(Position upto);
  void set_full(bool full);
  void set_failed();
  Segment copy_of(const Segment& segment) const;
  void set_sealed(Segment& segment, std::uint64_t disk_bytes);
  void set_bytes_beside(std::uint64_t bytes);  // disk space of ours that is no listed segment

  // Takes the oldest segment out of the list if it is sealed and `may_go` agrees; never the last one.
  template <class MayGo>
  std::shared_ptr<Segment> take_oldest(MayGo may_go) {
    const std::lock_guard lock(mutex_);
    if (segments_.size() < 2 || !segments_.front()->sealed || !may_go(*segments_.front())) return nullptr;
    std::shared_ptr<Segment> oldest = std::move(segments_.front());
    segments_.pop_front();
    return oldest;
  }
  // After a failed sync: what lies at or after `good` is in `fresh` now, in these batches (same numbers, new places),
  // and counts no more where it was. Gives the segments that hold nothing else; the one cut short is not sealed on
  // the disk, and never will be.
  std::vector<std::shared_ptr<Segment>> replace_tail(Position good, std::shared_ptr<Segment> fresh,
                                                     std::span<const BatchRef> batches);
  // The segment of which the first unsynced record is, and the place up to which it is good. Nothing: all is synced.
  std::shared_ptr<const Segment> first_unsynced(Position& good) const;
  // Takes out the sealed ones that hold no record, but never the last one.
  std::vector<std::shared_ptr<Segment>> take_empty();

  // --- Any thread.
  JournalState state() const;
  std::uint64_t segment_bytes() const;
  TimeRangePlaces places_of(std::int64_t since, std::int64_t until) const;
  Missing missing(std::uint64_t from_seq, std::uint64_t to_seq) const;
  Position place_before(std::uint64_t offset) const;
  // Counts numbers that a reader found unreadable; each hole once.
  void note_damage(std::uint64_t from_seq, std::uint64_t to_seq);

  // --- Readers.
  // A reader's place. Batches stay in memory for the readers near the end, and are dropped as soon as all of those
  // have taken them, so that their memory is used again while it is warm. Guarded by the mutex here.
  struct Place {
    std::uint64_t seq = 0;
    bool near = false;
  };
  void enter(Place& place);
  void leave(Place& place);
  void move(Place& place, std::uint64_t seq);
  std::uint64_t least_read_seq() const;  // every reader has what comes before it

  enum class Where : std::uint8_t { nothing, memory, disk };
  struct DiskRange {
    std::shared_ptr<const Segment> segment;  // its path, base, first_seq never change; the rest is not for readers
    std::uint64_t end = 0;                   // offset; batches are readable up to here
    std::uint64_t end_seq = 0;               // numbers from here on are not in this segment, or not to be read yet
    Position skip_to;                        // with `nothing`: everything up to here is read or will never come
  };
  // Where the record at or after `from` can be read now. memory: some batches are in `out`.
  Where look(Place& place, Position from, bool only_synced, std::vector<BatchRef>& out, DiskRange& range);

 private:
  void add_batches(Segment& segment, std::span<const BatchRef> batches);
  void drop_oldest_batch();
  void drop_passed();
  Where hand_out(Place& place, std::uint64_t from_seq, std::uint64_t limit_seq, std::vector<BatchRef>& out);
  Where find_on_disk(Position from, Position limit, DiskRange& range) const;

  const std::size_t cache_bytes_;
  mutable std::mutex mutex_;                       // guards everything below, and the segments' values
  std::deque<std::shared_ptr<Segment>> segments_;  // by base; the last one may be open
  std::deque<BatchRef> recent_;                    // the newest batches, without a gap in their numbers
  std::size_t recent_bytes_ = 0;
  std::vector<Place*> places_;
  Position end_;
  Position synced_;
  std::uint64_t damaged_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> damaged_ranges_;  // found while reading
  std::uint64_t bytes_beside_ = 0;
  bool full_ = false;
  bool failed_ = false;
};

}  // namespace thorlog
