// What it costs to know where a line begins and what it means.
#include <benchmark/benchmark.h>

#include "thor_lines.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

using namespace bench;  // NOLINT: the lines

std::string syslog_line(unsigned n) {
  return "<86>Mar  2 08:00:00 app" + std::to_string(n % 50) + " sshd[" + std::to_string(9000 + n) +
         "]: Failed password for invalid user admin from 10.0.0.9 port 51234 ssh2";
}

std::string agent_line(unsigned n) {
  return "<30>Mar  2 08:00:00 wks" + std::to_string(n) +
         "/10.0.1.7 ASGARD_GENERIC: Info: {\"level\":\"INFO\",\"time\":"
         "\"2026-03-02T09:00:00+01:00\",\"message\":\"task queue polled\",\"component\":\"controller\",\"pid\":" +
         std::to_string(900 + n) + "}";
}

void run_start(benchmark::State& state, const Lines& lines) {
  std::size_t n = 0;
  for (auto _ : state) {
    const Start start = test_start(lines[n++]);
    benchmark::DoNotOptimize(start);
  }
  state.SetBytesProcessed(state.iterations() * lines.mean());
}

void run_parse(benchmark::State& state, const Lines& lines) {
  LineParser parser;
  ScanMemory memory;
  ParseContext context;
  context.received = kReceived;
  context.memory = &memory;
  Event event;
  std::size_t n = 0;
  for (auto _ : state) {
    const std::string_view line = lines[n++];
    parser.parse(line, test_start(line), context, event);
    benchmark::DoNotOptimize(event);
  }
  state.SetBytesProcessed(state.iterations() * lines.mean());
  state.SetLabel(std::to_string(lines.mean()) + " bytes");
}

void thor_start_text(benchmark::State& state) { run_start(state, Lines(text_line)); }
void thor_start_syslog(benchmark::State& state) { run_start(state, Lines(syslog_line)); }
void thor_start_continuation(benchmark::State& state) {
  run_start(state, Lines([](unsigned n) { return text_line(n).substr(120); }));
}
void thor_start_and_parse_text(benchmark::State& state) { run_parse(state, Lines(text_line)); }
void thor_start_and_parse_json3(benchmark::State& state) { run_parse(state, Lines(json3_line)); }
void thor_start_and_parse_syslog(benchmark::State& state) { run_parse(state, Lines(syslog_line)); }
void thor_start_and_parse_agent(benchmark::State& state) { run_parse(state, Lines(agent_line)); }

BENCHMARK(thor_start_text);
BENCHMARK(thor_start_syslog);
BENCHMARK(thor_start_continuation);
BENCHMARK(thor_start_and_parse_text);
BENCHMARK(thor_start_and_parse_json3);
BENCHMARK(thor_start_and_parse_syslog);
BENCHMARK(thor_start_and_parse_agent);

}  // namespace
}  // namespace thorlog
