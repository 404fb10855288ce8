// Detections get into the journal exactly once, whatever kills the daemon, and at whichever step (specs 3, 7 and 8).
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/log.h"
#include "support.h"

namespace thorlog {
namespace {

// Plays the trace from where the journal ends, lets everything fall due, and gives the status of the last step.
Status play(const std::string& folder, const std::vector<TraceLine>& trace) {
  KeeperWorld world(folder);
  for (std::size_t next = lines_in(world.journal()); next < trace.size(); ++next) {
    world.append(trace[next]);
    if (Status turned = world.turn(); !turned) return turned;
  }
  for (int i = 0; i < 60; ++i) {
    world.pass(1.0);
    if (Status turned = world.turn(); !turned) return turned;
  }
  return world.settle();
}

// In a process of its own, which the fault kills. True: it was not killed.
bool survives(const std::string& folder, const std::vector<TraceLine>& trace, const std::string& fault) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("THORLOG_FAULT", fault.c_str(), 1);
    configure_log({Severity::critical, false, false});
    arm_faults_from_environment();
    const Status played = play(folder, trace);
    ::_exit(played ? 0 : 3);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0)
      << fault << ": " << status;
  return WIFEXITED(status);
}

std::map<std::string, int> keys_of(const std::string& folder, std::map<std::string, std::string>* bodies = nullptr) {
  KeeperWorld world(folder);
  return keys_in(world.journal(), bodies);
}

TEST(Outbox, TheModelKnowsEveryStory) {
  const TempFolder folder;
  ASSERT_TRUE(is_ok(play(folder.path(), stories("web", 10))));
  std::map<std::string, std::string> bodies;
  for (const auto& [key, times] : keys_of(folder.path(), &bodies)) EXPECT_EQ(times, 1) << bodies[key];
  std::map<std::string, int> types;
  for (const auto& [key, body] : bodies) {
    const std::size_t at = body.find(R"("type":")") + 8;
    ++types[body.substr(at, body.find('"', at) - at)];
  }
  EXPECT_EQ(types["scan_started"], 10);
  EXPECT_EQ(types["scan_finished"], 2);
  EXPECT_EQ(types["scan_aborted"], 2);
  EXPECT_EQ(types["scan_resumed"], 2);
  EXPECT_GE(types["scan_lost"], 4);
  EXPECT_GE(types["scan_recovered"], 1);
}

constexpr int kMostKills = 25;

class OutboxKilled : public testing::TestWithParam<const char*> {};

TEST_P(OutboxKilled, AtAnyCountTheKeysAreThoseOfTheModelEachOnce) {
  const std::vector<TraceLine> trace = stories("web", 10);
  std::map<std::string, int> model;
  std::map<std::string, std::string> model_bodies;
  {
    const TempFolder folder;
    ASSERT_TRUE(is_ok(play(folder.path(), trace)));
    model = keys_of(folder.path(), &model_bodies);
  }
  // Each life ends at the count-th time that it comes to this step; the work goes on in the next one until a life
  // comes through.
  for (int count = 1;; count += count < 6 ? 1 : 11) {
    const TempFolder folder;
    int kills = 0;
    const std::string fault = std::string(GetParam()) + ":" + std::to_string(count) + ":crash";
    // A scan is never silent in a life that is over within seconds, so short ones end only when nobody kills any
    // more.
    while (kills < kMostKills && !survives(folder.path(), trace, fault)) ++kills;
    ASSERT_TRUE(survives(folder.path(), trace, "none:0:eio"));
    std::map<std::string, std::string> bodies;
    const auto keys = keys_of(folder.path(), &bodies);
    for (const auto& [key, times] : keys) EXPECT_EQ(times, 1) << fault << ": " << bodies[key];
    for (const auto& [key, times] : model)
      EXPECT_TRUE(keys.contains(key)) << fault << ": missing " << model_bodies[key];
    for (const auto& [key, times] : keys)
      EXPECT_TRUE(model.contains(key)) << fault << ": not the model's " << bodies[key];
    if (HasFailure()) break;
    if (kills == 0) {
      EXPECT_GT(count, 4) << "hardly ever comes to this step";
      break;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(AtEachStep, OutboxKilled, testing::Values("outbox_commit", "outbox_append", "outbox_mark"));

}  // namespace
}  // namespace thorlog
