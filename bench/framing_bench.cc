// What it costs to find the frames in a read buffer.
#include <benchmark/benchmark.h>

#include <string>

#include "thorlog/framing.h"

namespace thorlog {
namespace {

constexpr std::size_t kBuffer = 256 * 1024;
constexpr std::size_t kLine = 450;

std::string line_of(std::size_t size) {
  std::string line = "<190>Mar  2 08:00:00 arch/127.0.0.1 THOR: Info: MODULE: Filescan MESSAGE: found FILE: ";
  while (line.size() < size) line += "C:\\Windows\\Temp\\a.exe ";
  line.resize(size);
  return line;
}

std::string buffer_of(const std::string& frame) {
  std::string buffer;
  while (buffer.size() + frame.size() <= kBuffer) buffer += frame;
  return buffer;
}

void frame_all(benchmark::State& state, const std::string& frame, std::size_t step) {
  const std::string buffer = buffer_of(frame);
  const std::string readable = buffer + std::string(kReadAhead, '\0');
  StreamFramer framer(Framing::automatic, 4U << 20);
  std::int64_t frames = 0;
  for (auto _ : state) {
    for (std::size_t at = 0; at < buffer.size(); at += step) {
      framer.feed(std::string_view(readable).substr(at, std::min(step, buffer.size() - at)));
      Frame found;
      while (framer.next(found)) {
        benchmark::DoNotOptimize(found.bytes.data());
        ++frames;
      }
    }
  }
  state.SetItemsProcessed(frames);
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(buffer.size()));
}

void lines_in_one_buffer(benchmark::State& state) { frame_all(state, line_of(kLine) + "\n", kBuffer); }
void counted_frames_in_one_buffer(benchmark::State& state) {
  frame_all(state, std::to_string(kLine) + " " + line_of(kLine), kBuffer);
}
void lines_in_segments_of_1400_bytes(benchmark::State& state) { frame_all(state, line_of(kLine) + "\n", 1400); }
void lines_byte_by_byte(benchmark::State& state) { frame_all(state, line_of(kLine) + "\n", 1); }

BENCHMARK(lines_in_one_buffer)->Name("framing/lines_450");
BENCHMARK(counted_frames_in_one_buffer)->Name("framing/counted_450");
BENCHMARK(lines_in_segments_of_1400_bytes)->Name("framing/lines_450_in_segments_of_1400");
BENCHMARK(lines_byte_by_byte)->Name("framing/lines_450_byte_by_byte");

}  // namespace
}  // namespace thorlog
