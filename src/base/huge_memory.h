// Memory for large tables that are read at random: in huge pages where the system has them, since finding the page of
// a usual one takes as long as the read itself. Any thread.
#pragma once

#include <cstddef>
#include <memory>

namespace thorlog {

inline constexpr std::size_t kHugePage = 2U << 20;

struct FreeMemory {
  void operator()(std::byte* memory) const noexcept;
};
using Memory = std::unique_ptr<std::byte, FreeMemory>;

// Not initialised. From one huge page on it begins where one can begin; it may take more memory than `bytes` then, up
// to the next huge page. Throws std::bad_alloc.
Memory make_memory(std::size_t bytes);

}  // namespace thorlog
