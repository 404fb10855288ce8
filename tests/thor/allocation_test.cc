// The parser is asked for every line: once it is warm it takes no memory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "thor/samples.h"

namespace {

thread_local long allocations = -1;  // counted while it is not negative

void* counted(std::size_t size) {
  if (allocations >= 0) ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size == 0 ? 1 : size); }
void operator delete(void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace thorlog {
namespace {

TEST(LineParser, TakesNoMemoryForALine) {
  std::vector<std::string> lines = read_lines("thor-lines.txt");
  for (const char* file : {"headers.txt", "formats.txt", "agents.txt", "os.txt", "traps.txt"})
    for (const Sample& sample : read_samples(file)) lines.push_back(sample.raw);
  std::vector<std::size_t> sizes;
  for (std::string& line : lines) {
    sizes.push_back(line.size());
    line.append(kReadAhead, ':');
  }
  LineParser parser;
  ScanMemory memory;
  ParseContext context;
  context.received = time_of("2025-10-08T12:00:00Z");
  context.memory = &memory;
  Event event;
  const auto parse_all = [&] {
    for (std::size_t n = 0; n < lines.size(); ++n) {
      const std::string_view raw(lines[n].data(), sizes[n]);
      parser.parse(raw, test_start(raw), context, event);
    }
  };
  parse_all();  // buffers grow to their size
  allocations = 0;
  parse_all();
  const long taken = allocations;
  allocations = -1;
  EXPECT_EQ(taken, 0);
}

}  // namespace
}  // namespace thorlog
