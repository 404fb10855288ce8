// conf/thorlogd.yaml and the keys of docs/manual.md are made from the tables of fields. With THORLOG_UPDATE=1 in the
// environment these tests write the files instead of comparing them.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "config/load.h"
#include "config/report.h"

namespace thorlog {
namespace {

const std::string kSource = THORLOG_SOURCE_DIR;

std::string read(const std::string& path) {
  std::ifstream file(path);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

bool is_update() { return std::getenv("THORLOG_UPDATE") != nullptr; }

void expect_content(const std::string& path, const std::string& wanted) {
  if (is_update()) std::ofstream(path) << wanted;
  EXPECT_EQ(read(path), wanted) << path << " is stale: run this program with THORLOG_UPDATE=1";
}

TEST(GeneratedFiles, TheShippedConfigurationIsThePrintedOne) {
  expect_content(kSource + "/conf/thorlogd.yaml", default_config_text());
}

TEST(GeneratedFiles, TheManualListsEveryKeyAsTheTableSaysIt) {
  const std::string path = kSource + "/docs/manual.md";
  const std::string now = read(path);
  const auto begin = now.find(kManualBegin);
  const auto end = now.find(kManualEnd);
  if (begin == std::string::npos || end == std::string::npos || end < begin) {
    ASSERT_TRUE(is_update()) << path << " has lost the marks of the generated part";
    return expect_content(path, now + kManualBegin + manual_text() + kManualEnd);
  }
  expect_content(path, now.substr(0, begin) + kManualBegin + manual_text() + now.substr(end));
}

// What the default configuration has beside the struct's own defaults: its inputs and its output.
Settings expected_default() {
  Settings wanted;
  InputSettings udp;
  udp.name = "udp";
  udp.type = InputType::udp;
  udp.listen = {"0.0.0.0", 514, ""};
  InputSettings tcp = udp;
  tcp.name = "tcp";
  tcp.type = InputType::tcp;
  wanted.inputs = {udp, tcp};
  OutputSettings events;
  events.name = "events";
  events.type = OutputType::file;
  events.path = "/var/log/thorlogd/events.jsonl";
  events.format = OutputFormat::json;
  wanted.outputs = {events};
  return wanted;
}

std::string errors_of(const LoadedSettings& loaded) {
  std::string text;
  if (!loaded)
    for (const auto& error : loaded.errors()) text += error.message() + "\n";
  return text;
}

TEST(DefaultConfiguration, LoadsToTheDefaultsOfTheStruct) {
  const auto loaded = load_settings_text(default_config_text(), "default");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_TRUE(*loaded == expected_default());
}

TEST(DefaultConfiguration, LoadsToTheSameWithEveryCommentedDefaultTakenIn) {
  std::istringstream lines(default_config_text());
  std::string text, line;
  int taken_in = 0;
  while (std::getline(lines, line)) {
    const auto at = line.find_first_not_of(' ');
    // The second output that is offered is no default.
    const bool is_offer = line.find("#siem") != std::string::npos || line.find("#  ") != std::string::npos;
    if (!is_offer && at != std::string::npos && line[at] == '#' && line.size() > at + 1 && line[at + 1] != ' ') {
      line.erase(at, 1);
      ++taken_in;
    }
    text += line + "\n";
  }
  EXPECT_GT(taken_in, 40);
  const auto loaded = load_settings_text(text, "default");
  ASSERT_TRUE(loaded) << errors_of(loaded) << text;
  EXPECT_TRUE(*loaded == expected_default());
}

TEST(DefaultConfiguration, OffersAnOutputThatLoadsToo) {
  std::string text = default_config_text();
  for (auto at = text.find("  #siem:"); at != std::string::npos && text.compare(at, 3, "  #") == 0;
       at = text.find('\n', at) + 1)
    text.erase(at + 2, 1);
  const auto loaded = load_settings_text(text, "default");
  ASSERT_TRUE(loaded) << errors_of(loaded) << text;
  EXPECT_EQ(loaded->outputs.size(), 2U);
}

TEST(DefaultConfiguration, FitsTheScreen) {
  std::istringstream lines(default_config_text());
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 130U) << line;
}

TEST(Examples, EveryShippedExampleLoads) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/conf/examples")) {
    const auto loaded = load_settings(entry.path().string());
    EXPECT_TRUE(loaded) << errors_of(loaded);
    if (!loaded) continue;
    EXPECT_FALSE(loaded->inputs.empty()) << entry.path();
    EXPECT_FALSE(loaded->outputs.empty()) << entry.path();
    ++count;
  }
  EXPECT_GE(count, 3);
}

TEST(Examples, ConfigurationsOfTheFleetAndTheBenchmarkLoad) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSource + "/tests/data/config")) {
    const auto loaded = load_settings(entry.path().string());
    ++count;
    EXPECT_TRUE(loaded) << errors_of(loaded);
  }
  EXPECT_EQ(count, 7);
}

TEST(Examples, TheFleetsTimersArriveAsWritten) {
  const auto loaded = load_settings(kSource + "/tests/data/config/fleet.yaml");
  ASSERT_TRUE(loaded) << errors_of(loaded);
  EXPECT_EQ(loaded->scans.interrupt_grace, 1200ms);
  EXPECT_EQ(loaded->scans.start_merge, 480ms);
  EXPECT_EQ(loaded->scans.silence_suspect, 3s);
  EXPECT_EQ(loaded->reassembly.cut_sizes, std::vector<std::uint32_t>{4096});
  ASSERT_EQ(loaded->outputs.size(), 1U);
  ASSERT_TRUE(loaded->outputs[0].rotate);
  EXPECT_EQ(loaded->outputs[0].rotate->size, 10 * kGiB);
  ASSERT_EQ(loaded->identity.group_prefixes.size(), 1U);
  EXPECT_EQ(loaded->identity.group_prefixes[0].second, "incident-2026");
}

}  // namespace
}  // namespace thorlog
