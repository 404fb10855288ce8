// Replays and second tries of dead letters: beside the live stream, in bounds, and outside the books.
#include <gtest/gtest.h>

#include <filesystem>

#include "support.h"

namespace thorlog {
namespace {

class Replay : public testing::Test {
 protected:
  OutputSettings json_file() {
    OutputSettings settings = file_output("out", world_.folder() + "/out.jsonl");
    settings.format = OutputFormat::json;
    return settings;
  }
  std::vector<std::string> lines() { return lines_of(read_bytes(world_.folder() + "/out.jsonl")); }
  static std::size_t replayed(const std::vector<std::string>& lines) {
    return static_cast<std::size_t>(std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find(R"("flags":["replayed"])") != std::string::npos;
    }));
  }
  bool ended(OutputRunner& runner) {
    return wait_until([&] { return runner.snapshot().replay.state == ReplayState::done; });
  }

  OutputWorld world_;
};

TEST_F(Replay, SendsWhatWasReceivedInATimeOnceMoreAndLeavesTheBooksAlone) {
  OutputRunner& runner = world_.run(json_file());
  const std::string text = "a line";
  std::vector<Record> records(3000, line_record(text));
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].received = 1'000'000'000'000 + static_cast<std::int64_t>(i) * 1'000'000;
    records[i].event.scan_id = i % 2 == 0 ? "S-even" : "S-odd";
  }
  world_.append(records);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  ReplayRequest request;
  request.since = records[1000].received;
  request.until = records[1999].received;
  request.scan = "S-even";
  request.rate = 100'000;
  ASSERT_TRUE(is_ok(runner.replay(request)));
  ASSERT_TRUE(ended(runner));
  const OutputSnapshot end = runner.snapshot();
  EXPECT_EQ(end.replay.acknowledged, 500U);
  EXPECT_EQ(end.books.acknowledged, 3000U);
  EXPECT_TRUE(is_balanced(end));
  EXPECT_EQ(lines().size(), 3500U);
  EXPECT_EQ(replayed(lines()), 500U);
  EXPECT_FALSE(std::filesystem::exists(world_.folder() + "/state/replays/out.json"));
}

TEST_F(Replay, TakesOnlyOneAtATimeAndCanBeCancelled) {
  OutputRunner& runner = world_.run(json_file());
  world_.append_numbered(5000);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  ReplayRequest request;
  request.rate = 100;
  ASSERT_TRUE(is_ok(runner.replay(request)));
  const Status second = runner.replay(request);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::busy);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.acknowledged > 0; }));
  runner.cancel_replay();
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.state == ReplayState::cancelled; }));
  EXPECT_LT(replayed(lines()), 1000U);
  ASSERT_TRUE(is_ok(runner.replay(request))) << "and another one may begin";
}

TEST_F(Replay, KeepsToItsRateWhileTheLiveStreamGoesFirst) {
  OutputRunner& runner = world_.run(json_file());
  world_.append_numbered(20'000);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  ReplayRequest request;
  request.rate = 1000;
  const auto begun = std::chrono::steady_clock::now();
  ASSERT_TRUE(is_ok(runner.replay(request)));
  world_.append_numbered(50'000);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  const auto replayed_then = runner.snapshot().replay.sent;
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
  EXPECT_LE(static_cast<double>(replayed_then), 1000 * (passed.count() + 1));
  EXPECT_EQ(runner.snapshot().books.acknowledged, 70'000U);
  runner.cancel_replay();
}

TEST_F(Replay, GoesOnAfterARestartWhereItWas) {
  world_.append_numbered(4000);
  ReplayRequest request;
  request.rate = 1500;
  std::uint64_t before = 0;
  {
    auto runner = world_.open(json_file());
    ASSERT_TRUE(is_ok(runner));
    (*runner)->start();
    ASSERT_TRUE(wait_until([&] { return (*runner)->snapshot().pending == 0; }));
    ASSERT_TRUE(is_ok((*runner)->replay(request)));
    ASSERT_TRUE(wait_until([&] { return (*runner)->snapshot().replay.acknowledged > 1600; }));
    (*runner)->stop(2s);
    before = (*runner)->snapshot().replay.acknowledged;
  }
  OutputRunner& runner = world_.run(json_file());
  ASSERT_TRUE(ended(runner));
  const std::size_t all = replayed(lines());
  EXPECT_GE(all, 4000U);
  EXPECT_LE(all, 4000U + before) << "what was replayed since the last saved place may come twice";
  EXPECT_GE(runner.snapshot().replay.acknowledged, 4000U);
}

TEST_F(Replay, ABrokenConnectionLosesNothingOfIt) {
  Receiver receiver;
  OutputRunner& runner = world_.run(syslog_to("tcp", Transport::tcp, receiver.port()));
  world_.append_numbered(3000);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  ReplayRequest request;
  request.rate = 4000;
  ASSERT_TRUE(is_ok(runner.replay(request)));
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.sent > 300; }));
  receiver.reset_all();
  ASSERT_TRUE(ended(runner));
  EXPECT_EQ(count_numbers(receiver.lines(), 3000).missing, 0U);
  EXPECT_GE(receiver.line_count(), 5000U);
  EXPECT_EQ(runner.snapshot().replay.acknowledged, 3000U);
  EXPECT_TRUE(is_balanced(runner.snapshot()));
}

TEST_F(Replay, ADeadLetterGetsAnotherTryAndGoesWhenItArrives) {
  Receiver receiver;
  OutputSettings lines = syslog_to("udp", Transport::tcp, receiver.port());
  lines.max_length = 10;  // too short even for a part: nothing fits
  world_.append(std::vector<std::string>{"short", std::string(500, 'x'), "also"});
  OutputRunner& runner = world_.run(lines);
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().pending == 0; }));
  ASSERT_EQ(runner.dead_letters()->count(), 1U);
  const std::uint64_t seq = runner.dead_letters()->numbers().at(0);
  runner.retry({seq});
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.letters_refused == 1; }));
  EXPECT_EQ(runner.dead_letters()->list(1).at(0).tries, 2U) << "it is still too long";
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.letters_waiting == 0; }));
  lines.max_length = 0;
  ASSERT_TRUE(is_ok(runner.update(lines)));
  runner.retry({seq});
  ASSERT_TRUE(wait_until([&] { return runner.dead_letters()->count() == 0; }));
  ASSERT_TRUE(wait_until([&] { return runner.snapshot().replay.letters_delivered == 1; }));
  EXPECT_NE(receiver.text().find(std::string(500, 'x')), std::string::npos);
  EXPECT_EQ(runner.snapshot().books.dropped[static_cast<std::size_t>(DropReason::parked)], 1U) << "its book stays";
  EXPECT_TRUE(is_balanced(runner.snapshot()));
}

TEST(OutputHistory, RemembersWhatWasSettledWhenAndMergesWhatIsOld) {
  OutputHistory history;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto time = static_cast<std::int64_t>(i) * 2'000'000'000;
    history.note({.from = i * 10, .to = i * 10 + 10, .first = time, .last = time, .acknowledged = 10});
  }
  EXPECT_FALSE(history.of(200'000));
  ASSERT_TRUE(history.of(199'999));
  EXPECT_EQ(history.of(199'999)->last, 19'999 * 2'000'000'000LL);
  ASSERT_TRUE(history.of(5));
  EXPECT_LE(history.of(5)->from, 5U);
  EXPECT_GT(history.of(5)->to, 5U);
  EXPECT_EQ(history.of(5)->dropped, 0U);
}

}  // namespace
}  // namespace thorlog
