// Any bytes, any cuts: the same frames, and time in proportion to the bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "thorlog/framing.h"

namespace {

using thorlog::Frame;
using thorlog::Framing;
using thorlog::StreamFramer;

// Frames as one text, so that two ways to feed can be compared.
std::string frames_of(std::string_view wire, Framing framing, std::size_t max_frame, std::size_t step) {
  StreamFramer framer(framing, max_frame);
  std::string all;
  const auto take = [&](const Frame& frame) {
    if (frame.bytes.empty() || frame.bytes.size() > max_frame + 2) std::abort();
    all.append(frame.bytes).append("|").append(std::to_string(frame.flags)).append(frame.counted ? "c\n" : "l\n");
  };
  Frame frame;
  for (std::size_t at = 0; at < wire.size(); at += step) {
    const std::string_view bytes = wire.substr(at, step);
    std::string readable(bytes);
    readable.append(thorlog::kReadAhead, '\n');
    framer.feed(std::string_view(readable).substr(0, bytes.size()));
    while (framer.next(frame)) take(frame);
    if (framer.held() > 4 * (max_frame + 4096)) std::abort();
  }
  while (framer.finish(frame)) take(frame);
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto framing = static_cast<Framing>(data[0] % 4);
  const std::size_t max_frame = 1 + data[1] * std::size_t{5};
  const std::size_t step = 1 + data[2] % 31;
  const std::string_view wire(reinterpret_cast<const char*>(data) + 3, size - 3);
  if (frames_of(wire, framing, max_frame, step) != frames_of(wire, framing, max_frame, wire.size() + 1)) std::abort();
  return 0;
}
