#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <numeric>

#include "clients.h"
#include "input_test.h"
#include "thorlog/event.h"

namespace thorlog {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;

constexpr std::int64_t kSecond = 1'000'000'000;

InputSettings tcp_on(const std::string& host, std::uint16_t port = 0) { return input_on(InputType::tcp, host, port); }

class Tcp : public InputTest {
 protected:
  Client connect(const std::string& from = "") {
    Client client(SOCK_STREAM, "127.0.0.1", port_of(*input), from);
    EXPECT_TRUE(client.connected());
    return client;
  }
  bool connections(std::uint64_t n) {
    return bench->run_until([&] { return input->snapshot().connections == n; });
  }
  // The connection is there for the worker, and everything sent so far was read.
  void settle() {
    for (int i = 0; i < 20; ++i) uv_run(bench->loop.uv(), UV_RUN_NOWAIT);
  }

  // At least so many milliseconds of the loop's life: its own timers, which look at the test's clock, have come.
  void ticks(std::uint64_t n) {
    const std::uint64_t beats = bench->loop.beats();
    ASSERT_TRUE(bench->run_until([&] { return bench->loop.beats() > beats + n; }));
  }
};

TEST_F(Tcp, GivesEachLineAsAFrame) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("one\ntwo\r\n\n<190>three\n"));
  ASSERT_TRUE(receive(3));
  const auto& seen = bench->intake().seen;
  EXPECT_THAT(bench->intake().lines(), ElementsAre("one", "two", "<190>three"));
  EXPECT_EQ(seen[0].peer, "127.0.0.1:" + std::to_string(client.port()));
  EXPECT_EQ(seen[0].received, bench->clock.wall());
  EXPECT_EQ(bench->intake().books(0).empty, 1U);
  EXPECT_EQ(bench->intake().books(0).connections, 1U);
}

TEST_F(Tcp, StampsALineWithTheTimeOfItsFirstByte) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  const std::int64_t start = bench->clock.wall();
  ASSERT_TRUE(client.send("first\nbeg"));
  ASSERT_TRUE(receive(1));
  settle();
  for (const char* more : {"un ", "earlier\nnext\n", "and a half"}) {
    bench->clock.advance(kSecond);
    ASSERT_TRUE(client.send(more));
    settle();
  }
  bench->clock.advance(kSecond);
  client.close();
  ASSERT_TRUE(receive(4));
  std::vector<std::int64_t> seconds;
  for (const Seen& one : bench->intake().seen) seconds.push_back((one.received - start) / kSecond);
  EXPECT_THAT(bench->intake().lines(), ElementsAre("first", "begun earlier", "next", "and a half"));
  EXPECT_THAT(seconds, ElementsAre(0, 0, 2, 3));
}

TEST_F(Tcp, SaysWhichFramesHaveAnotherBehindThem) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("one\ntwo\nthree\n\n\nfou"));
  ASSERT_TRUE(receive(3));
  ASSERT_TRUE(client.send("r\nfive\n"));
  ASSERT_TRUE(receive(5));
  std::vector<bool> more;
  for (const Seen& one : bench->intake().seen) more.push_back(one.more);
  EXPECT_THAT(bench->intake().lines(), ElementsAre("one", "two", "three", "four", "five"));
  EXPECT_THAT(more, ElementsAre(true, true, false, true, false));
}

TEST_F(Tcp, TakesIPv6AndIPv4OnTheUnspecifiedIPv6Address) {
  open(tcp_on("::"));
  Client v6(SOCK_STREAM, "::1", port_of(*input));
  Client v4(SOCK_STREAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(v6.send("six\n"));
  ASSERT_TRUE(receive(1));
  ASSERT_TRUE(v4.send("four\n"));
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().seen[0].peer, "[::1]:" + std::to_string(v6.port()));
  EXPECT_EQ(bench->intake().seen[1].peer, "127.0.0.1:" + std::to_string(v4.port()));
}

TEST_F(Tcp, LeavesIPv4ToTheInputThatHasItOnTheSamePort) {
  open(tcp_on("0.0.0.0"));
  const std::vector<InputSettings> both = {tcp_on("0.0.0.0", port_of(*input)), tcp_on("::", port_of(*input))};
  auto second = Input::open(both[1], both, 1);
  ASSERT_TRUE(second) << second.error().message();
}

TEST_F(Tcp, SaysWhenItsPortIsTaken) {
  open(tcp_on("127.0.0.1"));
  auto second = bench->open(tcp_on("127.0.0.1", port_of(*input)));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sys, EADDRINUSE);
}

TEST_F(Tcp, ReadsCountedFramesWithLineFeedsInside) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("12 <190>one\ntwo11 <190>three\n"));
  ASSERT_TRUE(receive(2));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("<190>one\ntwo", "<190>three"));
  EXPECT_TRUE(bench->intake().seen[0].counted);
}

TEST_F(Tcp, DoesNotTakeTheYearOfAnAgentLineForACount) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("2025/02/12 14:24:34 ASGARD_GENERIC: Info: {\"level\":\"INFO\"}\n"));
  ASSERT_TRUE(receive(1));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("2025/02/12 14:24:34 ASGARD_GENERIC: Info: {\"level\":\"INFO\"}"));
}

TEST_F(Tcp, TakesAStreamByteByByte) {
  open(tcp_on("127.0.0.1"));
  Client lines = connect();
  for (const char byte : std::string_view("<190>one line\n2025 two\n")) {
    ASSERT_TRUE(lines.send({&byte, 1}));
    settle();
  }
  Client counted = connect();
  for (const char byte : std::string_view("15 <190>three\nmore14 <190>four\nmore")) {
    ASSERT_TRUE(counted.send({&byte, 1}));
    settle();
  }
  ASSERT_TRUE(receive(4));
  EXPECT_THAT(bench->intake().lines(),
              ElementsAre("<190>one line", "2025 two", "<190>three\nmore", "<190>four\nmore"));
}

TEST_F(Tcp, DecidesForALineAfterAMomentOfSilence) {
  open(tcp_on("127.0.0.1"));
  const std::string head = "43 Oct  8";
  const std::string rest = " 11:37:54 host THOR: Info: MODULE: x\n";
  Client quick = connect();
  ASSERT_TRUE(quick.send(head));
  ASSERT_TRUE(connections(1));
  ticks(60);
  ASSERT_TRUE(quick.send(rest));
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(bench->intake().lines()[0], "Oct  8 11:37:54 host THOR: Info: MODULE: x");
  EXPECT_TRUE(bench->intake().seen[0].counted);

  Client slow = connect();
  ASSERT_TRUE(slow.send(head));
  ASSERT_TRUE(connections(2));
  settle();
  bench->clock.advance(kSecond / 5);
  ticks(60);
  ASSERT_TRUE(slow.send(rest));
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().lines()[1], "43 Oct  8 11:37:54 host THOR: Info: MODULE: x");
  EXPECT_FALSE(bench->intake().seen[1].counted);
}

TEST_F(Tcp, GivesALongLineInPiecesAndKeepsTheConnection) {
  InputSettings settings = tcp_on("127.0.0.1");
  settings.max_message = 1 << 20;
  open(settings);
  Client client = connect();
  const std::string chunk(1 << 16, 'x');
  std::uint64_t sent = 0;
  while (sent < (20U << 20)) {  // without an end
    sent += client.send_some(chunk);
    settle();
  }
  ASSERT_TRUE(client.send("\nnext\n"));
  ASSERT_TRUE(
      bench->run_until([&] { return !bench->intake().seen.empty() && bench->intake().lines().back() == "next"; }));
  const auto& seen = bench->intake().seen;
  std::uint64_t got = 0;
  for (const Seen& one : seen) {
    EXPECT_LE(one.bytes.size(), 1U << 20);
    if (&one == &seen.back()) continue;
    EXPECT_NE(one.flags & flag::oversize, 0U);
    got += one.bytes.size();
  }
  EXPECT_EQ(got, sent);
  EXPECT_EQ(seen.back().flags, 0U);
  EXPECT_FALSE(client.ended());
}

TEST_F(Tcp, KeepsTheLinesAroundAnAbsurdCount) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  Client honest = connect();
  ASSERT_TRUE(client.send("99999999999 <190>x\nnext\n"));
  ASSERT_TRUE(honest.send("fine\n"));
  ASSERT_TRUE(receive(2));
  client.close();
  ASSERT_TRUE(connections(1));
  std::string all;
  for (const std::string& line : bench->intake().lines()) all += line + "|";
  EXPECT_THAT(all, ::testing::HasSubstr("fine"));
  EXPECT_THAT(all, ::testing::HasSubstr("<190>x"));
  EXPECT_THAT(all, ::testing::HasSubstr("next"));
}

TEST_F(Tcp, EmitsTheHalfLineOfAnEndedConnection) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("whole\nhalf"));
  client.close();
  ASSERT_TRUE(receive(2));
  ASSERT_TRUE(connections(0));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("whole", "half"));
  EXPECT_EQ(bench->intake().seen[1].flags, flag::unterminated);
  EXPECT_EQ(bench->intake().open_streams(), 0U);
}

TEST_F(Tcp, KeepsWhatCameBeforeAReset) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("before\nand a half"));
  ASSERT_TRUE(receive(1));
  settle();
  client.reset();
  ASSERT_TRUE(connections(0));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("before", "and a half"));
  EXPECT_EQ(bench->intake().seen[1].flags, flag::unterminated);
}

TEST_F(Tcp, EmitsAnIdleHalfLineAfterThirtySecondsAndKeepsTheConnection) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("whole\n<190>idle"));
  ASSERT_TRUE(receive(1));
  settle();
  bench->clock.advance(29 * kSecond);
  ASSERT_TRUE(client.send(" still"));
  settle();
  bench->clock.advance(29 * kSecond);  // since the last byte
  Client other = connect();
  ASSERT_TRUE(other.send("other\n"));
  ASSERT_TRUE(receive(2));
  bench->clock.advance(kSecond + 1);
  ASSERT_TRUE(receive(3));
  EXPECT_EQ(bench->intake().seen[2].bytes, "<190>idle still");
  EXPECT_EQ(bench->intake().seen[2].flags, flag::unterminated);
  ASSERT_TRUE(client.send(" rest\nnew\n"));
  ASSERT_TRUE(receive(5));
  EXPECT_EQ(bench->intake().seen[3].bytes, " rest");
  EXPECT_EQ(bench->intake().seen[4].bytes, "new");
  EXPECT_EQ(bench->intake().seen[4].flags, 0U);
}

TEST_F(Tcp, DoesNotBlameASenderForAPauseOfOurs) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(client.send("whole\nhalf"));
  ASSERT_TRUE(receive(1));
  settle();
  bench->intake().room = false;
  ASSERT_TRUE(client.send(" a line\n"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  bench->clock.advance(40 * kSecond);
  ticks(700);
  EXPECT_EQ(bench->received(), 1U);
  bench->intake().make_room();
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().seen[1].bytes, "half a line");
  EXPECT_EQ(bench->intake().seen[1].flags, 0U);
}

TEST_F(Tcp, HalfLinesStayWithinTheBudgetAndOthersAreNotDisturbed) {
  constexpr std::size_t kBudget = 4 << 20;
  open(tcp_on("0.0.0.0"), 1, kBudget);
  std::vector<Client> hostile;
  const std::string half(100'000, 'h');
  for (int i = 0; i < 100; ++i) {  // 10 MB of half lines, from ten addresses
    hostile.push_back(connect("127.0.1." + std::to_string(i % 10 + 1)));
    ASSERT_TRUE(hostile.back().send(half));
    settle();
    EXPECT_LE(bench->intake().budget().used(), kBudget);
    bench->clock.advance(kSecond / 100);
  }
  Client honest = connect();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(honest.send("a good "));
    settle();
    ASSERT_TRUE(honest.send("line\n"));
    settle();
  }
  const auto lines = bench->intake().lines();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "a good line"), 10);
  for (Client& client : hostile) EXPECT_FALSE(client.ended());
  for (const Seen& one : bench->intake().seen) {
    if (one.bytes[0] != 'h') continue;
    EXPECT_EQ(one.flags, flag::oversize | flag::unterminated);
  }
  for (Client& client : hostile) ASSERT_TRUE(client.send("END\n"));
  stop();
  std::uint64_t bytes = 0;
  for (const Seen& one : bench->intake().seen) {
    if (one.bytes != "a good line") bytes += one.bytes.size();
  }
  EXPECT_EQ(bytes, hostile.size() * (half.size() + 3)) << "not a byte is thrown away";
}

TEST_F(Tcp, OnePeerGetsAQuarterOfTheBudget) {
  constexpr std::size_t kBudget = 4 << 20;
  open(tcp_on("127.0.0.1"), 1, kBudget);
  std::vector<Client> clients;
  const std::string half(100'000, 'h');
  for (int i = 0; i < 30; ++i) {
    clients.push_back(connect());
    ASSERT_TRUE(clients.back().send(half));
    settle();
    EXPECT_LE(bench->intake().budget().used(), kBudget / 4);
  }
  EXPECT_GT(bench->intake().budget().used(), kBudget / 8);
}

TEST_F(Tcp, GivesEachConnectionToTheWorkerWithFewest) {
  open(tcp_on("127.0.0.1"), 3);
  std::vector<Client> clients;
  for (int i = 0; i < 30; ++i) clients.push_back(connect());
  ASSERT_TRUE(connections(30));
  for (const auto& context : bench->contexts) EXPECT_EQ(context->connections, 10U);
  settle();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(bench->intake(i).books(0).connections, 10U);
  for (int i = 0; i < 3; ++i) clients[static_cast<std::size_t>(i)].close();
  ASSERT_TRUE(connections(27));
  for (int i = 0; i < 3; ++i) clients.push_back(connect());
  ASSERT_TRUE(connections(30));
  for (const auto& context : bench->contexts) EXPECT_EQ(context->connections, 10U);
}

TEST_F(Tcp, RefusesMoreThanMaxConnections) {
  InputSettings settings = tcp_on("0.0.0.0");
  settings.max_connections = 5;
  open(settings);
  std::vector<Client> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(connect());
  ASSERT_TRUE(bench->run_until([&] { return refused(RefuseReason::too_many) == 3; }));
  ASSERT_TRUE(connections(5));
  settle();
  EXPECT_EQ(bench->intake().books(0).refused_connections, 3U);
  EXPECT_TRUE(clients[7].ended());
  clients[0].close();
  ASSERT_TRUE(connections(4));
  Client again = connect();
  ASSERT_TRUE(connections(5));
}

TEST_F(Tcp, RefusesMoreThanMaxConnectionsOfOnePeer) {
  InputSettings settings = tcp_on("0.0.0.0");
  settings.max_connections_per_peer = 2;
  open(settings);
  std::vector<Client> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(connect("127.0.0.2"));
  for (int i = 0; i < 2; ++i) clients.push_back(connect("127.0.0.3"));
  ASSERT_TRUE(bench->run_until([&] { return refused(RefuseReason::too_many) == 2; }));
  EXPECT_TRUE(connections(4));
}

TEST_F(Tcp, RefusesPeersThatAreNotAllowed) {
  InputSettings settings = tcp_on("0.0.0.0");
  settings.allow = {*parse_address_range("127.0.0.2/32")};
  open(settings);
  Client bad = connect("127.0.0.3");
  Client good = connect("127.0.0.2");
  bad.send("bad\n");
  ASSERT_TRUE(good.send("good\n"));
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(refused(RefuseReason::not_allowed), 1U);
  EXPECT_TRUE(bad.ended());
  EXPECT_THAT(bench->intake().lines(), ElementsAre("good"));
}

TEST_F(Tcp, AReloadChangesLimitsAndClosesNothing) {
  open(tcp_on("0.0.0.0"));
  Client first = connect();
  Client second = connect();
  ASSERT_TRUE(connections(2));
  InputSettings settings = tcp_on("0.0.0.0");
  settings.max_connections = 1;
  settings.allow = {*parse_address_range("10.0.0.0/8")};
  input->update(settings);
  Client third = connect();
  ASSERT_TRUE(bench->run_until([&] { return third.ended(); }));
  ASSERT_TRUE(first.send("first\n"));
  ASSERT_TRUE(second.send("second\n"));
  ASSERT_TRUE(receive(2));
  settings = tcp_on("0.0.0.0");
  settings.max_message = 4;
  input->update(settings);
  Client fourth = connect();
  ASSERT_TRUE(connections(3));
  ASSERT_TRUE(fourth.send("four and more\n"));
  ASSERT_TRUE(first.send("first again\n"));
  ASSERT_TRUE(receive(6));
  EXPECT_THAT(bench->intake().lines(), ::testing::IsSupersetOf({"four", " and", "first again"}));
}

TEST_F(Tcp, CountsInTheRightBooksAfterAReloadHasMovedThem) {
  InputSettings settings = tcp_on("127.0.0.1");
  settings.max_connections = 1;
  open(settings);
  Client client = connect();
  ASSERT_TRUE(client.send("\none\n"));
  ASSERT_TRUE(receive(1));
  bench->intake().add_inputs();
  Client refused_one = connect();
  ASSERT_TRUE(client.send("\ntwo\n"));
  ASSERT_TRUE(receive(2));
  ASSERT_TRUE(bench->run_until([&] { return bench->intake().books(0).refused_connections == 1; }));
  EXPECT_EQ(bench->intake().books(0).empty, 2U);
  client.close();
  ASSERT_TRUE(bench->run_until([&] { return bench->intake().books(0).connections == 0; }));
}

TEST_F(Tcp, StopsReadingWhileThereIsNoRoom) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(connections(1));
  bench->intake().room = false;
  bench->intake().keep = false;
  std::uint64_t sent = 0;
  const std::string line = std::string(999, 'x') + "\n";
  std::string batch;
  for (int i = 0; i < 1000; ++i) batch += line;
  for (int stuck = 0; stuck < 20;) {  // until the kernel's buffers are full
    const std::size_t n = client.send_some(batch);
    sent += n;
    stuck = n == 0 ? stuck + 1 : 0;
    settle();
  }
  EXPECT_EQ(bench->received(), 0U);
  EXPECT_EQ(input->snapshot().paused, 1U);
  bench->intake().make_room();
  ASSERT_TRUE(receive(sent / 1000));
  EXPECT_EQ(input->snapshot().paused, 0U);
}

TEST_F(Tcp, SlowsAPeerThatIsOverItsRateLimitAndLosesNothing) {
  InputSettings settings = tcp_on("0.0.0.0");
  settings.rate_limit = RateLimit{100, std::chrono::seconds(1), 100};
  open(settings);
  Client noisy = connect("127.0.0.2");
  Client calm = connect("127.0.0.3");
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "noisy\n";
  ASSERT_TRUE(noisy.send(lines));
  ASSERT_TRUE(receive(300));  // one read: into debt
  ASSERT_TRUE(noisy.send("later\n"));
  ASSERT_TRUE(calm.send("calm\n"));
  ASSERT_TRUE(receive(301));
  EXPECT_EQ(bench->intake().lines().back(), "calm");
  bench->clock.advance(kSecond);
  ASSERT_TRUE(calm.send("calm\n"));
  ASSERT_TRUE(receive(302));
  settle();
  EXPECT_EQ(bench->intake().lines().back(), "calm") << "still in debt";
  bench->clock.advance(2 * kSecond);
  ASSERT_TRUE(receive(303));
  EXPECT_EQ(bench->intake().lines().back(), "later");
}

TEST_F(Tcp, SurvivesTenThousandShortConnections) {
  open(tcp_on("127.0.0.1"), 2);
  constexpr int kConnections = 10'000;
  for (int i = 0; i < kConnections; ++i) {
    Client client = connect();
    ASSERT_TRUE(client.send("x\n"));
    if (i % 100 == 0) settle();
  }
  ASSERT_TRUE(receive(kConnections));
  ASSERT_TRUE(connections(0));
  EXPECT_EQ(bench->received(), static_cast<std::uint64_t>(kConnections));
}

TEST_F(Tcp, SurvivesWantOfFileDescriptors) {
  open(tcp_on("127.0.0.1"));
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect());  // in the backlog: they need no descriptor of ours yet
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const int next = ::dup(0);
  ::close(next);
  const rlimit few{static_cast<rlim_t>(next + 5), old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const bool all = bench->run_until(
      [&] { return input->snapshot().connections + refused(RefuseReason::too_many) == clients.size(); });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  EXPECT_TRUE(all);
  EXPECT_GE(refused(RefuseReason::too_many), 10U);
  EXPECT_GE(input->snapshot().connections, 4U);
  for (Client& client : clients) {
    EXPECT_TRUE(client.ended() || client.send("fine\n"));
  }
  EXPECT_TRUE(receive(input->snapshot().connections));
}

TEST_F(Tcp, StopsWithEverythingThatHadArrived) {
  open(tcp_on("127.0.0.1"), 2);
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(connect());
    for (int k = 0; k < 100; ++k) ASSERT_TRUE(clients.back().send("last words\n"));
    ASSERT_TRUE(clients.back().send("half"));
    ASSERT_TRUE(clients.back().delivered());
  }
  stop();  // none of them was accepted so far
  EXPECT_EQ(bench->received(), 20U * 101U);
  for (Client& client : clients) EXPECT_TRUE(client.ended());
}

TEST_F(Tcp, StopsInTimeWhenThereIsNoRoom) {
  open(tcp_on("127.0.0.1"));
  Client client = connect();
  ASSERT_TRUE(connections(1));
  bench->intake().room = false;
  ASSERT_TRUE(client.send("unread\n"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  stop();
  EXPECT_EQ(bench->received(), 0U);
}

TEST_F(Tcp, MayBeOpenedAndThrownAway) {
  bench = std::make_unique<Bench>(2);
  ASSERT_TRUE(bench->open(tcp_on("127.0.0.1")));
}

TEST(Inputs, SayWhichTypesAreNotBuiltYet) {
  InputSettings settings = input_on(InputType::standard_input, "127.0.0.1");
  auto opened = Input::open(settings, std::span(&settings, 1), 1);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message(), ::testing::HasSubstr("stdin"));
}

}  // namespace
}  // namespace thorlog
