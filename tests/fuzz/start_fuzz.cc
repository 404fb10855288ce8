// The start test on any bytes: it stays inside them, and what it tells stands inside them too.
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "thorlog/thor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::vector<char> exact(data, data + size);
  const thorlog::Start start = thorlog::test_start({exact.data(), exact.size()});
  const auto inside = [size](std::uint16_t at, std::uint16_t length) { return std::size_t{at} + length <= size; };
  if (!inside(start.stamp_at, start.stamp_length) || !inside(start.extra_at, start.extra_length) ||
      !inside(start.host_at, start.host_length) || start.body_at > size)
    std::abort();
  // It looks at the header only: more bytes behind 800 change nothing.
  if (size > 800 && thorlog::test_start({exact.data(), 800}).rule != start.rule) std::abort();
  return 0;
}
