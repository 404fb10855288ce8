// What was handed to a sink and has not come back: for each mark the place in the journal it stands for, and the
// books of the records before it. Pure, one thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "journal/cursor.h"
#include "outputs/latency.h"
#include "outputs/sink.h"

namespace thorlog {

struct Tally {
  std::uint64_t acknowledged = 0;  // handed to the sink; true once it says delivered, but for those parked meanwhile
  std::uint64_t filtered = 0;
  std::uint64_t max_lag = 0;
  std::uint64_t parked = 0;  // among the dead letters before they could be handed to the sink

  std::uint64_t dropped() const noexcept { return max_lag + parked; }
  std::uint64_t total() const noexcept { return acknowledged + filtered + dropped(); }
  Tally& operator+=(const Tally& other) noexcept {
    acknowledged += other.acknowledged;
    filtered += other.filtered;
    max_lag += other.max_lag;
    parked += other.parked;
    return *this;
  }
};

class Ledger {
 public:
  struct Entry {
    Token token = 0;
    Position end;
    Tally tally;
    std::int64_t stored = 0;  // log time of its first batch
  };

  // Of each record taken by the sink, before its mark: for the latency.
  void took(std::int64_t received, std::int64_t now) noexcept {
    if (!runs_.empty() && runs_.back().token == next_) {
      const std::int64_t apart = received - runs_.back().received;
      if (apart < near_ && apart > -near_) {
        ++runs_.back().records;
        return;
      }
    }
    // Runs are as wide as matters: a millisecond for fresh records, a sixteenth of their age for old ones.
    near_ = std::max<std::int64_t>(1'000'000, (now - received) / 16);
    runs_.push_back({next_, received, 1});
  }

  // Ends an entry. Gives the token to mark with, or 0 when nothing was taken for the sink: then it waits for what is
  // before it, or is settled at once (see front_is_free).
  Token close(Position end, const Tally& tally, std::int64_t stored) {
    if (tally.acknowledged == 0) {
      if (entries_.empty()) {
        entries_.push_back({0, end, tally, stored});
      } else {
        entries_.back().end = end;
        entries_.back().tally += tally;
      }
      return 0;
    }
    if (!entries_.empty() && entries_.back().token == 0) {
      Entry& last = entries_.back();
      last.token = next_;
      last.end = end;
      last.tally += tally;
    } else {
      entries_.push_back({next_, end, tally, stored});
    }
    return next_++;
  }

  // A token for what is written beside the entries, and settled by somebody else.
  Token spare() noexcept { return next_++; }

  bool empty() const noexcept { return entries_.empty(); }
  const Entry& front() const noexcept { return entries_.front(); }
  template <class Visit>
  void for_each(const Visit& visit) const {
    for (const Entry& entry : entries_) visit(entry);
  }
  // The front entry needs no acknowledgement: all of it was left out.
  bool front_is_free() const noexcept { return !entries_.empty() && entries_.front().token == 0; }
  void pop_front() { entries_.pop_front(); }

  // Counts the latency of everything up to the token, once.
  void reached(Token token, std::int64_t now, LatencyHistogram& histogram) {
    while (!runs_.empty() && runs_.front().token <= token) {
      histogram.add(now - runs_.front().received, runs_.front().records);
      runs_.pop_front();
    }
  }

  // Nothing that was handed out counts any more: tokens given before are below every later one, so they meet nothing.
  void clear() {
    entries_.clear();
    runs_.clear();
    ++next_;
  }

 private:
  struct Run {
    Token token;
    std::int64_t received;
    std::uint64_t records;
  };

  std::deque<Entry> entries_;
  std::deque<Run> runs_;
  std::int64_t near_ = 0;
  Token next_ = 1;
};

}  // namespace thorlog
