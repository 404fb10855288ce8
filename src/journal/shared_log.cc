#include "journal/shared_log.h"

#include <algorithm>

#include "journal/layout.h"

namespace thorlog {
namespace {

constexpr std::size_t kHandout = 8;           // batches that a reader takes in one go
constexpr std::size_t kDamagedRanges = 1024;  // remembered, so that several readers count a hole once

std::uint64_t overlap(std::uint64_t from, std::uint64_t to, std::uint64_t begin, std::uint64_t end) noexcept {
  const std::uint64_t low = std::max(from, begin);
  const std::uint64_t high = std::min(to, end);
  return high > low ? high - low : 0;
}

}  // namespace

void SharedLog::begin(std::vector<std::shared_ptr<Segment>> segments, Position end, std::uint64_t damaged) {
  const std::lock_guard lock(mutex_);
  segments_.assign(segments.begin(), segments.end());
  end_ = end;
  synced_ = end;
  damaged_ = damaged;
}

void SharedLog::add_segment(std::shared_ptr<Segment> segment) {
  const std::lock_guard lock(mutex_);
  end_ = {segment->end, segment->end_seq};
  segments_.push_back(std::move(segment));
}

void SharedLog::publish(std::span<const BatchRef> batches, bool synced) {
  const std::lock_guard lock(mutex_);
  add_batches(*segments_.back(), batches);
  if (synced) synced_ = end_;
  drop_passed();
  while (recent_bytes_ > cache_bytes_ && !recent_.empty()) drop_oldest_batch();
  const std::uint64_t from = recent_.empty() ? end_.seq : recent_.front()->base_seq();
  for (Place* place : places_) place->near = place->near && place->seq >= from;
}

void SharedLog::add_batches(Segment& segment, std::span<const BatchRef> batches) {
  for (const BatchRef& batch : batches) {
    segment.end = batch->end_offset();
    segment.end_seq = batch->end_seq();
    segment.records += batch->count();
    segment.min_time = std::min(segment.min_time, batch->min_received());
    segment.max_time = std::max(segment.max_time, batch->max_received());
    segment.last_stored = batch->stored();
    recent_.push_back(batch);
    recent_bytes_ += batch->capacity();
  }
  end_ = {segment.end, segment.end_seq};
}

std::shared_ptr<const Segment> SharedLog::first_unsynced(Position& good) const {
  const std::lock_guard lock(mutex_);
  const auto found = std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const auto& each) { return each->end_seq <= synced_.seq; });
  if (found == segments_.end()) return nullptr;
  const std::uint64_t first = (*found)->base + kSegmentHeaderSize;
  good = {std::clamp(synced_.offset, first, std::max(first, (*found)->end)),
          std::max(synced_.seq, (*found)->first_seq)};
  return *found;
}

std::vector<std::shared_ptr<Segment>> SharedLog::replace_tail(Position good, std::shared_ptr<Segment> fresh,
                                                              std::span<const BatchRef> batches) {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Segment>> gone;
  while (!segments_.empty() && segments_.back()->first_seq >= good.seq && segments_.back()->base > good.offset) {
    gone.push_back(std::move(segments_.back()));
    segments_.pop_back();
  }
  if (!segments_.empty() && segments_.back()->end_seq >= good.seq) {
    Segment& cut = *segments_.back();
    cut.records -= std::min(cut.records, cut.end_seq - good.seq);
    cut.end = std::min(cut.end, good.offset);
    cut.end_seq = good.seq;
    cut.sealed = true;  // as far as removing it is concerned
  }
  while (!recent_.empty() && recent_.back()->base_seq() >= good.seq) {
    recent_bytes_ -= recent_.back()->capacity();
    recent_.pop_back();
  }
  // Batches that overlap the place or that were dropped already: the rest must stay without a gap in its numbers.
  if (!recent_.empty() && recent_.back()->end_seq() != good.seq) {
    recent_.clear();
    recent_bytes_ = 0;
  }
  segments_.push_back(std::move(fresh));
  end_ = {segments_.back()->end, segments_.back()->end_seq};
  add_batches(*segments_.back(), batches);
  return gone;
}

void SharedLog::synced(Position upto) {
  const std::lock_guard lock(mutex_);
  if (upto.seq > synced_.seq) synced_ = upto;
}

void SharedLog::set_full(bool full) {
  const std::lock_guard lock(mutex_);
  full_ = full;
}

void SharedLog::set_failed() {
  const std::lock_guard lock(mutex_);
  failed_ = true;
}

Segment SharedLog::copy_of(const Segment& segment) const {
  const std::lock_guard lock(mutex_);
  return segment;
}

void SharedLog::set_sealed(Segment& segment, std::uint64_t disk_bytes) {
  const std::lock_guard lock(mutex_);
  segment.sealed = true;
  segment.disk_bytes = disk_bytes;
}

void SharedLog::set_bytes_beside(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  bytes_beside_ = bytes;
}

std::vector<std::shared_ptr<Segment>> SharedLog::take_empty() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Segment>> taken;
  if (segments_.empty()) return taken;
  const auto last = segments_.back();
  std::erase_if(segments_, [&](const std::shared_ptr<Segment>& segment) {
    const bool goes = segment != last && segment->sealed && segment->empty();
    if (goes) taken.push_back(segment);
    return goes;
  });
  return taken;
}

JournalState SharedLog::state() const {
  const std::lock_guard lock(mutex_);
  JournalState state;
  state.first = end_;
  if (!segments_.empty()) state.first = {segments_.front()->base + kSegmentHeaderSize, segments_.front()->first_seq};
  state.end = end_;
  state.next_segment = end_;
  if (segments_.size() > 1) state.next_segment = {segments_[1]->base + kSegmentHeaderSize, segments_[1]->first_seq};
  state.synced_seq = synced_.seq;
  state.stored = end_.seq - kFirstSeq;
  state.bytes = bytes_beside_;
  for (const auto& segment : segments_) state.bytes += segment->disk_bytes;
  state.damaged = damaged_;
  state.full = full_;
  state.failed = failed_;
  return state;
}

std::uint64_t SharedLog::segment_bytes() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const auto& segment : segments_) bytes += segment->disk_bytes;
  return bytes;
}

Position SharedLog::place_before(std::uint64_t offset) const {
  const std::lock_guard lock(mutex_);
  Position place;
  for (const auto& segment : segments_) {
    if (place.seq != 0 && segment->base > offset) break;
    place = {segment->base + kSegmentHeaderSize, segment->first_seq};
  }
  return place;
}

TimeRangePlaces SharedLog::places_of(std::int64_t since, std::int64_t until) const {
  const std::lock_guard lock(mutex_);
  TimeRangePlaces places{end_, 0};
  for (const auto& segment : segments_) {
    if (segment->empty() || segment->max_time < since || segment->min_time > until) continue;
    if (places.end_seq == 0) places.from = {segment->base + kSegmentHeaderSize, segment->first_seq};
    places.end_seq = segment->end_seq;
  }
  places.end_seq = std::max(places.end_seq, places.from.seq);
  return places;
}

Missing SharedLog::missing(std::uint64_t from_seq, std::uint64_t to_seq) const {
  const std::lock_guard lock(mutex_);
  Missing missing;
  const std::uint64_t known_from = segments_.empty() ? end_.seq : segments_.front()->previous_end_seq;
  missing.expired = overlap(from_seq, to_seq, 0, known_from);
  for (const auto& segment : segments_) {
    missing.lost_in_crash += overlap(from_seq, to_seq, segment->previous_end_seq, segment->first_seq);
  }
  return missing;
}

void SharedLog::note_damage(std::uint64_t from_seq, std::uint64_t to_seq) {
  const std::lock_guard lock(mutex_);
  for (const auto& segment : segments_) {
    const std::uint64_t count = overlap(from_seq, to_seq, segment->first_seq, segment->end_seq);
    if (count == 0) continue;
    const std::pair<std::uint64_t, std::uint64_t> range{std::max(from_seq, segment->first_seq),
                                                        std::min(to_seq, segment->end_seq)};
    if (std::find(damaged_ranges_.begin(), damaged_ranges_.end(), range) != damaged_ranges_.end()) continue;
    if (damaged_ranges_.size() >= kDamagedRanges) damaged_ranges_.clear();
    damaged_ranges_.push_back(range);
    // Recovery may have counted it already, without remembering where it was.
    segment->noted_damage += count;
    const std::uint64_t known = segment->known_damage;
    segment->known_damage = std::max(known, segment->noted_damage);
    damaged_ += segment->known_damage - known;
  }
}

void SharedLog::enter(Place& place) {
  const std::lock_guard lock(mutex_);
  place.near = place.seq >= end_.seq;
  places_.push_back(&place);
}

void SharedLog::leave(Place& place) {
  const std::lock_guard lock(mutex_);
  std::erase(places_, &place);
  drop_passed();
}

void SharedLog::move(Place& place, std::uint64_t seq) {
  const std::lock_guard lock(mutex_);
  place.seq = seq;
  place.near = seq >= (recent_.empty() ? end_.seq : recent_.front()->base_seq());
}

std::uint64_t SharedLog::least_read_seq() const {
  const std::lock_guard lock(mutex_);
  std::uint64_t least = end_.seq;
  for (const Place* place : places_) least = std::min(least, place->seq);
  return least;
}

void SharedLog::drop_oldest_batch() {
  recent_bytes_ -= recent_.front()->capacity();
  recent_.pop_front();
}

void SharedLog::drop_passed() {
  std::uint64_t needed = end_.seq;
  for (const Place* place : places_) {
    if (place->near) needed = std::min(needed, place->seq);
  }
  while (!recent_.empty() && recent_.front()->end_seq() <= needed) drop_oldest_batch();
}

SharedLog::Where SharedLog::look(Place& place, Position from, bool only_synced, std::vector<BatchRef>& out,
                                 DiskRange& range) {
  const std::lock_guard lock(mutex_);
  const Position limit = only_synced ? synced_ : end_;
  if (from.seq >= limit.seq) {
    place.seq = from.seq;
    place.near = from.seq >= end_.seq || place.near;
    drop_passed();
    return Where::nothing;
  }
  if (!recent_.empty() && from.seq >= recent_.front()->base_seq()) return hand_out(place, from.seq, limit.seq, out);
  place.near = false;
  return find_on_disk(from, limit, range);
}

SharedLog::Where SharedLog::hand_out(Place& place, std::uint64_t from_seq, std::uint64_t limit_seq,
                                     std::vector<BatchRef>& out) {
  auto batch = std::partition_point(recent_.begin(), recent_.end(),
                                    [&](const BatchRef& each) { return each->end_seq() <= from_seq; });
  for (; batch != recent_.end() && out.size() < kHandout && (*batch)->end_seq() <= limit_seq; ++batch) {
    out.push_back(*batch);
  }
  place.near = true;
  place.seq = out.empty() ? from_seq : out.back()->end_seq();
  drop_passed();
  return out.empty() ? Where::nothing : Where::memory;
}

SharedLog::Where SharedLog::find_on_disk(Position from, Position limit, DiskRange& range) const {
  const auto found = std::partition_point(segments_.begin(), segments_.end(),
                                          [&](const auto& each) { return each->end_seq <= from.seq; });
  range = {};
  range.skip_to = limit;
  if (found == segments_.end() || (*found)->first_seq >= limit.seq) return Where::nothing;
  const Segment& segment = **found;
  range.segment = *found;
  range.end_seq = std::min(segment.end_seq, limit.seq);
  range.end = segment.end_seq > limit.seq ? limit.offset : segment.end;
  return Where::disk;
}

}  // namespace thorlog
