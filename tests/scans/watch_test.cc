// Bounds, relays, restarts and keys of the scan watch.
#include <gtest/gtest.h>

#include <map>

#include "lab.h"

namespace thorlog {
namespace {

std::string thor(const std::string& host, const std::string& scan, const std::string& rest) {
  return "<190>Mar  2 08:00:00 " + host + "/10.0.0.1 THOR: " + rest + " SCANID: " + scan;
}
std::string start(const std::string& host, const std::string& scan) {
  return thor(host, scan, "Info: MODULE: Startup MESSAGE: Thor Version: 10.7.29");
}
std::string finding(const std::string& host, const std::string& scan) {
  return thor(host, scan, "Warning: MODULE: Registry MESSAGE: Suspicious");
}

std::size_t count_of(const Lab& lab, DetectionType type) {
  std::size_t count = 0;
  for (const Detection& detection : lab.told) count += detection.type == type ? 1 : 0;
  return count;
}

TEST(ScanWatch, ADarkRelayIsOneConditionAndNoDeadScan) {
  Lab lab;
  for (int n = 0; n < 50; ++n) lab.say(start("h" + std::to_string(n), "S-" + std::to_string(n)), "10.9.9.9:514");
  lab.at(8 * 3600);
  EXPECT_EQ(count_of(lab, DetectionType::scan_suspect), 0U);
  ASSERT_EQ(lab.dark.size(), 1U);
  EXPECT_EQ(lab.dark[0], "10.9.9.9 dark");
  EXPECT_EQ(lab.watch->counters().dark_peers, 1U);
  for (int n = 0; n < 49; ++n) lab.say(finding("h" + std::to_string(n), "S-" + std::to_string(n)), "10.9.9.9:514");
  ASSERT_EQ(lab.dark.size(), 2U);
  EXPECT_EQ(lab.dark[1], "10.9.9.9 light");
  // Then true silence of the one that did not come back, while the relay carries the others.
  for (int minutes = 10; minutes <= 60; minutes += 10) {
    lab.at(8 * 3600 + minutes * 60);
    for (int n = 0; n < 49; ++n) lab.say(finding("h" + std::to_string(n), "S-" + std::to_string(n)), "10.9.9.9:514");
  }
  EXPECT_EQ(count_of(lab, DetectionType::scan_suspect), 1U);
}

TEST(ScanWatch, ScansOfARelayThatFallSilentOneAfterTheOtherAreSilentThemselves) {
  Lab lab;  // silence_suspect is 30 minutes
  for (int n = 0; n < 6; ++n) lab.say(start("h" + std::to_string(n), "S-" + std::to_string(n)), "10.9.9.9:514");
  // Each speaks each minute until it dies; the last ones within ten minutes, and then nothing more comes this way.
  for (int minute = 1; minute <= 60; ++minute) {
    lab.at(minute * 60);
    for (int n = 0; n < 6; ++n) {
      if (minute > 10 * (n + 1)) continue;
      lab.say(finding("h" + std::to_string(n), "S-" + std::to_string(n)), "10.9.9.9:514");
    }
  }
  lab.at(12 * 3600);
  EXPECT_EQ(count_of(lab, DetectionType::scan_suspect), 6U);
  EXPECT_EQ(count_of(lab, DetectionType::scan_lost), 6U);
  EXPECT_TRUE(lab.dark.empty());
}

TEST(ScanWatch, ScansBeyondTheirNumberAreCounted) {
  ScanOptions options;
  options.max_scans = 10;
  Lab lab(options);
  for (int n = 0; n < 25; ++n) lab.say(start("h" + std::to_string(n), "S-A"), "10.0.0." + std::to_string(n) + ":1");
  EXPECT_EQ(lab.watch->counters().untracked, 15U);
  EXPECT_EQ(count_of(lab, DetectionType::scan_started), 10U);
}

TEST(ScanWatch, OnePeerHasABoundOfItsOwn) {
  ScanOptions options;
  options.max_scans_per_peer = 5;
  Lab lab(options);
  for (int n = 0; n < 9; ++n) lab.say(start("h1", "S-" + std::to_string(n)));
  EXPECT_EQ(lab.watch->counters().untracked, 4U);
}

TEST(ScanWatch, InventedScansCostLittle) {
  Lab lab;
  for (int n = 0; n < 60'000; ++n) lab.say(finding("h" + std::to_string(n), "S-" + std::to_string(n)));
  EXPECT_TRUE(lab.told.empty());
  EXPECT_LT(lab.watch->counters().assets, 10'000U);
  EXPECT_LT(lab.watch->counters().bytes, 40U << 20);
}

// A store in memory.
struct Kept : Lab {
  using Lab::Lab;
  std::map<std::string, std::pair<std::string, bool>> scans;
  std::map<std::string, std::string> assets, states;
  void on_scan(const ScanRow& row) override {
    scans[std::string(row.host) + "/" + std::string(row.scan_id)] = {std::string(row.state_blob), row.closed};
    EXPECT_LT(row.state_blob.size(), 2048U);
  }
  void on_asset(const AssetRow& row) override { assets[std::string(row.host)] = row.state_blob; }
  void on_state(std::string_view key, std::string_view blob) override { states[std::string(key)] = blob; }
  bool recall(std::string_view host, std::string_view scan_id, std::string& blob) override {
    const auto found = scans.find(std::string(host) + "/" + std::string(scan_id));
    if (found == scans.end()) return false;
    blob = found->second.first;
    return true;
  }
  void restart() {
    watch->collect(~std::size_t{0});
    watch = std::make_unique<ScanWatch>(ScanOptions(), *this);
    for (const auto& [key, blob] : states) watch->load_state(key, blob);
    for (const auto& [host, blob] : assets) watch->load_asset(blob);
    for (const auto& [name, row] : scans)
      if (!row.second) watch->load_scan(row.first);
  }
};

TEST(ScanWatch, GoesOnWhereItWasAfterEachRestart) {
  Kept lab;
  lab.say(start("h1", "S-A"));
  lab.restart();
  lab.at(600);
  lab.say(
      "<14>Mar  2 08:00:00 h1 2026/03/02 08:00:00 ASGARD_GENERIC: Info: {\"message\":\"received interrupt signal, "
      "sending\"}");
  lab.restart();
  lab.at(1200);
  ASSERT_EQ(lab.told.size(), 2U);
  EXPECT_EQ(lab.told[1].type, DetectionType::orderly_restart);
  lab.restart();
  lab.say(start("h1", "S-A"));
  ASSERT_EQ(lab.told.size(), 3U);
  EXPECT_EQ(lab.told[2].type, DetectionType::scan_resumed);
  EXPECT_EQ(lab.told[2].run, 2U);
}

// Its agent's first lines named no host, so that its address became an asset too.
TEST(ScanWatch, AnAddressThatHasANameIsNotSilentBesideItAfterARestartEither) {
  struct Mapped : Kept {
    std::string_view asset_label(std::string_view host, std::string_view /*full_name*/, std::string_view /*ip*/,
                                 bool& mapped) override {
      mapped = host == "db1" || host == "10.0.0.1";
      return mapped ? "DB" : "";
    }
  };
  for (const bool restarts : {false, true}) {
    Mapped lab;
    lab.say("2026/03/02 08:00:00 ASGARD_GENERIC: Info: {\"message\":\"looking for tasks\"}");
    ASSERT_EQ(lab.watch->counters().assets, 1U);
    lab.at(60);
    lab.say(start("db1", "S-A"));
    lab.say(thor("db1", "S-A", "Info: MODULE: Report MESSAGE: Thor Scan finished"));
    ASSERT_EQ(lab.watch->counters().assets, 2U);
    if (restarts) lab.restart();
    lab.at(40 * 86400);
    EXPECT_EQ(count_of(lab, DetectionType::asset_silent), 1U) << restarts;
  }
}

// An agent's line without a host is its machine's, however often we started again meanwhile.
TEST(ScanWatch, AnAgentsLineWithoutAHostIsItsMachinesAfterRestartsToo) {
  const auto agent = [](const std::string& text) {
    return "2026/03/02 08:00:00 ASGARD_GENERIC: Info: {\"message\":\"" + text + "\"}";
  };
  const auto second = [](std::string line) { return line.replace(line.find("10.0.0.1"), 8, "10.0.0.2"); };
  Kept lab;
  lab.say(start("db1", "S-A"), "10.0.0.1:514");
  lab.say(second(start("db2", "S-B")), "10.0.0.2:514");
  for (int n = 1; n <= 3; ++n) {
    lab.restart();
    lab.recount(finding("db1", "S-A"), "10.0.0.1:514");
    lab.life("start");
    lab.at(60 * n);
    lab.say(agent(n == 2 ? "received interrupt signal, sending" : "running thor with args: [--resume]"),
            "10.0.0.2:700");
    EXPECT_EQ(lab.watch->counters().assets, 2U) << n;
    lab.say(second(finding("db2", "S-B")), "10.0.0.2:514");
    lab.at(60 * n + 50);
  }
}

TEST(ScanWatch, ARecalledScanGetsItsNextRun) {
  Kept lab;
  lab.say(start("h1", "case1"));
  lab.at(10);
  lab.say(thor("h1", "case1", "Info: MODULE: Report MESSAGE: Thor Scan finished"));
  lab.at(7200);
  lab.watch->collect(~std::size_t{0});  // stored, and forgotten
  EXPECT_EQ(lab.watch->counters().scans[static_cast<std::size_t>(ScanState::completed)], 0U);
  lab.say(start("h1", "case1"));
  ASSERT_EQ(lab.told.size(), 3U);
  EXPECT_EQ(lab.told[2].type, DetectionType::scan_started);
  EXPECT_EQ(lab.told[2].run, 2U);
  EXPECT_NE(lab.told[2].key, lab.told[0].key);
}

TEST(ScanWatch, BrokenRowsAreNoScans) {
  Kept lab;
  lab.say(start("h1", "S-A"));
  lab.watch->collect(~std::size_t{0});
  const std::string blob = lab.scans.begin()->second.first;
  for (std::size_t size = 0; size < blob.size(); size += 7) {
    ScanWatch watch(ScanOptions(), lab);
    watch.load_scan(blob.substr(0, size));
    watch.load_asset(blob.substr(0, size));
    watch.load_state("global", blob.substr(0, size));
    watch.load_state("peer:10.0.0.1", blob.substr(0, size));
    watch.load_state("rules", blob.substr(0, size));
  }
}

TEST(ScanWatch, EvidenceAndArgumentsAreThere) {
  Lab lab;
  lab.say(start("h1", "S-A"));
  lab.say(thor("h1", "S-A", "Info: MODULE: Startup MESSAGE: Effective argument list: [--path C:\\AD --nocsv]"));
  lab.at(600);
  const std::string line =
      thor("h1", "S-A", "Error: MODULE: RuntimeWatcher MESSAGE: Maximum runtime has exceeded, killing THOR");
  lab.say(line);
  ASSERT_EQ(lab.told.size(), 2U);
  EXPECT_EQ(lab.told[1].arguments, "--path C:\\AD --nocsv");
  ASSERT_EQ(lab.told[1].evidence.size(), 1U);
  EXPECT_EQ(lab.told[1].evidence[0].raw, line);
  EXPECT_EQ(lab.told[1].last_module, "RuntimeWatcher");
  EXPECT_EQ(lab.told[1].level, Level::alert);
  const std::string json = detection_json(lab.told[1]);
  EXPECT_EQ(json.find("{\"key\":\""), 0U);
  EXPECT_NE(json.find(R"("type":"scan_aborted","cause":"max_runtime","confidence":"high","severity":"critical")"),
            std::string::npos)
      << json;
}

}  // namespace
}  // namespace thorlog
