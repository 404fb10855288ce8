// Asks for a cache line that will be written soon. Any thread.
#pragma once

namespace thorlog {

// GCC 12 takes a function that does nothing else for one without effect and drops the calls of it; not with an asm in
// it, though that is empty.
inline void prefetch(const void* at) noexcept {
  __builtin_prefetch(at, 1);
  asm volatile("");
}

}  // namespace thorlog
