#include "base/huge_memory.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace thorlog {

void FreeMemory::operator()(std::byte* memory) const noexcept { std::free(memory); }

Memory make_memory(std::size_t bytes) {
  constexpr std::size_t kCacheLine = 64;
  const std::size_t unit = bytes >= kHugePage ? kHugePage : kCacheLine;
  const std::size_t size = (bytes + unit - 1) / unit * unit;
  void* const memory = std::aligned_alloc(unit, size);
  if (memory == nullptr) throw std::bad_alloc();
  if (unit == kHugePage) ::madvise(memory, size, MADV_HUGEPAGE);  // advice: without it all is as usual, but slower
  return Memory(static_cast<std::byte*>(memory));
}

}  // namespace thorlog
