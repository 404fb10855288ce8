// What the decision costs whether a line can have been cut, with one stream and with very many, and what joining
// costs.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "reassembly/json_depth.h"
#include "thorlog/framing.h"
#include "thorlog/reassembly.h"

namespace thorlog {
namespace {

constexpr std::int64_t kReceived = 1'772'438'400'000'000'000;  // 2026-03-02T08:00:00Z

class Count : public LineSink {
 public:
  void on_line(const Line& line) override {
    ++lines;
    bytes += line.raw.size();
  }
  std::uint64_t lines = 0, bytes = 0;
};

std::string readable(std::string text) { return text.append(kReadAhead, '\0'); }

std::string text_line(std::size_t host, std::size_t size = 450) {
  std::string line =
      "<190>Mar  2 08:00:00 HOST" + std::to_string(host) +
      "/10.0.1.2 THOR: Warning: MODULE: Filescan MESSAGE: Suspicious file found SCANID: S-KybbdhFvHhc FILE: ";
  while (line.size() < size) line += "C:\\Windows\\Temp\\a.exe ";
  line.resize(size);
  return line;
}

std::string json_line(std::size_t size) {
  std::string line =
      R"({"type":"THOR finding","meta":{"time":"2026-03-02T08:00:00Z","scan_id":"S-KybbdhFvHhc"},"reasons":[)";
  while (line.size() + 60 < size) line += R"({"data":"C:\\Windows\\Temp\\a.exe \"x\"","offset":1},)";
  return line + R"({"data":"end"}],"log_version":"v3.0.0"})";
}

struct Streams {
  explicit Streams(std::size_t count) : budget(256U << 20), reassembler(ReassemblyOptions(), budget) {
    for (std::size_t n = 0; n < count; ++n) {
      StreamOptions options;
      const std::string address = "10.1." + std::to_string(n / 250) + "." + std::to_string(n % 250);
      options.peer_address = address;
      streams.push_back(reassembler.open_stream(options));
    }
  }
  ~Streams() {
    for (auto* stream : streams) reassembler.close_stream(stream, sink);
  }
  void offer(Reassembler::Stream* stream, std::string_view bytes) {
    Frame frame;
    frame.bytes = bytes;
    reassembler.offer(stream, frame, ++now, kReceived, false, sink);
  }
  MemoryBudget budget;
  Reassembler reassembler;
  Count sink;
  std::vector<Reassembler::Stream*> streams;
  std::int64_t now = 1;
};

// Each stream in random order, as a worker meets them; one in a hundred holds a head all the time. As an input does
// before it reads from a connection, each is announced, here as long before as 8 lines take (less than one recv(2)).
void whole_lines(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  Streams all(count);
  const std::string head = readable(text_line(1, 8096));
  if (count > 1)
    for (std::size_t n = 0; n < count; n += 100) all.offer(all.streams[n], {head.data(), head.size() - kReadAhead});
  std::vector<std::uint32_t> order(1 << 16);
  std::mt19937 dice(1);
  for (auto& n : order) n = static_cast<std::uint32_t>(dice() % count) | (count > 1 ? 1U : 0U);
  for (auto& n : order) n = n < count ? n : 0;
  const std::string line = readable(text_line(7));
  const std::string_view bytes(line.data(), line.size() - kReadAhead);
  for (const auto n : order) all.offer(all.streams[n], bytes);  // each has met its host
  std::size_t at = 0;
  for (auto _ : state) {
    Reassembler::expect(all.streams[order[(at + 8) & 0xFFFF]]);
    all.offer(all.streams[order[at++ & 0xFFFF]], bytes);
  }
  state.SetItemsProcessed(state.iterations());
  benchmark::DoNotOptimize(all.sink.bytes);
}

void whole_json(benchmark::State& state) {
  Streams all(1);
  const std::string line = readable(json_line(1024));
  for (auto _ : state) all.offer(all.streams[0], {line.data(), line.size() - kReadAhead});
  state.SetItemsProcessed(state.iterations());
}

// A relay's connection with the lines of many hosts.
void many_hosts(benchmark::State& state) {
  Streams all(1);
  std::vector<std::string> lines;
  for (std::size_t n = 0; n < 50; ++n) lines.push_back(readable(text_line(n)));
  std::size_t at = 0;
  for (auto _ : state) {
    const std::string& line = lines[(at += 17) % lines.size()];
    all.offer(all.streams[0], {line.data(), line.size() - kReadAhead});
  }
  state.SetItemsProcessed(state.iterations());
}

// A line of 20 KiB in three pieces, as imtcp cuts it.
void joined(benchmark::State& state) {
  Streams all(1);
  const std::string line = readable(text_line(1, 20'000));
  const std::string_view bytes(line.data(), 20'000);
  for (auto _ : state) {
    all.offer(all.streams[0], bytes.substr(0, 8096));
    all.offer(all.streams[0], bytes.substr(8097, 8096));
    all.offer(all.streams[0], bytes.substr(2 * 8097));
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * 20'000);
}

void framed_and_decided(benchmark::State& state) {
  Streams all(1);
  std::string buffer;
  while (buffer.size() < 256 * 1024) buffer += text_line(3) + "\n";
  const std::size_t size = buffer.size();
  buffer = readable(buffer);
  StreamFramer framer(Framing::automatic, 4U << 20);
  for (auto _ : state) {
    framer.feed({buffer.data(), size});
    Frame frame;
    while (framer.next(frame))
      all.reassembler.offer(all.streams[0], frame, 1, kReceived, !frame.following.empty(), all.sink);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(all.sink.lines));
}

void json_depth(benchmark::State& state) {
  const std::string line = readable(json_line(static_cast<std::size_t>(state.range(0))));
  for (auto _ : state) {
    JsonDepth depth;
    depth.scan({line.data(), line.size() - kReadAhead});
    benchmark::DoNotOptimize(depth.closed());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
}

BENCHMARK(whole_lines)->Name("reassembly/text_450/streams")->Arg(1)->Arg(1000)->Arg(100'000);
BENCHMARK(many_hosts)->Name("reassembly/text_450/50_hosts_of_a_relay");
BENCHMARK(framed_and_decided)->Name("reassembly/text_450/framed_and_decided");
BENCHMARK(whole_json)->Name("reassembly/json_1024");
BENCHMARK(joined)->Name("reassembly/joined_20000_of_three");
BENCHMARK(json_depth)->Name("reassembly/json_depth")->Arg(1024)->Arg(65536);

}  // namespace
}  // namespace thorlog
