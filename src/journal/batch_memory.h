// Bytes with a reference count: what batches lie in. One that was filled here has its own; those read from a segment
// in one go share one. The count is atomic, the bytes belong to whoever made them until others can see them.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace thorlog {

class BatchMemory {
 public:
  // One reference, for the caller to give back with release().
  static BatchMemory* make(std::size_t capacity) {
    void* const at = ::operator new (kFront + capacity, std::align_val_t{kAlignment});
    return new (at) BatchMemory(capacity);
  }
  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  static void release(BatchMemory* memory) noexcept {
    if (memory == nullptr || memory->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    memory->~BatchMemory();
    ::operator delete (memory, std::align_val_t{kAlignment});
  }
  // True when nobody else holds it: it may be filled again.
  bool is_mine_alone() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + kFront; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kFront = 64;
  explicit BatchMemory(std::size_t capacity) : capacity_(capacity) {}
  ~BatchMemory() = default;

  std::atomic<std::uint32_t> references_{1};
  std::size_t capacity_;
};

}  // namespace thorlog
