// Bytes with a reference count: what batches lie in. One that was filled here has its own; those read from a segment
// in one go share one. The count is atomic, the bytes belong to whoever made them until others can see them.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace thorlog {

class BatchMemory {
 public:
  // One reference, for the caller to give back with release().
  static BatchMemory* make(std::size_t capacity) { return new (get(kFront + capacity)) BatchMemory(capacity); }
  void add_reference() noexcept { references_.fetch_add(1, std::memory_order_relaxed); }
  static void release(BatchMemory* memory) noexcept {
    if (memory == nullptr || memory->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    const std::size_t size = kFront + memory->capacity_;
    memory->~BatchMemory();
    give_back(memory, size);
  }
  // True when nobody else holds it: it may be filled again.
  bool is_mine_alone() const noexcept { return references_.load(std::memory_order_acquire) == 1; }

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + kFront; }
  std::size_t capacity() const noexcept { return capacity_; }

 private:
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kFront = 64;
  // From here on it is the system's own pages: a large hole in the heap is soon too small for the next one, because
  // small things that stay have been put into it.
  static constexpr std::size_t kLarge = 512U << 10;

  static void* get(std::size_t size) {
    if (size < kLarge) return ::operator new (size, std::align_val_t{kAlignment});
    void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return pages;
  }
  static void give_back(void* memory, std::size_t size) noexcept {
    if (size < kLarge) return ::operator delete (memory, std::align_val_t{kAlignment});
    ::munmap(memory, size);
  }
  explicit BatchMemory(std::size_t capacity) : capacity_(capacity) {}
  ~BatchMemory() = default;

  std::atomic<std::uint32_t> references_{1};
  std::size_t capacity_;
};

}  // namespace thorlog
