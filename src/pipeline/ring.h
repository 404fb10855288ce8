// A ring of values from one thread to one other: no lock, no allocation.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

namespace thorlog {

template <class T, std::size_t kCapacity>
class Ring {
  static_assert((kCapacity & (kCapacity - 1)) == 0, "a power of two");

 public:
  // The producer's thread. False: full, the value is still the caller's.
  bool push(T& value) noexcept {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
    slots_[tail % kCapacity] = std::move(value);
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // The consumer's thread. False: empty.
  bool pop(T& value) noexcept {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return false;
    value = std::move(slots_[head % kCapacity]);
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  // Either thread; exact only for what the caller itself does.
  std::size_t size() const noexcept {
    const std::size_t head = head_.load(std::memory_order_acquire);
    return tail_.load(std::memory_order_acquire) - head;
  }
  static constexpr std::size_t capacity() noexcept { return kCapacity; }

 private:
  std::array<T, kCapacity> slots_{};
  alignas(64) std::atomic<std::size_t> head_{0};  // next to pop
  alignas(64) std::atomic<std::size_t> tail_{0};  // next to push
};

}  // namespace thorlog
