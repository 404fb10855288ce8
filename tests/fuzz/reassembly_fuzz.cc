// Streams of hostile frames through the reassembler: the books balance at every step, memory keeps to its budget,
// nothing is kept of a buffer that is gone. The first byte of each frame says what is done with it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/event.h"
#include "thorlog/framing.h"
#include "thorlog/reassembly.h"

namespace {

using namespace thorlog;

constexpr std::int64_t kNow = 1'763'743'550'000'000'000;  // 2025-11-21 16:45:50 UTC, for "<13>Nov 21 16:45:50"
constexpr std::size_t kBudget = 64 * 1024;

struct Sink : LineSink {
  void on_line(const Line& line) override {
    ++emitted;
    joined += line.frames - 1;
    std::size_t length = 0;
    for (const Piece& piece : line.pieces) length += piece.length;
    if (!line.pieces.empty() && length != line.raw.size()) std::abort();
    if (line.raw.size() > 20'000) std::abort();
  }
  std::uint64_t emitted = 0, joined = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ReassemblyOptions options;
  options.cut_sizes = {40, 64, 100};
  options.max_message = 10'000;
  MemoryBudget budget(kBudget);
  Reassembler reassembler(options, budget);
  Sink sink;
  std::vector<Reassembler::Stream*> streams;
  for (int n = 0; n < 4; ++n) {
    StreamOptions stream;
    stream.peer_address = n < 2 ? "10.0.0.1" : "10.0.0.2";
    stream.datagrams = n == 3;
    stream.split = n == 3;
    stream.trusted = n == 1;
    streams.push_back(reassembler.open_stream(stream));
  }

  std::uint64_t offered = 0;
  std::int64_t now = 0;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (rest.size() > 2) {
    const auto what = static_cast<std::uint8_t>(rest[0]);
    const std::size_t end = rest.find('\n', 1);
    const std::string_view bytes = rest.substr(1, end == std::string_view::npos ? end : end - 1);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (bytes.empty()) continue;
    const std::size_t times = (what & 0x40) != 0 ? 20 : 1;  // long lines of few bytes of input
    std::string readable;
    for (std::size_t n = 0; n < times; ++n) readable += bytes;
    const std::size_t length = readable.size();
    readable.append(kReadAhead, '"');
    Frame frame;
    frame.bytes = std::string_view(readable).substr(0, length);
    frame.following = (what & 4) != 0 ? rest : std::string_view();
    frame.flags = (what & 8) != 0 ? flag::unterminated : 0;
    frame.declared_length = (what & 16) != 0 ? length + what : 0;
    frame.counted = (what & 32) != 0;
    // What follows is not offered from this buffer, so the reassembler may not remember where it stands.
    offered += reassembler.offer(streams[what & 3], frame, now, kNow + now, false, sink);
    if ((what & 0x80) != 0) {
      now += 700'000'000;
      reassembler.release_due(now, sink);
    }
    if (offered != sink.emitted + sink.joined + reassembler.counters().held) std::abort();
    if (budget.used() > kBudget) std::abort();
  }
  for (auto* stream : streams) reassembler.close_stream(stream, sink);
  if (offered != sink.emitted + sink.joined || budget.used() != 0 || reassembler.next_due() != kNoTime) std::abort();
  return 0;
}
