#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "clients.h"
#include "input_test.h"
#include "thorlog/event.h"

namespace thorlog {
namespace {

using ::testing::ElementsAre;

InputSettings udp_on(const std::string& host, std::uint16_t port = 0) { return input_on(InputType::udp, host, port); }

class Udp : public InputTest {};

TEST_F(Udp, GivesEachDatagramAsAFrameWithoutItsTrailer) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  for (const char* text : {"one\n", "two\r\n", "three", "fo\nur\n"}) ASSERT_TRUE(client.send_datagram(text));
  ASSERT_TRUE(client.send_datagram(std::string_view("fi\0ve\n\0\0", 8)));
  ASSERT_TRUE(receive(5));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("one", "two", "three", "fo\nur", std::string("fi\0ve", 5)));
  EXPECT_EQ(bench->intake().seen[0].peer, "127.0.0.1:" + std::to_string(client.port()));
  EXPECT_EQ(bench->intake().seen[0].received, bench->clock.wall());
  EXPECT_EQ(bench->intake().streams.size(), 1U);
  EXPECT_EQ(bench->intake().streams[0]->address, "127.0.0.1");
  EXPECT_TRUE(bench->intake().streams[0]->datagrams);
}

TEST_F(Udp, CountsEmptyDatagramsApart) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  for (const char* text : {"", "\n", "\r\n", "x"}) ASSERT_TRUE(client.send_datagram(text));
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(bench->intake().books(0).empty, 3U);
  EXPECT_THAT(bench->intake().lines(), ElementsAre("x"));
}

TEST_F(Udp, TakesTheLargestDatagramWhole) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  const std::string largest(65'507, 'x');
  ASSERT_TRUE(client.send_datagram(largest));
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(bench->intake().seen[0].bytes, largest);
}

TEST_F(Udp, CutsWhatIsLongerThanMaxMessageIntoFlaggedPieces) {
  InputSettings settings = udp_on("127.0.0.1");
  settings.max_message = 1000;
  open(settings);
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(client.send_datagram(std::string(1000, 'a')));
  ASSERT_TRUE(client.send_datagram(std::string(2500, 'b')));
  ASSERT_TRUE(receive(4));
  EXPECT_THAT(bench->intake().lines(), ElementsAre(std::string(1000, 'a'), std::string(1000, 'b'),
                                                   std::string(1000, 'b'), std::string(500, 'b')));
  EXPECT_EQ(bench->intake().seen[0].flags, 0U);
  for (int i = 1; i < 4; ++i) EXPECT_EQ(bench->intake().seen[static_cast<std::size_t>(i)].flags, flag::oversize);
}

TEST_F(Udp, TakesBothFamiliesOnTheUnspecifiedIPv6Address) {
  open(udp_on("::"));
  Client v4(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  Client v6(SOCK_DGRAM, "::1", port_of(*input));
  ASSERT_TRUE(v4.send_datagram("four"));
  ASSERT_TRUE(receive(1));
  ASSERT_TRUE(v6.send_datagram("six"));
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().seen[0].peer, "127.0.0.1:" + std::to_string(v4.port()));
  EXPECT_EQ(bench->intake().seen[1].peer, "[::1]:" + std::to_string(v6.port()));
}

TEST_F(Udp, LeavesIPv4ToTheInputThatHasItOnTheSamePort) {
  open(udp_on("0.0.0.0"));
  const std::uint16_t port = port_of(*input);
  const std::vector<InputSettings> both = {udp_on("0.0.0.0", port), udp_on("::", port)};
  EXPECT_FALSE(Input::open(both[1], std::span(&both[1], 1), 1)) << "alone it wants IPv4 too, which is taken";
  auto second = Input::open(both[1], both, 1);
  ASSERT_TRUE(second) << second.error().message();
}

TEST_F(Udp, OneStreamForAPeerWhateverItsPort) {
  open(udp_on("127.0.0.1"));
  Client first(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  Client second(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(first.send_datagram("a"));
  ASSERT_TRUE(receive(1));
  ASSERT_TRUE(second.send_datagram("b"));
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().streams.size(), 1U);
  EXPECT_EQ(bench->intake().seen[0].peer, "127.0.0.1:" + std::to_string(first.port()));
  EXPECT_EQ(bench->intake().seen[1].peer, "127.0.0.1:" + std::to_string(second.port()));
}

// The bench's clock stands still, so that all of these come close together: from some on the sockets are looked at by
// time. With few of them it ends, and begins again.
TEST_F(Udp, ReadsByTimeWhileDatagramsComeClose) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  std::vector<std::string> sent;
  for (std::uint64_t n = 1; n <= 50; ++n) {
    sent.push_back(std::to_string(n));
    ASSERT_TRUE(client.send_datagram(sent.back()));
    ASSERT_TRUE(receive(n));
  }
  EXPECT_EQ(bench->intake().lines(), sent);
}

TEST_F(Udp, WaitsForRoomAlsoWhileItReadsByTime) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  for (std::uint64_t n = 1; n <= 9; ++n) {
    ASSERT_TRUE(client.send_datagram("before"));
    ASSERT_TRUE(receive(n));
  }
  bench->intake().room = false;
  ASSERT_TRUE(client.send_datagram("waits"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused > 0; }));
  EXPECT_EQ(bench->received(), 9U);
  bench->intake().make_room();
  ASSERT_TRUE(receive(10));
  ASSERT_TRUE(client.send_datagram("after"));
  ASSERT_TRUE(receive(11));
  EXPECT_EQ(bench->intake().lines().back(), "after");
}

// Every address of 127/8 is ours, so it makes many senders.
TEST_F(Udp, SteersASenderToOneWorkerAndManyToAll) {
  constexpr std::size_t kWorkers = 3;
  open(udp_on("0.0.0.0"), kWorkers);
  constexpr int kSenders = 60;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < kSenders; ++i) {  // a new port each time
      const std::string address = "127.0.0." + std::to_string(i + 1);
      Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input), address);
      ASSERT_TRUE(client.send_datagram(address));
    }
  }
  ASSERT_TRUE(receive(3 * kSenders));
  std::map<std::string, std::set<std::size_t>> workers_of;
  for (std::size_t w = 0; w < kWorkers; ++w) {
    EXPECT_GT(bench->intake(w).seen.size(), 0U) << "worker " << w;
    for (const Seen& one : bench->intake(w).seen) workers_of[one.bytes].insert(w);
  }
  EXPECT_EQ(workers_of.size(), static_cast<std::size_t>(kSenders));
  for (const auto& [sender, workers] : workers_of) EXPECT_EQ(workers.size(), 1U) << sender;
}

TEST_F(Udp, SteersIPv6SendersToo) {
  constexpr std::size_t kWorkers = 3;
  open(udp_on("::"), kWorkers);
  const std::vector<std::string> senders = {"fd00::1",       "fd00::2", "fd00:0:1::1", "fd01::1", "2001:db8::7:1",
                                            "2001:db8::8:1", "fd00::3", "fd00::4",     "fd00::5", "fd00::6"};
  for (int round = 0; round < 3; ++round) {
    for (const std::string& sender : senders) {
      Client client(SOCK_DGRAM, "::1", port_of(*input), sender);
      if (!client.connected()) GTEST_SKIP() << "this kernel routes nothing from addresses that are not its own";
      ASSERT_TRUE(client.send_datagram(sender));
    }
  }
  ASSERT_TRUE(receive(3 * senders.size()));
  std::map<std::string, std::set<std::size_t>> workers_of;
  for (std::size_t w = 0; w < kWorkers; ++w) {
    EXPECT_GT(bench->intake(w).seen.size(), 0U) << "worker " << w;
    for (const Seen& one : bench->intake(w).seen) {
      EXPECT_EQ(one.peer.substr(0, one.bytes.size() + 2), "[" + one.bytes + "]");
      workers_of[one.bytes].insert(w);
    }
  }
  EXPECT_EQ(workers_of.size(), senders.size());
  for (const auto& [sender, workers] : workers_of) EXPECT_EQ(workers.size(), 1U) << sender;
}

TEST_F(Udp, RefusesToShareItsPortWithASecondDaemon) {
  open(udp_on("127.0.0.1"), 2);
  auto second = bench->open(udp_on("127.0.0.1", port_of(*input)));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sys, EADDRINUSE);
  EXPECT_THAT(second.error().message(), ::testing::HasSubstr("127.0.0.1:"));
}

TEST_F(Udp, TellsTheReceiveBufferItWasGranted) {
  InputSettings settings = udp_on("127.0.0.1");
  settings.receive_buffer = 1 << 20;
  open(settings);
  EXPECT_EQ(input->snapshot().receive_buffer_asked, 1U << 20);
  EXPECT_EQ(input->snapshot().receive_buffer_granted, 1U << 20);
}

TEST_F(Udp, LosesNoneUncounted) {
  InputSettings settings = udp_on("127.0.0.1");
  settings.receive_buffer = 64 << 10;
  open(settings);
  bench->intake().keep = false;
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  constexpr std::uint64_t kSent = 20'000;
  const std::string line(500, 'x');
  for (std::uint64_t i = 0; i < kSent; ++i) {
    ASSERT_TRUE(client.send_datagram(line));
    if (i % 4000 == 0) bench->run_until([before = bench->received(), this] { return bench->received() > before; });
  }
  EXPECT_TRUE(bench->run_until([&] { return bench->received() + input->snapshot().kernel_drops >= kSent; }));
  EXPECT_GT(bench->received(), 0U);
  EXPECT_GT(input->snapshot().kernel_drops, 0U) << "the test is to overrun the buffer";
  EXPECT_EQ(bench->received() + input->snapshot().kernel_drops, kSent);
  EXPECT_EQ(bench->intake().books(0).kernel_drops, input->snapshot().kernel_drops);
}

TEST_F(Udp, CountsInTheRightBooksAfterAReloadHasMovedThem) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(client.send_datagram("\n"));
  ASSERT_TRUE(client.send_datagram("x"));
  ASSERT_TRUE(receive(1));
  bench->intake().add_inputs();
  bench->intake().refuse = RefuseReason::journal_full;
  ASSERT_TRUE(client.send_datagram("\n"));
  ASSERT_TRUE(client.send_datagram("y"));
  ASSERT_TRUE(receive(2));
  EXPECT_EQ(bench->intake().books(0).empty, 2U);
  EXPECT_EQ(bench->intake().books(0).refused[static_cast<std::size_t>(RefuseReason::journal_full)], 1U);
}

TEST_F(Udp, StopsReadingForAMomentAndGoesOn) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  bench->intake().room = false;
  ASSERT_TRUE(client.send_datagram("waits"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  EXPECT_EQ(bench->received(), 0U);
  bench->intake().make_room();
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(input->snapshot().paused, 0U);
  EXPECT_THAT(bench->intake().lines(), ElementsAre("waits"));
}

TEST_F(Udp, ReadsAndRefusesWhileTheJournalIsFull) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  bench->intake().room = false;
  bench->intake().refuse = RefuseReason::journal_full;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(client.send_datagram("no"));
  ASSERT_TRUE(receive(100));
  const InputBooks& books = bench->intake().books(0);
  EXPECT_EQ(books.refused[static_cast<std::size_t>(RefuseReason::journal_full)], 100U);
  EXPECT_EQ(books.received, 100U);
  EXPECT_EQ(books.emitted, 0U);
  EXPECT_EQ(books.bytes, 200U);
}

TEST_F(Udp, BeginsToRefuseWhenAShortPauseBecomesALongOne) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  bench->intake().room = false;
  ASSERT_TRUE(client.send_datagram("x"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  bench->intake().refuse = RefuseReason::journal_failed;
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(bench->intake().books(0).refused[static_cast<std::size_t>(RefuseReason::journal_failed)], 1U);
}

TEST_F(Udp, RefusesPeersThatAreNotAllowed) {
  InputSettings settings = udp_on("0.0.0.0");
  settings.allow = {*parse_address_range("127.0.0.2/32")};
  open(settings);
  Client good(SOCK_DGRAM, "127.0.0.1", port_of(*input), "127.0.0.2");
  Client bad(SOCK_DGRAM, "127.0.0.1", port_of(*input), "127.0.0.3");
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(good.send_datagram("good"));
    ASSERT_TRUE(bad.send_datagram("bad"));
  }
  ASSERT_TRUE(receive(10));
  EXPECT_EQ(bench->intake().seen.size(), 5U);
  EXPECT_EQ(bench->intake().books(0).refused[static_cast<std::size_t>(RefuseReason::not_allowed)], 5U);
  EXPECT_EQ(bench->intake().streams.size(), 1U) << "who is refused takes no place";
}

TEST_F(Udp, AppliesNewLimitsToOldPeers) {
  open(udp_on("0.0.0.0"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(client.send_datagram("a"));
  ASSERT_TRUE(receive(1));
  InputSettings settings = udp_on("0.0.0.0");
  settings.allow = {*parse_address_range("10.0.0.0/8")};
  input->update(settings);
  std::uint64_t sent = 1;
  const auto& refused = bench->intake().books(0).refused[static_cast<std::size_t>(RefuseReason::not_allowed)];
  ASSERT_TRUE(bench->run_until([&] {
    sent += client.send_datagram("b") ? 1 : 0;
    return refused > 0;
  }));
  input->update(udp_on("0.0.0.0"));
  const std::size_t seen = bench->intake().seen.size();
  ASSERT_TRUE(bench->run_until([&] {
    sent += client.send_datagram("c") ? 1 : 0;
    return bench->intake().seen.size() > seen;
  }));
  ASSERT_TRUE(receive(sent));
  EXPECT_EQ(bench->intake().streams.size(), 1U);
}

TEST_F(Udp, RefusesWhatIsOverTheRateLimitOfItsPeerOnly) {
  InputSettings settings = udp_on("0.0.0.0");
  settings.rate_limit = RateLimit{10, std::chrono::seconds(1), 20};
  open(settings);
  Client noisy(SOCK_DGRAM, "127.0.0.1", port_of(*input), "127.0.0.2");
  Client calm(SOCK_DGRAM, "127.0.0.1", port_of(*input), "127.0.0.3");
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(noisy.send_datagram("noisy"));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(calm.send_datagram("calm"));
  ASSERT_TRUE(receive(70));
  const auto& refused = bench->intake().books(0).refused[static_cast<std::size_t>(RefuseReason::rate_limit)];
  EXPECT_EQ(refused, 30U);
  EXPECT_EQ(bench->intake().seen.size(), 40U);
  bench->clock.advance(1'000'000'000);  // ten more
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(noisy.send_datagram("noisy"));
  ASSERT_TRUE(receive(82));
  EXPECT_EQ(refused, 32U);
}

TEST_F(Udp, StopsWithEverythingThatHadArrived) {
  open(udp_on("127.0.0.1"), 2);
  for (int i = 0; i < 40; ++i) {
    Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
    for (int k = 0; k < 50; ++k) ASSERT_TRUE(client.send_datagram("last words"));
  }
  ASSERT_TRUE(bench->stop(*input));
  input.reset();
  EXPECT_EQ(bench->received(), 2000U);
}

TEST_F(Udp, StopsInTimeWhenThereIsNoRoomAndCountsWhatItRefused) {
  open(udp_on("127.0.0.1"));
  Client client(SOCK_DGRAM, "127.0.0.1", port_of(*input));
  bench->intake().room = false;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(client.send_datagram("late"));
  ASSERT_TRUE(bench->stop(*input));
  input.reset();
  const InputBooks& books = bench->intake().books(0);
  EXPECT_EQ(books.received, 1000U);
  EXPECT_EQ(books.refused[static_cast<std::size_t>(RefuseReason::journal_full)], 1000U);
}

TEST_F(Udp, MayBeOpenedAndThrownAway) {
  bench = std::make_unique<Bench>(2);
  auto opened = bench->open(udp_on("127.0.0.1"));
  ASSERT_TRUE(opened);
}

}  // namespace
}  // namespace thorlog
