// Our own deafness never looks like a dead scan, and what is silent in truth is told once (specs 7, test 8).
#include <fmt/format.h>

#include "base/log.h"
#include "support.h"

namespace thorlog {
namespace {

constexpr int kScans = 500;
constexpr double kHour = 3600, kDay = 24 * kHour;

TraceLine of_scan(int scan, std::string_view module, std::string_view message, std::string peer) {
  return {0, thor_line(fmt::format("web{:03}", scan), fmt::format("S-{:03}", scan), module, message),
          std::move(peer)};
}

// Each scan has a sender of its own.
std::string own_peer(int scan) { return fmt::format("10.2.{}.{}:4000", scan / 250, scan % 250 + 1); }
std::string relay_peer(int scan) { return fmt::format("10.9.0.1:{}", 5000 + scan % 7); }

class Deaf : public testing::Test {
 protected:
  Deaf() { configure_log({Severity::critical, false, false}); }
  ~Deaf() override { configure_log({}); }

  void open() { world_ = std::make_unique<KeeperWorld>(folder_.path(), ScanOptions{}, &clock_); }
  void end() { world_.reset(); }
  KeeperWorld& world() { return *world_; }

  template <class Peer>
  void all_speak(std::string_view module, std::string_view message, Peer peer) {
    for (int scan = 0; scan < kScans; ++scan) world_->append(of_scan(scan, module, message, peer(scan)));
    ASSERT_TRUE(is_ok(world_->turn(true)));
  }
  // Time passes and nobody speaks.
  void silence(double seconds) {
    for (double passed = 0; passed < seconds; passed += 60) {
      world_->pass(60);
      ASSERT_TRUE(is_ok(world_->turn()));
    }
    ASSERT_TRUE(is_ok(world_->settle()));
  }
  std::map<std::string, int> types() {
    std::map<std::string, std::string> bodies;
    keys_in(world_->journal(), &bodies);
    std::map<std::string, int> types;
    for (const auto& [key, body] : bodies) {
      const std::size_t at = body.find(R"("type":")") + 8;
      ++types[body.substr(at, body.find('"', at) - at)];
    }
    return types;
  }
  void nobody_is_missed() {
    const auto told = types();
    EXPECT_FALSE(told.contains("scan_lost")) << told.at("scan_lost");
    EXPECT_FALSE(told.contains("scan_suspect")) << told.at("scan_suspect");
  }
  void each_is_lost_once() {
    silence(7 * kHour);
    std::map<std::string, std::string> bodies;
    for (const auto& [key, times] : keys_in(world_->journal(), &bodies)) EXPECT_EQ(times, 1) << bodies[key];
    const auto told = types();
    EXPECT_EQ(told.contains("scan_suspect") ? told.at("scan_suspect") : 0, kScans);
    EXPECT_EQ(told.contains("scan_lost") ? told.at("scan_lost") : 0, kScans);
  }

  const TempFolder folder_;
  ManualClock clock_;
  std::unique_ptr<KeeperWorld> world_;
};

TEST_F(Deaf, EightHoursOfDowntimeAreNoSilence) {
  open();
  all_speak("Startup", "Thor Version: 10.8.0", own_peer);
  end();
  clock_.advance(static_cast<std::int64_t>(8 * kHour * 1e9));
  open();
  silence(20 * 60);
  nobody_is_missed();
  all_speak("Filescan", "Scanning /tmp", own_peer);
  silence(25 * 60);
  nobody_is_missed();
  each_is_lost_once();
}

TEST_F(Deaf, ClockStepsOfADayChangeNothing) {
  open();
  all_speak("Startup", "Thor Version: 10.8.0", own_peer);
  for (const double step : {kDay, -kDay, -kDay, kDay}) {
    silence(20 * 60);
    clock_.step_wall(static_cast<std::int64_t>(step * 1e9));
    silence(5 * 60);
    all_speak("Filescan", "Scanning /tmp", own_peer);
  }
  nobody_is_missed();
  each_is_lost_once();
}

TEST_F(Deaf, AClockStepOverARestartIsNoSilence) {
  open();
  all_speak("Startup", "Thor Version: 10.8.0", own_peer);
  for (const double step : {kDay, -kDay}) {
    end();
    clock_.step_wall(static_cast<std::int64_t>(step * 1e9));
    clock_.advance(10 * kSecond);
    open();
    silence(20 * 60);
    all_speak("Filescan", "Scanning /tmp", own_peer);
  }
  nobody_is_missed();
  each_is_lost_once();
}

TEST_F(Deaf, APausedInputIsNoSilence) {
  open();
  all_speak("Startup", "Thor Version: 10.8.0", own_peer);
  for (const std::uint16_t input : {std::uint16_t{1}, std::uint16_t{0}}) {  // this input; the journal was full
    for (double passed = 0; passed < 8 * kHour; passed += 60) {
      const std::int64_t before = world().journal().log_time();
      world().pass(60);
      world().keeper().deaf(input, before, world().journal().log_time());
      ASSERT_TRUE(is_ok(world().turn()));
    }
    silence(20 * 60);
    nobody_is_missed();
    all_speak("Filescan", "Scanning /tmp", own_peer);
  }
  nobody_is_missed();
  each_is_lost_once();
}

TEST_F(Deaf, ADarkRelayIsOneConditionAndNoSilence) {
  open();
  all_speak("Startup", "Thor Version: 10.8.0", relay_peer);
  all_speak("Filescan", "Scanning /tmp", relay_peer);
  silence(8 * kHour);
  nobody_is_missed();
  EXPECT_EQ(world().keeper().view().counters.dark_peers, 1U);
  all_speak("Filescan", "Scanning /var", relay_peer);
  EXPECT_EQ(world().keeper().view().counters.dark_peers, 0U);
  // Now the relay lives, and only its scans are silent.
  for (double passed = 0; passed < 7 * kHour; passed += 120) {
    world().append({120, "<13>Nov 14 22:13:20 relay01 cron[1]: still here", "10.9.0.1:5000"});
    ASSERT_TRUE(is_ok(world().turn()));
  }
  ASSERT_TRUE(is_ok(world().settle()));
  const auto told = types();
  EXPECT_EQ(told.contains("scan_suspect") ? told.at("scan_suspect") : 0, kScans);
  EXPECT_EQ(told.contains("scan_lost") ? told.at("scan_lost") : 0, kScans);
}

}  // namespace
}  // namespace thorlog
