#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "input_test.h"
#include "inputs/relp_session.h"
#include "tls_clients.h"

namespace thorlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::string kOpen = "1 open 61 relp_version=0\nrelp_software=librelp,1.11.0,x\ncommands=syslog\n";

std::string welcome() {
  const std::string data = "200 OK\n" + std::string(relp_offers());
  return "1 rsp " + std::to_string(data.size()) + " " + data + "\n";
}
std::string line(int txnr, const std::string& text) {
  return std::to_string(txnr) + " syslog " + std::to_string(text.size()) + (text.empty() ? "" : " " + text) + "\n";
}
std::string acknowledged(int txnr) { return std::to_string(txnr) + " rsp 6 200 OK\n"; }

// ---- the session alone

std::vector<std::string> lines_of(RelpSession& session, const std::string& wire, bool left = false,
                                  std::uint64_t emitted = 0) {
  const std::string readable = wire + std::string(kReadAhead, '\n');
  session.feed(std::string_view(readable).substr(0, wire.size()));
  std::vector<std::string> all;
  for (Frame frame; session.next(frame);) {
    all.emplace_back(frame.bytes);
    session.offered(left, emitted);
  }
  return all;
}
std::string answers(RelpSession& session) {
  std::string text(session.outgoing().view());
  session.outgoing().clear();
  return text;
}

TEST(RelpSession, AcknowledgesInOrderWhenTheRecordsAreDurable) {
  RelpSession session(1000);
  EXPECT_THAT(lines_of(session, kOpen + line(2, "a") + line(3, "b") + line(4, "c\n")), ElementsAre("a", "b", "c"));
  EXPECT_EQ(answers(session), welcome());
  EXPECT_FALSE(session.acknowledge(1000)) << "nobody has said yet which records they are";
  session.settled(10);
  EXPECT_FALSE(session.acknowledge(9));
  EXPECT_TRUE(session.waits());
  EXPECT_TRUE(session.acknowledge(10));
  EXPECT_EQ(answers(session), acknowledged(2) + acknowledged(3) + acknowledged(4));
  EXPECT_FALSE(session.waits());
}

TEST(RelpSession, ALineThatIsHeldIsNotAcknowledgedBeforeItHasLeft) {
  RelpSession session(1000);
  lines_of(session, kOpen + line(2, "a"));
  session.settled(1);
  lines_of(session, line(3, "the head of a line"));  // held: nothing is settled
  EXPECT_TRUE(session.acknowledge(100));
  EXPECT_EQ(answers(session), welcome() + acknowledged(2));
  lines_of(session, line(4, "its tail"));
  session.settled(2);
  EXPECT_FALSE(session.acknowledge(1));
  EXPECT_TRUE(session.acknowledge(2));
  EXPECT_EQ(answers(session), acknowledged(3) + acknowledged(4));
}

TEST(RelpSession, LinesBehindOneThatIsHeldDoNotWaitWithIt) {
  RelpSession session(100);
  lines_of(session, kOpen + line(2, "before"), true, 1);
  lines_of(session, line(3, "the head of a line"));
  lines_of(session, line(4, "of another host"), true, 2);
  lines_of(session, line(5, "likewise"), true, 3);
  lines_of(session, line(6, std::string(150, 'x')), true, 5);  // in pieces: waits until nothing is held
  EXPECT_TRUE(session.acknowledge(2));
  EXPECT_EQ(answers(session), welcome() + acknowledged(2) + acknowledged(4));
  EXPECT_TRUE(session.acknowledge(3));
  EXPECT_FALSE(session.acknowledge(100));
  EXPECT_EQ(answers(session), acknowledged(5)) << "and none of them twice";
  EXPECT_TRUE(session.waits());
  session.settled(6);
  EXPECT_FALSE(session.acknowledge(5));
  EXPECT_TRUE(session.acknowledge(6));
  EXPECT_EQ(answers(session), acknowledged(3) + acknowledged(6));
  EXPECT_FALSE(session.waits());
  lines_of(session, line(7, "next"), true, 7);
  EXPECT_TRUE(session.acknowledge(7));
  EXPECT_EQ(answers(session), acknowledged(7));
}

TEST(RelpSession, NoMoreThanABoundGoesBehindALineThatIsHeld) {
  RelpSession session(100);
  lines_of(session, kOpen + line(2, "held"));
  std::uint64_t emitted = 0;
  std::size_t read = 1;
  while (!session.full() && read < 2 * RelpSession::kMostBehind) {
    lines_of(session, line(static_cast<int>(++read) + 1, "x"), true, ++emitted);
    session.acknowledge(emitted);
    answers(session);
  }
  EXPECT_EQ(read, RelpSession::kMostBehind);
  session.settled(emitted + 1);
  EXPECT_TRUE(session.acknowledge(emitted + 1));
  EXPECT_EQ(answers(session), acknowledged(2));
  EXPECT_FALSE(session.full());
}

TEST(RelpSession, PiecesOfALongLineAreAcknowledgedOnce) {
  RelpSession session(4);
  EXPECT_THAT(lines_of(session, kOpen), IsEmpty()) << "an open must fit";
  RelpSession other(100);
  lines_of(other, kOpen);
  answers(other);
  EXPECT_THAT(lines_of(other, line(2, std::string(250, 'x'))),
              ElementsAre(std::string(100, 'x'), std::string(100, 'x'), std::string(50, 'x')));
  other.settled(3);
  other.acknowledge(3);
  EXPECT_EQ(answers(other), acknowledged(2));
}

TEST(RelpSession, LinesWithoutAByteAreCountedAndAcknowledged) {
  RelpSession session(100);
  EXPECT_THAT(lines_of(session, kOpen + line(2, "") + line(3, "\n") + line(4, "x")), ElementsAre("x"));
  answers(session);
  session.settled(1);
  session.acknowledge(1);
  EXPECT_EQ(answers(session), acknowledged(2) + acknowledged(3) + acknowledged(4));
  EXPECT_EQ(session.empty_frames(), 2U);
}

TEST(RelpSession, AnswersCloseWhenAllIsAcknowledged) {
  RelpSession session(100);
  lines_of(session, kOpen + line(2, "a") + "3 close 0\n");
  EXPECT_TRUE(session.ends());
  answers(session);
  session.settled(1);
  session.acknowledge(1);
  session.say_goodbye();
  session.say_goodbye();
  EXPECT_EQ(answers(session), acknowledged(2) + "3 rsp 0\n0 serverclose 0\n");
}

TEST(RelpSession, RefusesWhatItDoesNotKnowAndEndsOnWhatIsNoRelp) {
  RelpSession session(100);
  EXPECT_THAT(lines_of(session, kOpen + "2 starttls 0\n" + line(3, "a")), ElementsAre("a"));
  EXPECT_EQ(answers(session), welcome() + "2 rsp 19 500 unknown command\n");
  EXPECT_THAT(lines_of(session, "no relp\n"), IsEmpty());
  EXPECT_TRUE(session.ends());
  EXPECT_NE(session.error(), "");

  RelpSession early(100);
  EXPECT_THAT(lines_of(early, line(1, "a")), IsEmpty());
  EXPECT_THAT(early.error(), HasSubstr("before `open`"));
  RelpSession unversioned(100);
  lines_of(unversioned, "1 open 15 commands=syslog\n");
  EXPECT_THAT(answers(unversioned), HasSubstr("500 relp_version is missing"));
  EXPECT_TRUE(unversioned.ends());
}

TEST(RelpSession, InTroubleItRefusesToOpenAndEndsOnALine) {
  RelpSession fresh(100);
  fresh.set_trouble("no disk");
  lines_of(fresh, kOpen);
  EXPECT_EQ(answers(fresh), "1 rsp 11 500 no disk\n");
  EXPECT_TRUE(fresh.ends());
  RelpSession session(100);
  lines_of(session, kOpen);
  answers(session);
  session.set_trouble("no disk");
  EXPECT_THAT(lines_of(session, line(2, "a")), IsEmpty());
  EXPECT_TRUE(session.ends());
  session.say_goodbye();
  EXPECT_EQ(answers(session), "0 serverclose 0\n") << "a 500 would have librelp throw the line away";
}

TEST(RelpSession, IsFullWhenTooMuchWaits) {
  RelpSession session(100);
  lines_of(session, kOpen);
  std::string wire;
  for (std::size_t i = 0; i < RelpSession::kWindow; ++i) wire += line(static_cast<int>(i) + 2, "x");
  EXPECT_FALSE(session.full());
  lines_of(session, wire);
  EXPECT_TRUE(session.full());
  session.settled(1);
  session.acknowledge(1);
  EXPECT_TRUE(session.full()) << "the client must read its answers";
  answers(session);
  EXPECT_FALSE(session.full());
}

// ---- the input

class Relp : public InputTest {
 protected:
  void open(std::size_t budget = 64 << 20) { InputTest::open(settings, 1, budget); }
  std::unique_ptr<Client> connect() { return std::make_unique<Client>(SOCK_STREAM, "127.0.0.1", port_of(*input)); }
  static std::string read(Client& client, std::string& text) {
    std::array<char, 65'536> bytes{};
    for (ssize_t n = 0; (n = ::recv(client.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT)) > 0;)
      text.append(bytes.data(), static_cast<std::size_t>(n));
    return text;
  }
  bool answers(Client& client, const std::string& wanted) {
    std::string text;
    const bool right = bench->run_until([&] { return read(client, text).size() >= wanted.size(); });
    EXPECT_EQ(text, wanted);
    return right && text == wanted;
  }
  bool ends(Client& client) {
    return bench->run_until([&] { return client.ended(); });
  }
  void turns(int n) {
    for (int i = 0; i < n; ++i) {
      bench->run_until([once = false]() mutable { return std::exchange(once, true); });
    }
  }

  InputSettings settings = input_on(InputType::relp, "127.0.0.1");
};

TEST_F(Relp, GivesLinesAndAcknowledgesThem) {
  open();
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen + line(2, "<13>one") + line(3, "<13>two\nlines")));
  ASSERT_TRUE(answers(*client, welcome() + acknowledged(2) + acknowledged(3)));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("<13>one", "<13>two\nlines"));
  EXPECT_TRUE(bench->intake().seen[0].counted);
  EXPECT_TRUE(bench->intake().seen[0].more);
  EXPECT_FALSE(bench->intake().seen[1].more);
}

TEST_F(Relp, AcknowledgesNothingThatIsNotDurableOrIsHeld) {
  open();
  bench->intake().durable_records = 0;
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen + line(2, "one")));
  ASSERT_TRUE(answers(*client, welcome()));
  turns(20);
  EXPECT_TRUE(answers(*client, ""));
  bench->intake().durable_records = 1;
  ASSERT_TRUE(answers(*client, acknowledged(2)));
  bench->intake().held_frames = 1;
  bench->intake().durable_records = 100;
  ASSERT_TRUE(client->send(line(3, "two")));
  ASSERT_TRUE(bench->run_until([&] { return bench->received() == 2; }));
  turns(20);
  EXPECT_TRUE(answers(*client, ""));
  bench->intake().held_frames = 0;
  ASSERT_TRUE(answers(*client, acknowledged(3)));
}

TEST_F(Relp, TheSameHoweverTheStreamIsCut) {
  open();
  const std::string wire = kOpen + line(2, "first line") + line(3, "") + line(4, "second line") + "5 close 0\n";
  for (std::size_t cut = 1; cut < wire.size(); cut += 3) {
    bench->intake().seen.clear();
    const auto client = connect();
    ASSERT_TRUE(client->send(wire.substr(0, cut)));
    turns(2);
    ASSERT_TRUE(client->send(wire.substr(cut)));
    ASSERT_TRUE(answers(
        *client, welcome() + acknowledged(2) + acknowledged(3) + acknowledged(4) + "5 rsp 0\n0 serverclose 0\n"))
        << "cut at " << cut;
    EXPECT_TRUE(ends(*client));
    EXPECT_THAT(bench->intake().lines(), ElementsAre("first line", "second line")) << "cut at " << cut;
  }
}

TEST_F(Relp, APeerThatHalfClosesIsStillAcknowledged) {
  open();
  bench->intake().durable_records = 0;
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen + line(2, "one")));
  client->finish();
  ASSERT_TRUE(answers(*client, welcome()));
  bench->intake().durable_records = 1;
  ASSERT_TRUE(answers(*client, acknowledged(2) + "0 serverclose 0\n"));
  EXPECT_TRUE(ends(*client));
}

TEST_F(Relp, ReadsNoMoreThanItsWindow) {
  open();
  bench->intake().durable_records = 0;
  const auto client = connect();
  std::string wire = kOpen;
  for (int i = 0; i < 50'000; ++i) wire += line(i + 2, "x");
  std::size_t sent = 0;
  for (int quiet = 0; quiet < 50;) {
    const std::size_t n = client->send_some(std::string_view(wire).substr(sent));
    sent += n;
    quiet = n == 0 || sent == wire.size() ? quiet + 1 : 0;
    turns(1);
  }
  const std::uint64_t window = bench->received();
  EXPECT_GE(window, RelpSession::kWindow);
  EXPECT_LT(window, RelpSession::kWindow + 65'536 / 14);
  bench->intake().durable_records = ~std::uint64_t{0};
  std::string text;
  ASSERT_TRUE(bench->run_until([&] {
    sent += client->send_some(std::string_view(wire).substr(sent));
    read(*client, text);
    return bench->received() == 50'000 && text.ends_with(acknowledged(50'001));
  }));
}

TEST_F(Relp, WithAFailedJournalClientsAreSentAway) {
  open();
  const auto idle = connect();
  ASSERT_TRUE(idle->send(kOpen));
  ASSERT_TRUE(answers(*idle, welcome()));
  bench->intake().durable_records = 0;
  const auto waiting = connect();
  ASSERT_TRUE(waiting->send(kOpen + line(2, "in the way to the journal")));
  ASSERT_TRUE(answers(*waiting, welcome()));
  bench->intake().room = false;
  bench->intake().refuse = RefuseReason::journal_failed;
  ASSERT_TRUE(answers(*waiting, "0 serverclose 0\n"));
  EXPECT_TRUE(ends(*waiting));
  ASSERT_TRUE(idle->send(line(2, "a line")));
  ASSERT_TRUE(answers(*idle, "0 serverclose 0\n"));
  const auto late = connect();
  ASSERT_TRUE(late->send(kOpen));
  ASSERT_TRUE(answers(*late, "1 rsp 32 500 the journal can't be written\n0 serverclose 0\n"));
  EXPECT_TRUE(ends(*late));
  EXPECT_EQ(bench->received(), 1U);
}

TEST_F(Relp, WaitsWhileTheJournalIsFull) {
  open();
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen));
  ASSERT_TRUE(answers(*client, welcome()));
  bench->intake().room = false;
  bench->intake().refuse = RefuseReason::journal_full;
  ASSERT_TRUE(client->send(line(2, "a line")));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  bench->intake().refuse = RefuseReason::count;
  bench->intake().make_room();
  ASSERT_TRUE(answers(*client, acknowledged(2)));
}

TEST_F(Relp, AtTheEndWhatWasReadIsAcknowledgedAndClientsAreTold) {
  open();
  bench->intake().held_frames = 1;  // until the stream is closed
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen + line(2, "held")));
  ASSERT_TRUE(answers(*client, welcome()));
  ASSERT_TRUE(bench->run_until([&] { return bench->received() == 1; }));
  ASSERT_TRUE(bench->stop(*input));
  std::string text;
  EXPECT_EQ(read(*client, text), acknowledged(2) + "0 serverclose 0\n");
  input.reset();
}

TEST_F(Relp, EndsAConnectionThatSpeaksNoRelp) {
  open();
  const auto client = connect();
  ASSERT_TRUE(client->send("<13>a plain line\n"));
  EXPECT_TRUE(answers(*client, "0 serverclose 0\n"));
  EXPECT_TRUE(ends(*client));
  EXPECT_EQ(bench->received(), 0U);
}

TEST_F(Relp, EndsAConnectionWhoseHalfLineThereIsNoMemoryFor) {
  open(1 << 20);
  const auto client = connect();
  ASSERT_TRUE(client->send(kOpen));
  ASSERT_TRUE(answers(*client, welcome()));
  const std::string half = "2 syslog 3000000 " + std::string(2'000'000, 'x');
  std::size_t sent = 0;
  EXPECT_TRUE(bench->run_until([&] {
    sent += client->send_some(std::string_view(half).substr(sent));
    return client->ended();
  }));
  EXPECT_EQ(bench->received(), 0U);
}

TEST_F(Relp, SpeaksTlsToo) {
  TestAuthority authority;
  const auto leaf = authority.issue("server", {"server", "DNS:localhost"});
  const auto own = authority.issue("client", {"client", "DNS:relay.example.org"});
  settings.tls = TlsSettings{leaf.certificate, leaf.key, authority.file(), ClientAuth::require, TlsVersion::v1_2};
  open();
  TlsClient client(
      {TlsOptions::Side::client, own.certificate, own.key, authority.file(), TlsOptions::Ask::nothing, false},
      port_of(*input));
  ASSERT_TRUE(bench->run_until([&] { return client.step() && client.is_open(); })) << client.tls().error();
  std::string wire = kOpen;
  std::string wanted = welcome();
  for (int i = 2; i < 5000; ++i) {
    wire += line(i, "line " + std::to_string(i));
    wanted += acknowledged(i);
  }
  wire += "5000 close 0\n";
  wanted += "5000 rsp 0\n0 serverclose 0\n";
  std::string_view left = wire;
  ASSERT_TRUE(bench->run_until([&] {
    left.remove_prefix(client.tls().write(left));
    client.step();
    return client.read.size() >= wanted.size();
  }));
  EXPECT_EQ(client.read, wanted);
  EXPECT_EQ(bench->received(), 4998U);
  EXPECT_EQ(bench->intake().seen[0].identity, "relay.example.org");
}

}  // namespace
}  // namespace thorlog
