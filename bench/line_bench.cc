// All that one line costs between the framer and the batch: start test, reassembly's decision, parsing and tagging,
// with one stream and with very many. The streams take turns at random. Each is announced a few lines before its line
// comes, as an input does before it reads from a connection.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>

#include "thor_lines.h"
#include "thorlog/reassembly.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

using namespace bench;  // NOLINT: the lines

constexpr std::size_t kAhead = 8;  // lines take less time than one recv(2)

class Understand : public LineSink {
 public:
  void on_line(const Line& line) override {
    ParseContext context;
    context.received = line.received;
    context.cut = line.cut;
    context.memory = line.memory;
    parser_.parse(line.raw, line.start, context, event_);
    benchmark::DoNotOptimize(event_);
  }

 private:
  LineParser parser_;
  Event event_;
};

void run(benchmark::State& state, const Lines& lines) {
  const auto count = static_cast<std::size_t>(state.range(0));
  MemoryBudget budget(256U << 20);
  Reassembler reassembler(ReassemblyOptions(), budget);
  Understand sink;
  std::vector<Reassembler::Stream*> streams;
  for (std::size_t n = 0; n < count; ++n) {
    const std::string address = "10.1." + std::to_string(n / 250) + "." + std::to_string(n % 250);
    StreamOptions options;
    options.peer_address = address;
    streams.push_back(reassembler.open_stream(options));
  }
  // A stream's lines all come from one host.
  std::mt19937 dice(1);
  std::vector<std::uint32_t> order(1U << 18);
  for (auto& n : order) n = static_cast<std::uint32_t>(dice() % count);
  std::int64_t now = 1;
  const auto offer = [&](std::uint32_t n) {
    Frame frame;
    frame.bytes = lines[n];
    reassembler.offer(streams[n], frame, ++now, kReceived, false, sink);
  };
  for (std::uint32_t n = 0; n < count; ++n) offer(n);
  std::size_t at = 0;
  for (auto _ : state) {
    Reassembler::expect(streams[order[(at + kAhead) % order.size()]]);
    offer(order[at++ % order.size()]);
  }
  state.SetBytesProcessed(state.iterations() * lines.mean());
  state.SetLabel(std::to_string(lines.mean()) + " bytes");
  for (auto* stream : streams) reassembler.close_stream(stream, sink);
}

void text(benchmark::State& state) { run(state, Lines(text_line)); }
void json3(benchmark::State& state) { run(state, Lines(json3_line)); }

BENCHMARK(text)->Name("line/text/streams")->Arg(1)->Arg(1000)->Arg(100'000);
BENCHMARK(json3)->Name("line/json3/streams")->Arg(1)->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace thorlog
