// What the scan watch costs: for each line while 100 000 scans are open, and how many bytes an open scan takes. The
// records are made as the journal gives them; scans speak in a random order, so that nearly every line finds its scan
// in cold memory.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "thorlog/frame.h"
#include "thorlog/scan_watch.h"

namespace thorlog {
namespace {

constexpr std::int64_t kBegin = 1'772'438'400'000'000'000;  // 2026-03-02 08:00:00
constexpr unsigned kHosts = 100'000;

class Nobody : public ScanSink {
  void on_detection(const Detection& /*detection*/) override {}
};

std::uint64_t next(std::uint64_t& state) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

// One line of a scan, with the memory that its event points into.
struct Spoken {
  std::string host, scan, peer;
  Record record;

  void make(unsigned n, std::string_view module, std::string_view message, Level level) {
    host = "server" + std::to_string(n);
    scan = "S-Kyb" + std::to_string(100000 + n) + "Hc";
    peer = "10." + std::to_string(n >> 16) + "." + std::to_string(n >> 8 & 255) + "." + std::to_string(n & 255) +
           ":40000";
    record = Record();
    Event& event = record.event;
    event.kind = Kind::thor;
    event.format = Format::text;
    event.level = level;
    event.host = event.canonical_host = host;
    event.scan_id = scan;
    event.module = module;
    event.message = message;
    event.timestamp = kBegin;
    record.received = kBegin;
    record.peer = peer;
    record.stream = n;
    record.input = 1;
  }
};

void open_scans(ScanWatch& watch) {
  Spoken line;
  for (unsigned n = 0; n < kHosts; ++n) {
    line.make(n, "Startup", "Thor Version: 10.7.29", Level::info);
    watch.see({line.record, {0, n + 1}, n + 1, kBegin, false});
    line.make(n, "Startup",
              "Effective argument list: [-l C:\\Windows\\System32\\asgard2-agent\\cache\\thorlog.0b6f1ec0.txt "
              "--nocsv --minmem 0 "
              "--max_runtime 0]",
              Level::info);
    watch.see({line.record, {0, n + 1}, n + 1, kBegin, false});
    for (const char* module :
         {"Filescan", "Registry", "Autoruns", "ProcessCheck", "Eventlog", "Amcache", "ShimCache"}) {
      line.make(n, module, "Starting module", Level::info);
      watch.see({line.record, {0, n + 1}, n + 1, kBegin, false});
    }
  }
}

void ScanWatchLine(benchmark::State& state) {
  Nobody nobody;
  ScanWatch watch(ScanOptions(), nobody);
  open_scans(watch);
  std::vector<Spoken> lines(16384);
  std::uint64_t dice = 88172645463325252ULL;
  const char* const modules[] = {"Filescan", "Registry", "Autoruns", "ProcessCheck"};
  for (Spoken& line : lines)
    line.make(static_cast<unsigned>(next(dice) % kHosts), modules[next(dice) % 4], "Suspicious file found",
              Level::warning);
  std::size_t n = 0;
  std::uint64_t seq = 10'000'000;
  std::int64_t now = kBegin;
  for (auto _ : state) {
    watch.expect(lines[(n + ScanWatch::kAhead - 1) % lines.size()].record);  // as the store drives it
    const Spoken& line = lines[n++ % lines.size()];
    ++seq;
    now += 3300;  // 300 000 lines a second
    watch.see({line.record, {0, seq}, seq, now, false});
  }
  state.SetItemsProcessed(state.iterations());
  const ScanWatchCounters& counters = watch.counters();
  state.counters["bytes_per_scan"] = static_cast<double>(counters.bytes) / kHosts;
  state.counters["detections"] =
      static_cast<double>(counters.detections[static_cast<std::size_t>(DetectionType::scan_suspect)]);
}
BENCHMARK(ScanWatchLine);

// The same by hints, in batches as the journal gives them.
void ScanWatchPlainLine(benchmark::State& state) {
  constexpr std::size_t kBatch = 450;
  Nobody nobody;
  ScanWatch watch(ScanOptions(), nobody);
  open_scans(watch);
  Spoken line;
  for (unsigned n = 0; n < kHosts; ++n) {
    line.make(n, "Filescan", "Suspicious file found", Level::warning);
    watch.see({line.record, {0, n + 1}, n + 1, kBegin, false});
  }
  std::uint64_t dice = 88172645463325252ULL;
  const char* const modules[] = {"Filescan", "Registry", "Autoruns", "ProcessCheck"};
  std::vector<RecordHint> hints(1'000 * kBatch);
  for (RecordHint& hint : hints) {
    line.make(static_cast<unsigned>(next(dice) % kHosts), modules[next(dice) % 4], "Suspicious file found",
              Level::warning);
    hint = hint_of(line.record, sender_hash(line.record.peer));
  }
  std::size_t batch = 0;
  std::uint64_t seq = 10'000'000, missed = 0;
  std::int64_t now = kBegin;
  for (auto _ : state) {
    const std::span<const RecordHint> some(hints.data() + batch++ % 1'000 * kBatch, kBatch);
    for (std::size_t n = 0; (n = watch.pass(some, n, {0, seq, seq, now})) < some.size(); ++n) ++missed;
    seq += kBatch;
    now += 3300 * static_cast<std::int64_t>(kBatch);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.counters["missed"] = static_cast<double>(missed);
}
BENCHMARK(ScanWatchPlainLine);

// What its worker adds for that.
void ScanWatchHint(benchmark::State& state) {
  std::vector<Spoken> lines(4096);
  for (unsigned n = 0; n < lines.size(); ++n) lines[n].make(n, "Filescan", "Suspicious file found", Level::warning);
  std::vector<RecordHint> hints;
  std::size_t n = 0;
  for (auto _ : state) {
    if (hints.size() == 450) hints.clear();
    hints.push_back(hint_of(lines[n++ % lines.size()].record, 7));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ScanWatchHint);

// Lines of other programs, which no scan waits for.
void ScanWatchNoise(benchmark::State& state) {
  Nobody nobody;
  ScanWatch watch(ScanOptions(), nobody);
  open_scans(watch);
  std::vector<Spoken> lines(4096);
  for (unsigned n = 0; n < lines.size(); ++n) {
    lines[n].make(n % 50 + 500'000, "", "Failed password for root", Level::none);
    lines[n].record.event.kind = Kind::syslog;
    lines[n].record.event.app_name = "sshd";
    lines[n].record.event.scan_id = {};
  }
  std::size_t n = 0;
  std::uint64_t seq = 10'000'000;
  for (auto _ : state) {
    const Spoken& line = lines[n++ % lines.size()];
    ++seq;
    watch.see({line.record, {0, seq}, seq, kBegin, false});
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ScanWatchNoise);

// All scans fall silent at once: the time until each was looked at and told.
void ScanWatchAllSilent(benchmark::State& state) {
  for (auto _ : state) {
    state.PauseTiming();
    Nobody nobody;
    ScanWatch watch(ScanOptions(), nobody);
    open_scans(watch);
    state.ResumeTiming();
    watch.advance(kBegin + 1'801'000'000'000);
    state.PauseTiming();
    if (watch.counters().detections[static_cast<std::size_t>(DetectionType::scan_suspect)] != kHosts)
      state.SkipWithError("not each was told");
    state.ResumeTiming();
  }
}
BENCHMARK(ScanWatchAllSilent)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace thorlog
