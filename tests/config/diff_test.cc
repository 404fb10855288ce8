#include "config/diff.h"

#include <gmock/gmock.h>

#include "config/load.h"

namespace thorlog {
namespace {

using testing::ElementsAre;

Settings load(std::string_view text) {
  const auto loaded = load_settings_text(text, "x.yaml");
  EXPECT_TRUE(loaded) << loaded.errors()[0].message();
  return *loaded;
}

constexpr std::string_view kRunning = R"(
inputs:
  a: { type: udp, listen: "127.0.0.1:1" }
  b: { type: tcp, listen: "127.0.0.1:2" }
outputs:
  x: { type: file, path: /tmp/x }
  y: { type: syslog, address: "tcp://h:1" }
)";

TEST(SettingsDiff, IsEmptyWhenOnlyPlacesAndCommentsMoved) {
  EXPECT_TRUE(diff(load(kRunning), load("# a comment\n\n" + std::string(kRunning))).empty());
}

TEST(SettingsDiff, NamesWhatCameWentAndChanged) {
  const auto found = diff(load(kRunning), load(R"(
workers: 3
state_directory: /other
inputs:
  a: { type: udp, listen: "127.0.0.1:1", allow: "::1" }
  c: { type: tcp, listen: "127.0.0.1:2" }
outputs:
  y: { type: syslog, address: "tcp://h:1" }
  x: { type: file, path: /tmp/x, match: { kind: thor } }
  z: { type: file, path: /tmp/z }
journal: { retain: 1h }
log: { level: debug }
)"));
  EXPECT_THAT(found.inputs.added, ElementsAre("c"));
  EXPECT_THAT(found.inputs.removed, ElementsAre("b"));
  EXPECT_THAT(found.inputs.changed, ElementsAre("a"));
  EXPECT_THAT(found.outputs.added, ElementsAre("z"));
  EXPECT_TRUE(found.outputs.removed.empty());
  EXPECT_THAT(found.outputs.changed, ElementsAre("x"));
  EXPECT_THAT(found.needs_restart, ElementsAre("workers", "state_directory"));
  EXPECT_THAT(found.sections, ElementsAre("journal", "log"));
  EXPECT_FALSE(found.empty());
}

TEST(SettingsDiff, SaysThatPartitionsNeedARestart) {
  const Settings running = load(kRunning);
  Settings next = running;
  next.journal.partitions = 2;
  EXPECT_THAT(diff(running, next).needs_restart, ElementsAre("journal.partitions"));
  EXPECT_TRUE(diff(running, next).sections.empty());
}

}  // namespace
}  // namespace thorlog
