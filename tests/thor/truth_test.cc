// Holds the parser against the truth files of simulated fleets, where there are some: THORLOG_FLEET_RUNS names their
// folders, parted by colons. Only lines that came whole are asked; what joins the others is not the parser's.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "thor/samples.h"

namespace thorlog {
namespace {

namespace dom = simdjson::dom;

bool matches(const dom::element& wanted, std::string_view got) {
  if (wanted.is_null()) return got.empty();
  dom::array any;
  if (wanted.get(any) == simdjson::SUCCESS) {
    for (const dom::element one : any)
      if (matches(one, got)) return true;
    return false;
  }
  std::string_view text;
  return wanted.get(text) == simdjson::SUCCESS && text == got;
}

void check(const std::string& folder) {
  std::ifstream file(folder + "/truth-lines.jsonl");
  ASSERT_TRUE(file.good()) << folder;
  dom::parser json;
  LineParser parser;
  std::map<std::string, ScanMemory> memories;
  int checked = 0;
  for (std::string row; std::getline(file, row);) {
    dom::element truth;
    ASSERT_EQ(json.parse(row).get(truth), simdjson::SUCCESS);
    std::string_view expect;
    dom::element ignored;
    if (truth["expect"].get(expect) == simdjson::SUCCESS || truth["or"].get(ignored) == simdjson::SUCCESS) continue;
    for (const dom::element record : dom::array(truth["records"])) {
      std::string_view raw;
      if (record["raw"].get(raw) != simdjson::SUCCESS) continue;
      bool whole = true;
      dom::array needed;
      for (const char* group : {"all", "any"}) {
        if (record["flags"][group].get(needed) != simdjson::SUCCESS) continue;
        for (const dom::element flag : needed)
          whole = whole && std::string_view(flag) != "truncated" && std::string_view(flag) != "incomplete" &&
                  std::string_view(flag) != "unterminated";
      }
      std::string bytes(raw);
      bytes.append(kReadAhead, ':');
      const std::string_view line(bytes.data(), raw.size());
      const Start start = test_start(line);
      const std::string peer{std::string_view(truth["from"])};
      ParseContext context;
      context.received = time_of("2026-03-02T08:00:30Z");
      context.cut = !whole;
      context.peer_host = peer;
      context.memory = &memories[peer + " " + std::string(line.substr(start.host_at, start.host_length))];
      Event event;
      parser.parse(line, start, context, event);
      ++checked;
      const std::pair<const char*, std::string_view> tags[] = {
          {"kind", name_of(event.kind)}, {"format", name_of(event.format)}, {"level", name_of(event.level)},
          {"module", event.module},      {"scan_id", event.scan_id},        {"uid", event.uid}};
      for (const auto& [tag, got] : tags) {
        dom::element wanted;
        if (record[tag].get(wanted) != simdjson::SUCCESS) continue;
        EXPECT_TRUE(matches(wanted, got))
            << tag << " is '" << got << "', wanted " << simdjson::minify(wanted) << " in " << raw;
      }
      std::string_view asset;
      if (record["asset"].get(asset) == simdjson::SUCCESS && asset.substr(0, 6) != "asset-") {
        EXPECT_EQ(event.canonical_host, asset) << raw;
      }
    }
    if (testing::Test::HasFailure()) return;  // one is enough
  }
  EXPECT_GT(checked, 100);
}

TEST(FleetTruth, IsWhatTheParserSays) {
  const char* runs = std::getenv("THORLOG_FLEET_RUNS");
  if (runs == nullptr) GTEST_SKIP() << "THORLOG_FLEET_RUNS names no runs";
  std::string_view rest = runs;
  while (!rest.empty()) {
    const std::size_t colon = rest.find(':');
    check(std::string(rest.substr(0, colon)));
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
  }
}

}  // namespace
}  // namespace thorlog
