// Deadlines of many objects: a heap whose entries are only hints. Each object remembers the deadline that counts; an
// entry that says otherwise is old and is dropped when it comes up. So a line, which puts a silence off, costs
// nothing here. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "thorlog/event.h"

namespace thorlog {

class Timers {
 public:
  enum class Owner : std::uint8_t { scan, asset, peer };
  struct Entry {
    std::int64_t at = 0;
    std::uint32_t number = 0;
    Owner owner = Owner::scan;
    // Equal times fire in the order of numbers: the same records give the same order.
    bool operator>(const Entry& other) const noexcept {
      if (at != other.at) return at > other.at;
      return owner != other.owner ? owner > other.owner : number > other.number;
    }
  };

  // `armed` is the object's own field: when it is woken next, kNoTime for never. Only an earlier wake-up is an entry;
  // a later one is looked at when the object is woken.
  void wake(Owner owner, std::uint32_t number, std::int64_t at, std::int64_t& armed) {
    if (at == kNoTime || (armed != kNoTime && armed <= at)) return;
    armed = at;
    heap_.push({at, number, owner});
  }

  std::int64_t next() const noexcept { return heap_.empty() ? kNoTime : heap_.top().at; }
  Entry take() {
    const Entry entry = heap_.top();
    heap_.pop();
    return entry;
  }
  void clear() { heap_ = {}; }
  std::size_t size() const noexcept { return heap_.size(); }

 private:
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
};

}  // namespace thorlog
