// Room for many objects of one type under small numbers that stay: what tables and timers refer to. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/huge_memory.h"
#include "base/prefetch.h"

namespace thorlog {

inline constexpr std::uint32_t kNone = ~0U;

template <class T>
class Slab {
 public:
  Slab() = default;
  ~Slab() {
    for (T* block : blocks_) std::destroy_n(block, kBlock);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  T& operator[](std::uint32_t n) noexcept { return blocks_[n / kBlock][n % kBlock]; }
  const T& operator[](std::uint32_t n) const noexcept { return blocks_[n / kBlock][n % kBlock]; }

  std::uint32_t add() {
    if (!free_.empty()) {
      const std::uint32_t n = free_.back();
      free_.pop_back();
      return n;
    }
    if (end_ % kBlock == 0 && end_ / kBlock == blocks_.size()) add_block();
    return end_++;
  }
  // The object is as new when its number is given out again.
  void remove(std::uint32_t n) {
    (*this)[n] = T{};
    free_.push_back(n);
  }

  std::uint32_t end() const noexcept { return end_; }  // numbers below it, free ones among them
  std::size_t size() const noexcept { return end_ - free_.size(); }
  // Says that the object will be needed soon: its cache lines from `first` up to byte `last` of it.
  void fetch(std::uint32_t n, std::size_t first, std::size_t last) const noexcept {
    const auto* const bytes = reinterpret_cast<const char*>(&(*this)[n]);
    for (std::size_t at = first; at < last; at += 64) prefetch(bytes + at);
    prefetch(bytes + last - 1);
  }

 private:
  static constexpr std::uint32_t kBlock = 256;
  static constexpr std::size_t kBlockBytes = kBlock * sizeof(T);
  static constexpr std::size_t kSmall = 16;  // blocks that get memory of their own; behind them comes a lot at once

  void add_block() {
    if (left_ == 0) {
      left_ = blocks_.size() < kSmall ? 1 : 2 * kHugePage / kBlockBytes;
      memory_.push_back(make_memory(left_ * kBlockBytes));
      next_ = memory_.back().get();
    }
    T* const block = reinterpret_cast<T*>(next_);
    std::uninitialized_value_construct_n(block, kBlock);
    blocks_.push_back(block);
    next_ += kBlockBytes;
    --left_;
  }

  std::vector<Memory> memory_;
  std::vector<T*> blocks_;
  std::byte* next_ = nullptr;  // room for `left_` blocks
  std::size_t left_ = 0;
  std::vector<std::uint32_t> free_;
  std::uint32_t end_ = 0;
};

// From a 64-bit hash to the number of an object, which the caller compares. Open addressing with linear probing; half
// a cache line of slots holds nearly every search.
class HashIndex {
 public:
  HashIndex() { make(64); }

  // The first number under this hash for which `same(number)` holds; kNone when there is none.
  template <class Same>
  std::uint32_t find(std::uint64_t hash, Same same) const {
    const auto tag = static_cast<std::uint32_t>(hash >> 32);
    for (std::size_t at = tag & mask();; at = (at + 1) & mask()) {
      const Slot& slot = slots_[at];
      if (slot.number == kNone) return kNone;
      if (slot.tag == tag && same(slot.number)) return slot.number;
    }
  }
  // The first number under this hash, perhaps of something else; kNone when there is none.
  std::uint32_t guess(std::uint64_t hash) const noexcept {
    return find(hash, [](std::uint32_t) { return true; });
  }
  // find() will be asked for this hash soon.
  void fetch(std::uint64_t hash) const noexcept { prefetch(&slots_[(hash >> 32) & mask()]); }
  void add(std::uint64_t hash, std::uint32_t number) {
    if ((size_ + 1) * 4 > count_ * 3) grow();
    put(static_cast<std::uint32_t>(hash >> 32), number);
    ++size_;
  }
  void remove(std::uint64_t hash, std::uint32_t number) {
    std::size_t at = (hash >> 32) & mask();
    while (slots_[at].number != number) {
      if (slots_[at].number == kNone) return;
      at = (at + 1) & mask();
    }
    // Those behind that belong further ahead move up, so that no search ends too early.
    for (std::size_t next = (at + 1) & mask(); slots_[next].number != kNone; next = (next + 1) & mask()) {
      const std::size_t home = slots_[next].tag & mask();
      if (((next - home) & mask()) < ((next - at) & mask())) continue;
      slots_[at] = slots_[next];
      at = next;
    }
    slots_[at] = Slot();
    --size_;
  }
  // Bytes in use.
  std::size_t memory() const noexcept { return count_ * sizeof(Slot); }

 private:
  struct Slot {
    std::uint32_t tag = 0;
    std::uint32_t number = kNone;
  };

  std::size_t mask() const noexcept { return count_ - 1; }
  void make(std::size_t count) {
    memory_ = make_memory(count * sizeof(Slot));
    slots_ = reinterpret_cast<Slot*>(memory_.get());
    count_ = count;
    std::uninitialized_fill_n(slots_, count, Slot());
  }
  void put(std::uint32_t tag, std::uint32_t number) noexcept {
    std::size_t at = tag & mask();
    while (slots_[at].number != kNone) at = (at + 1) & mask();
    slots_[at] = {tag, number};
  }
  void grow() {
    const Memory old = std::move(memory_);
    const Slot* const slots = slots_;
    const std::size_t count = count_;
    make(2 * count);
    for (std::size_t n = 0; n < count; ++n)
      if (slots[n].number != kNone) put(slots[n].tag, slots[n].number);
  }

  Memory memory_;
  Slot* slots_ = nullptr;  // in memory_
  std::size_t count_ = 0;
  std::size_t size_ = 0;
};

}  // namespace thorlog
