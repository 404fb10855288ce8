// Networks and relays reorder and repeat: what is found must not hang on it (specs 7, test 4).
#include <fmt/format.h>

#include <algorithm>
#include <random>

#include "base/log.h"
#include "scanstore/scan_queries.h"
#include "support.h"

namespace thorlog {
namespace {

struct Outcome {
  std::vector<std::string> findings;  // host, scan, run, type, cause
  std::string scans;                  // states as the store gives them
};

std::string member(std::string_view json, std::string_view name) {
  const std::string key = fmt::format(R"("{}":)", name);
  const std::size_t at = json.find(key);
  if (at == std::string_view::npos) return {};
  const std::size_t from = at + key.size();
  return std::string(json.substr(from, json.find_first_of(",}", from) - from));
}

// The stories at documented timers: their pauses of seconds become minutes.
std::vector<std::pair<double, TraceLine>> timed_stories() {
  std::vector<std::pair<double, TraceLine>> timed;
  double now = 0;
  for (const TraceLine& line : stories("web", 25)) {
    now += line.seconds < 1 ? line.seconds * 20 : line.seconds * 330;
    timed.emplace_back(now, line);
  }
  return timed;
}

Outcome outcome_of(std::vector<std::pair<double, TraceLine>> timed) {
  const TempFolder folder;
  KeeperWorld world(folder.path(), ScanOptions{});
  double now = 0;
  for (auto& [at, line] : timed) {
    line.seconds = std::max(0.0, at - now);
    now = std::max(now, at);
    world.append(line);
    EXPECT_TRUE(is_ok(world.turn()));
  }
  for (int i = 0; i < 8 * 60; ++i) {
    world.pass(60);
    EXPECT_TRUE(is_ok(world.turn()));
  }
  EXPECT_TRUE(is_ok(world.settle()));
  EXPECT_TRUE(is_ok(world.keeper().commit(true)));
  Outcome outcome;
  std::map<std::string, std::string> bodies;
  for (const auto& [key, times] : keys_in(world.journal(), &bodies)) {
    EXPECT_EQ(times, 1) << bodies[key];
    outcome.findings.push_back(key + " " + member(bodies[key], "asset") + member(bodies[key], "run") +
                               member(bodies[key], "type") + member(bodies[key], "cause"));
  }
  std::sort(outcome.findings.begin(), outcome.findings.end());
  const auto scans = ScanQueries(ScanStore::path_in(folder.path()), world.journal().uuid()).scans({});
  EXPECT_TRUE(is_ok(scans));
  std::vector<std::string> states;
  for (std::size_t at = scans->find(R"({"asset")"); at != std::string::npos;
       at = scans->find(R"({"asset")", at + 1)) {
    const std::string_view one = std::string_view(*scans).substr(at, scans->find('}', at) - at + 1);
    states.push_back(member(one, "asset") + member(one, "state") + member(one, "cause") + member(one, "run") +
                     member(one, "resumes"));
  }
  std::sort(states.begin(), states.end());
  for (const std::string& state : states) outcome.scans += state + "\n";
  return outcome;
}

TEST(Permutation, LinesWithinTwoSecondsAndRepeatedOnesChangeNothing) {
  configure_log({Severity::critical, false, false});
  const auto timed = timed_stories();
  const Outcome wanted = outcome_of(timed);
  EXPECT_GT(wanted.findings.size(), 40U);
  for (unsigned seed = 1; seed <= 8; ++seed) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<double> late(0.0, 2.0);
    auto mixed = timed;
    for (auto& [at, line] : mixed) at += late(random);
    for (const auto& [at, line] : timed) {
      if (random() % 20 == 0) mixed.emplace_back(at + late(random), line);
    }
    std::stable_sort(mixed.begin(), mixed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    const Outcome got = outcome_of(mixed);
    EXPECT_EQ(got.findings, wanted.findings) << "seed " << seed;
    EXPECT_EQ(got.scans, wanted.scans) << "seed " << seed;
  }
  configure_log({});
}

}  // namespace
}  // namespace thorlog
