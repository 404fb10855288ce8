// What an output has settled lately, and when: so that a person can be told what became of one line (thorlogctl
// explain). Coarse on purpose: old movements are merged, so its memory is bounded and its reach is not. Written by
// the output's thread, read by any.
#pragma once

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "journal/cursor.h"

namespace thorlog {

struct Movement {
  std::uint64_t from = 0;  // numbers [from, to) were settled ...
  std::uint64_t to = 0;
  std::int64_t first = 0;  // ... between these two moments (wall clock)
  std::int64_t last = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t dropped = 0;  // for `reason`
  DropReason reason = DropReason::count;
};

class OutputHistory {
 public:
  static constexpr std::size_t kMost = 4096;

  void note(const Movement& next) {
    if (next.to <= next.from) return;
    const std::lock_guard lock(mutex_);
    if (!movements_.empty() && is_like(movements_.back(), next) && next.last - movements_.back().first < kSecond) {
      merge(movements_.back(), next);
      return;
    }
    if (movements_.size() >= kMost) make_room();
    movements_.push_back(next);
  }

  // Nothing: it was settled before this life began, or is not settled.
  std::optional<Movement> of(std::uint64_t seq) const {
    const std::lock_guard lock(mutex_);
    const auto found = std::partition_point(movements_.begin(), movements_.end(),
                                            [seq](const Movement& each) { return each.to <= seq; });
    if (found == movements_.end() || found->from > seq) return std::nullopt;
    return *found;
  }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;

  static bool is_like(const Movement& a, const Movement& b) noexcept {
    return a.to == b.from && a.reason == b.reason && (a.dropped == 0) == (b.dropped == 0) &&
           (a.acknowledged == 0) == (b.acknowledged == 0);
  }
  static void merge(Movement& into, const Movement& next) noexcept {
    into.to = next.to;
    into.last = next.last;
    into.acknowledged += next.acknowledged;
    into.dropped += next.dropped;
    if (next.reason != DropReason::count) into.reason = next.reason;
  }
  // Of the older half, each two become one.
  void make_room() {
    std::size_t to = 0;
    const std::size_t half = movements_.size() / 2;
    for (std::size_t i = 0; i < movements_.size(); ++i) {
      const bool joins = i < half && i % 2 == 1 && movements_[to - 1].to == movements_[i].from;
      if (joins) {
        merge(movements_[to - 1], movements_[i]);
      } else {
        movements_[to++] = movements_[i];
      }
    }
    movements_.resize(to);
  }

  mutable std::mutex mutex_;         // guards the movements
  std::vector<Movement> movements_;  // by number, without overlaps
};

}  // namespace thorlog
