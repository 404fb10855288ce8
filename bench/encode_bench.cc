// What leaving costs: the encoders and the match lists, for a line of the usual length.
#include <benchmark/benchmark.h>

#include <deque>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include "outputs/match.h"
#include "wire/encode_line.h"

namespace thorlog {
namespace {

struct Line {
  std::string raw;
  Record record;
};

std::string hex(std::mt19937& random, int digits) {
  std::string text;
  for (int i = 0; i < digits; ++i) text += "0123456789abcdef"[random() % 16];
  return text;
}

// A file finding of about `length` bytes, as THOR writes it and the parser understands it.
void make_line(Line& line, std::mt19937& random, std::size_t length) {
  const std::string number = std::to_string(random() % 200);
  std::string& raw = line.raw;
  Event& event = line.record.event;
  raw = "<134>Jul 29 05:16:04 HOST" + number + "/10.0.1." + number +
        " THOR: Warning: MODULE: Filescan MESSAGE: Suspicious " + "file found SCANID: S-" + hex(random, 11) +
        " FILE: C:\\Users\\neo\\AppData\\Local\\Temp\\update.exe SCORE: 70 SIZE: " +
        std::to_string(random() % 9'000'000) + " MD5: " + hex(random, 32) + " SHA1: " + hex(random, 40) +
        " SHA256: " + hex(random, 64) + " OWNER: BUILTIN\\Administrators FIRSTBYTES: " + hex(random, 20) +
        " CREATED: Mon Jul 29 05:16:04 2013";
  for (int reason = 1; raw.size() + 10 < length; ++reason) {
    raw += " REASON_" + std::to_string(reason) +
           ": YARA rule SUSP_Encoded_PS1_Sep20 SUBSCORE: " + std::to_string(random() % 90);
  }
  const std::string_view text = raw;
  const auto find = [text](std::string_view what) { return text.substr(text.find(what), what.size()); };
  event.raw = raw;
  event.kind = Kind::thor;
  event.format = Format::text;
  event.level = Level::warning;
  event.priority = 134;
  event.score = 70;
  event.timestamp = 1'375'074'964'000'000'000;
  event.host = find("HOST" + number);
  event.ip = find("10.0.1." + number);
  event.app_name = find("THOR");
  event.module = find("Filescan");
  event.message = find("Suspicious file found");
  event.scan_id = text.substr(text.find("S-"), 13);
  event.canonical_host = "host17";
  line.record.received = event.timestamp + static_cast<std::int64_t>(random());
  line.record.peer = "10.0.1.17:50123";
}

// Enough different lines that the branch predictor can't learn them.
const std::deque<Line>& lines(std::size_t length) {
  static std::deque<Line> made;
  static std::size_t made_length = 0;
  if (made_length != length) {
    made.clear();
    std::mt19937 random(7);
    for (int i = 0; i < 1000; ++i) make_line(made.emplace_back(), random, length);
    made_length = length;
  }
  return made;
}

void encode(benchmark::State& state, LineFormat format, LineFraming framing) {
  const std::deque<Line>& all = lines(570);
  LineEncoder encoder({format, framing, nullptr});
  ByteBuffer out;
  std::size_t i = 0;
  std::size_t bytes = 0;
  for (auto _ : state) {
    if (out.size() > 60'000) out.clear();
    const Line& line = all[i];
    if (++i == all.size()) i = 0;
    encoder.append({line.record, 0, 123'456'789, 987'654, "6f1d9c1e-0c52-4c1f-8c0e-5d2b6a1f7e11", "syslog", "", 0},
                   out);
    bytes += line.raw.size();
  }
  benchmark::DoNotOptimize(out.data());
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void match(benchmark::State& state, const std::vector<MatchEntry>& entries) {
  const std::deque<Line>& all = lines(450);
  auto matcher = Matcher::compile(entries);
  if (!matcher) return state.SkipWithError(matcher.error().message().c_str());
  std::size_t i = 0;
  std::size_t matched = 0;
  for (auto _ : state) {
    const Line& line = all[i];
    if (++i == all.size()) i = 0;
    matched += matcher->matches({line.record, 0, 1, 2, "", "syslog", "", 0}) ? 1 : 0;
  }
  benchmark::DoNotOptimize(matched);
  state.counters["matched"] = static_cast<double>(matched) / static_cast<double>(state.iterations());
}

std::vector<MatchEntry> twenty_patterns() {
  std::ifstream file(THORLOG_SOURCE_DIR "/bench/patterns.txt");
  std::vector<MatchEntry> entries;
  for (std::string line; std::getline(file, line);) {
    entries.emplace_back();
    entries.back().wanted.kinds = 1U << static_cast<unsigned>(Kind::thor);
    entries.back().wanted.raw_regex = {line};
  }
  return entries;
}

std::vector<MatchEntry> kinds_and_levels() {
  std::vector<MatchEntry> entries(2);
  entries[0].wanted.kinds = 1U << static_cast<unsigned>(Kind::detection);
  entries[1].wanted.kinds = 1U << static_cast<unsigned>(Kind::thor);
  entries[1].wanted.levels = 1U << static_cast<unsigned>(Level::alert);
  return entries;
}

void encode_raw_lf(benchmark::State& state) { encode(state, LineFormat::raw, LineFraming::lf); }
void encode_raw_octet(benchmark::State& state) { encode(state, LineFormat::raw, LineFraming::octet); }
void encode_json(benchmark::State& state) { encode(state, LineFormat::json, LineFraming::lf); }
void encode_rfc5424(benchmark::State& state) { encode(state, LineFormat::rfc5424, LineFraming::octet); }
void encode_rfc5424_lf(benchmark::State& state) { encode(state, LineFormat::rfc5424, LineFraming::lf); }
void encode_cef(benchmark::State& state) { encode(state, LineFormat::cef, LineFraming::octet); }
void match_kind(benchmark::State& state) { match(state, kinds_and_levels()); }
void match_20_patterns(benchmark::State& state) { match(state, twenty_patterns()); }

BENCHMARK(encode_raw_lf);
BENCHMARK(encode_raw_octet);
BENCHMARK(encode_json);
BENCHMARK(encode_rfc5424);
BENCHMARK(encode_rfc5424_lf);
BENCHMARK(encode_cef);
BENCHMARK(match_kind);
BENCHMARK(match_20_patterns);

}  // namespace
}  // namespace thorlog
