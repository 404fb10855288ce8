// Syslog over TCP against a real receiver that goes away, resets, hangs and comes back.
#include <gtest/gtest.h>

#include "support.h"

namespace thorlog {
namespace {

TEST(SyslogTcp, BringsEveryLineOnceAndInOrder) {
  OutputWorld world;
  Receiver receiver;
  world.append_numbered(1000);
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  world.append_numbered(50'000);
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == world.numbered(); })) << receiver.line_count();
  const auto lines = receiver.lines();
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(std::stoul(lines[i].substr(7)), i);
    ASSERT_EQ(lines[i].size(), 100U);
  }
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const OutputSnapshot snapshot = output.snapshot();
  EXPECT_TRUE(is_balanced(snapshot));
  EXPECT_EQ(snapshot.books.acknowledged, world.numbered());
  EXPECT_EQ(snapshot.possibly_lost_bytes, 0U);
  EXPECT_EQ(snapshot.latency.total(), world.numbered());
}

TEST(SyslogTcp, CountsAsDeliveredOnlyAfterTwoSeconds) {
  OutputWorld world;
  Receiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  const auto began = std::chrono::steady_clock::now();
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == 10; }));
  ASSERT_TRUE(wait_until([&] { return output.snapshot().books.acknowledged == 10; }));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 1900ms);
}

TEST(SyslogTcp, CatchesUpAfterTheTargetWasAway) {
  OutputWorld world;
  Receiver receiver;
  receiver.stop_listening();
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  world.append_numbered(20'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::retrying; }));
  EXPECT_GT(output.snapshot().retries[static_cast<std::size_t>(Retry::refused)], 0U);
  EXPECT_EQ(output.snapshot().pending, world.numbered());
  EXPECT_NE(output.snapshot().oldest_pending, 0);
  EXPECT_FALSE(output.snapshot().last_error.empty());
  receiver.listen_again();
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == world.numbered(); }));
  const Count count = count_numbers(receiver.lines(), world.numbered());
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
}

TEST(SyslogTcp, SendsAgainWhatAResetPeerMayNotHaveRead) {
  OutputWorld world;
  Receiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  for (int round = 0; round < 4; ++round) {
    const std::size_t before = receiver.line_count();
    world.append_numbered(20'000);
    ASSERT_TRUE(wait_until([&] { return receiver.line_count() > before + 1000; }));
    round % 2 == 0 ? receiver.reset_all() : receiver.close_all();
  }
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(receiver.lines(), world.numbered());
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.foreign, 0U);
  EXPECT_GE(receiver.connections(), 3U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
  EXPECT_EQ(output.snapshot().books.acknowledged, world.numbered());
}

TEST(SyslogTcp, NoticesAPeerThatLeftWhileNothingWasToBeSent) {
  OutputWorld world;
  Receiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  receiver.close_all();
  ASSERT_TRUE(wait_until([&] { return receiver.connections() == 2; }));
  world.append_numbered(10);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(receiver.lines(), 20);
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
  EXPECT_EQ(output.snapshot().retries[static_cast<std::size_t>(Retry::closed)], 1U);
  EXPECT_EQ(output.snapshot().possibly_lost_bytes, 0U);
}

TEST(SyslogTcp, SendsLinesOfMegabytesWhole) {
  for (const Framing framing : {Framing::lf, Framing::octet}) {
    OutputWorld world(16U << 20);
    Receiver receiver;
    const std::string long_line(3U << 20, 'z');
    world.append(std::vector<std::string>{"first", long_line, "last"});
    OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port(), framing));
    ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
    const std::string wanted = framing == Framing::lf
                                   ? "first\n" + long_line + "\nlast\n"
                                   : "5 first" + std::to_string(long_line.size()) + " " + long_line + "4 last";
    EXPECT_TRUE(receiver.text() == wanted) << receiver.text().size();
  }
}

TEST(SyslogTcp, LosesNoMoreThanItSaysWhenAPeerHangsAndThenDies) {
  OutputWorld world;
  Receiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  receiver.read(false);
  world.append_numbered(100'000, 200);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::full; }));
  // The two seconds of the trailing cursor pass, and the peer has read nothing: its window says so.
  std::this_thread::sleep_for(2500ms);
  const std::uint64_t counted = output.snapshot().books.acknowledged;
  EXPECT_LT(counted, 5000U);  // while the buffer of a young connection grows nobody can tell
  receiver.reset_all();
  receiver.read(true);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0; }));
  const Count count = count_numbers(receiver.lines(), world.numbered());
  EXPECT_LE(count.missing, counted);
  EXPECT_LE(count.missing * 201, output.snapshot().possibly_lost_bytes);
  EXPECT_GT(output.snapshot().repeated_bytes, 0U);
}

TEST(SyslogTcp, CleanStopWaitsForThePeerAndThenNothingIsPending) {
  OutputWorld world;
  Receiver receiver;
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  world.append_numbered(30'000);
  output.stop(5s);
  const OutputSnapshot snapshot = output.snapshot();
  EXPECT_EQ(snapshot.state, OutputState::stopped);
  EXPECT_EQ(snapshot.pending, 0U);
  EXPECT_EQ(snapshot.books.acknowledged, world.numbered());
  EXPECT_EQ(receiver.line_count(), world.numbered());
}

TEST(SyslogTcp, StopsInTimeWhateverThePeerDoes) {
  for (const bool listening : {true, false}) {
    OutputWorld world;
    Receiver receiver;
    receiver.read(false);
    if (!listening) receiver.stop_listening();
    OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
    world.append_numbered(100'000, 200);
    wait_until([&] { return output.snapshot().state == OutputState::full; }, listening ? 5000ms : 50ms);
    const auto began = std::chrono::steady_clock::now();
    output.stop(500ms);
    EXPECT_LT(std::chrono::steady_clock::now() - began, 1500ms);
    EXPECT_TRUE(is_balanced(output.snapshot()));
  }
}

TEST(SyslogTcp, GoesOnWhereItWasAfterARestart) {
  OutputWorld world;
  Receiver receiver;
  const OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  world.append_numbered(5000);
  OutputRunner& first = world.run(settings);
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == 5000; }));
  world.stop(first);
  world.append_numbered(5000);
  OutputRunner& second = world.run(settings);
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == 10'000; }));
  ASSERT_TRUE(wait_until([&] { return second.snapshot().pending == 0; }));
  const Count count = count_numbers(receiver.lines(), world.numbered());
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
  EXPECT_EQ(second.snapshot().books.acknowledged, 10'000U);
}

TEST(SyslogTcp, CountsOctetsExactly) {
  OutputWorld world;
  Receiver receiver;
  world.append(std::vector<std::string>{"<14>plain", "two\nlines \\ and \x01", "x"});
  world.run(syslog_to("out", Transport::tcp, receiver.port(), Framing::octet));
  const std::string wanted =
      "9 <14>plain17 two\nlines \\ and \x01"
      "1 x";
  EXPECT_TRUE(wait_until([&] { return receiver.text().size() >= wanted.size(); }, 5s));
  EXPECT_EQ(receiver.text(), wanted);
}

TEST(SyslogTcp, KeepsOneRecordOneLineOverLf) {
  OutputWorld world;
  Receiver receiver;
  world.append(std::vector<std::string>{"good\n<13>evil", "back\\slash\r", "after"});
  world.run(syslog_to("out", Transport::tcp, receiver.port()));
  ASSERT_TRUE(wait_until([&] { return receiver.line_count() == 3; }));
  EXPECT_EQ(receiver.text(), "good\\x0A<13>evil\nback\\x5Cslash\\x0D\nafter\n");
}

TEST(SyslogTcp, UsesTheNextOfAPoolWhenTheFirstIsAway) {
  OutputWorld world;
  Receiver away;
  Receiver there;
  away.stop_listening();
  OutputSettings settings = syslog_to("out", Transport::tcp, away.port());
  settings.addresses.push_back({Transport::tcp, "127.0.0.1", there.port()});
  OutputRunner& output = world.run(settings);
  world.append_numbered(100);
  ASSERT_TRUE(wait_until([&] { return there.line_count() == 100; }));
  EXPECT_EQ(output.snapshot().target, settings.addresses[1].text());
}

TEST(SyslogTcp, FindsATargetByItsName) {
  OutputWorld world;
  Receiver receiver;
  OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  settings.addresses[0].host = "localhost";
  world.append_numbered(10);
  world.run(settings);
  EXPECT_TRUE(wait_until([&] { return receiver.line_count() == 10; }));
}

}  // namespace
}  // namespace thorlog
