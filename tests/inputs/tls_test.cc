#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "input_test.h"
#include "inputs/input_tls.h"
#include "tls_clients.h"

namespace thorlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Tls : public InputTest {
 protected:
  void open(ClientAuth auth = ClientAuth::none) {
    settings = input_on(InputType::tls, "127.0.0.1");
    const auto leaf = authority.issue("server", {"server", "DNS:localhost"});
    settings.tls = TlsSettings{leaf.certificate, leaf.key, auth == ClientAuth::none ? "" : authority.file(), auth,
                               TlsVersion::v1_2};
    InputTest::open(settings);
  }
  TlsOptions options(const std::string& name = "") {
    TlsOptions made{TlsOptions::Side::client, "", "", authority.file(), TlsOptions::Ask::nothing, false};
    if (name.empty()) return made;
    const auto leaf = authority.issue("client", {"common", "DNS:" + name});
    made.certificate = leaf.certificate;
    made.key = leaf.key;
    return made;
  }
  std::unique_ptr<TlsClient> connect(const TlsOptions& with, const std::string& from = "") {
    return std::make_unique<TlsClient>(with, port_of(*input), from);
  }
  bool shake_hands(TlsClient& client) {
    return bench->run_until([&] {
      client.step();
      return client.tls().state() != TlsStream::State::handshake;
    }) && client.is_open();
  }
  bool send(TlsClient& client, std::string_view text) {
    while (!text.empty()) {
      text.remove_prefix(client.tls().write(text));
      if (!bench->run_until([&] {
            client.step();
            return client.tls().outgoing().empty();
          }))
        return false;
    }
    return true;
  }
  std::uint64_t refused() const { return InputTest::refused(RefuseReason::tls); }
  bool becomes_refused(std::uint64_t n) {
    return bench->run_until([&] { return refused() >= n; });
  }

  TestAuthority authority;
  InputSettings settings;
};

TEST_F(Tls, GivesLines) {
  open();
  const auto client = connect(options());
  ASSERT_TRUE(shake_hands(*client)) << client->tls().error();
  ASSERT_TRUE(send(*client, "<13>one\n<13>two\n\n<13>three\n"));
  ASSERT_TRUE(receive(3));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("<13>one", "<13>two", "<13>three"));
  EXPECT_EQ(bench->intake().seen[0].peer, "127.0.0.1:" + std::to_string(client->socket().port()));
  EXPECT_EQ(bench->intake().seen[0].identity, "");
}

TEST_F(Tls, GivesEveryLineOfALongStream) {
  open();
  const auto client = connect(options());
  ASSERT_TRUE(shake_hands(*client));
  std::string text;
  std::vector<std::string> lines;
  for (int i = 0; i < 50'000; ++i) {
    lines.push_back("line " + std::to_string(i) + std::string(static_cast<std::size_t>(i) % 50, '.'));
    text += lines.back() + "\n";
  }
  ASSERT_TRUE(send(*client, text));
  ASSERT_TRUE(receive(lines.size()));
  EXPECT_EQ(bench->intake().lines(), lines);
}

TEST_F(Tls, EndsWithCloseNotifyOrWithout) {
  open();
  const auto polite = connect(options());
  ASSERT_TRUE(shake_hands(*polite));
  ASSERT_TRUE(send(*polite, "whole\nhalf of the polite"));
  polite->tls().close();
  ASSERT_TRUE(bench->run_until([&] {
    polite->step();
    return polite->tls().state() == TlsStream::State::ended;
  })) << "the input says its own good-bye";
  const auto rude = connect(options());
  ASSERT_TRUE(shake_hands(*rude));
  ASSERT_TRUE(send(*rude, "half of the rude"));
  rude->socket().close();
  ASSERT_TRUE(receive(3));
  EXPECT_THAT(bench->intake().lines(), ElementsAre("whole", "half of the polite", "half of the rude"));
  EXPECT_EQ(refused(), 0U);
}

TEST_F(Tls, KnowsAPeerByItsCertificate) {
  open(ClientAuth::require);
  const auto client = connect(options("agent-7.example.org"));
  ASSERT_TRUE(shake_hands(*client)) << client->tls().error();
  ASSERT_TRUE(send(*client, "a line\n"));
  ASSERT_TRUE(receive(1));
  EXPECT_EQ(bench->intake().seen[0].identity, "agent-7.example.org");
}

TEST_F(Tls, RefusesAndCountsWhoShowsNoGoodCertificate) {
  open(ClientAuth::require);
  const auto none = connect(options());
  none->tls().write("never seen\n");
  bench->run_until([&] { return !none->step(); });
  EXPECT_THAT(none->tls().error(), HasSubstr("certificate required"));
  EXPECT_EQ(refused(), 1U);

  TestAuthority other("Another authority");
  const auto leaf = other.issue("stranger", {"stranger", "DNS:stranger"});
  TlsOptions stranger = options();
  stranger.certificate = leaf.certificate;
  stranger.key = leaf.key;
  const auto wrong = connect(stranger);
  bench->run_until([&] { return !wrong->step(); });
  EXPECT_EQ(refused(), 2U);
  EXPECT_EQ(bench->received(), 0U);
  EXPECT_EQ(bench->intake().books(0).refused_connections, 2U);
}

TEST_F(Tls, RefusesWhoSpeaksWithoutTls) {
  open();
  Client plain(SOCK_STREAM, "127.0.0.1", port_of(*input));
  ASSERT_TRUE(plain.send("<13>Nov 27 10:00:00 host a line of plain text\n"));
  ASSERT_TRUE(becomes_refused(1));
  EXPECT_TRUE(bench->run_until([&] { return plain.ended(); }));
  EXPECT_EQ(bench->received(), 0U);
}

TEST_F(Tls, StuckHandshakesDoNotHoldUpAnHonestPeer) {
  open();
  std::vector<std::unique_ptr<TlsClient>> stuck;
  for (int i = 0; i < 200; ++i) {
    stuck.push_back(connect(options()));
    stuck.back()->begin();
  }
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().connections == stuck.size(); }));
  const auto honest = connect(options());
  honest->begin();
  for (int i = 0; i < 50; ++i) uv_run(bench->loop.uv(), UV_RUN_NOWAIT);
  EXPECT_FALSE(honest->is_open()) << "all places are taken";
  bench->clock.advance(600'000'000);  // the silent ones may be turned out now
  ASSERT_TRUE(shake_hands(*honest)) << honest->tls().error();
  ASSERT_TRUE(send(*honest, "honest\n"));
  ASSERT_TRUE(receive(1));
  EXPECT_GE(refused(), 1U);
}

TEST_F(Tls, GivesUpAHandshakeThatDoesNotEnd) {
  open();
  Client silent(SOCK_STREAM, "127.0.0.1", port_of(*input));
  const auto stuck = connect(options());
  stuck->begin();
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().connections == 2; }));
  for (int i = 0; i < 50; ++i) uv_run(bench->loop.uv(), UV_RUN_NOWAIT);
  EXPECT_EQ(refused(), 0U);
  bench->clock.advance(10'100'000'000);
  ASSERT_TRUE(becomes_refused(2));
  EXPECT_TRUE(bench->run_until([&] { return silent.ended() && input->snapshot().connections == 0; }));
}

TEST_F(Tls, WaitsWhileDownstreamIsFullButShakesHands) {
  open();
  const auto client = connect(options());
  bench->intake().room = false;
  ASSERT_TRUE(shake_hands(*client));
  ASSERT_TRUE(bench->run_until([&] { return client->step() && bench->intake().open_streams() == 1; }));
  ASSERT_TRUE(send(*client, "later\n"));
  ASSERT_TRUE(bench->run_until([&] { return input->snapshot().paused == 1; }));
  EXPECT_EQ(bench->received(), 0U);
  bench->intake().make_room();
  ASSERT_TRUE(receive(1));
}

TEST_F(Tls, AReloadTakesNewCertificatesAndKeepsConnections) {
  open();
  const auto before = connect(options());
  ASSERT_TRUE(shake_hands(*before));
  // The same files, of another authority.
  TestAuthority renewed("A new authority");
  const auto leaf = renewed.issue("server", {"server", "DNS:localhost"});
  settings.tls->certificate = leaf.certificate;
  settings.tls->key = leaf.key;
  input->update(settings);
  for (int i = 0; i < 50; ++i) uv_run(bench->loop.uv(), UV_RUN_NOWAIT);
  const auto old_authority = connect(options());
  bench->run_until([&] { return !old_authority->step(); });
  EXPECT_THAT(old_authority->tls().error(), HasSubstr("refused"));
  TlsOptions new_options = options();
  new_options.ca = renewed.file();
  const auto after = connect(new_options);
  ASSERT_TRUE(shake_hands(*after)) << after->tls().error();
  ASSERT_TRUE(send(*before, "still here\n"));
  ASSERT_TRUE(send(*after, "new\n"));
  ASSERT_TRUE(receive(2));
  // Files that can't be used change nothing.
  settings.tls->key = "/nowhere";
  input->update(settings);
  const auto still = connect(new_options);
  EXPECT_TRUE(shake_hands(*still));
}

TEST_F(Tls, ErrorsNameTheInputTheKeyAndTheFile) {
  settings = input_on(InputType::tls, "127.0.0.1");
  const auto leaf = authority.issue("server", {"server", "DNS:localhost"});
  const auto other = authority.issue("other", {"other", "DNS:localhost"});
  settings.tls = TlsSettings{leaf.certificate, other.key, "", ClientAuth::none, TlsVersion::v1_2};
  const Status checked = check_input_tls(std::span(&settings, 1));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message(), "input 'test', tls: `key` '" + other.key +
                                           "' is not the key of `certificate` '" + leaf.certificate + "'");
  EXPECT_FALSE(Input::open(settings, std::span(&settings, 1), 1));
}

}  // namespace
}  // namespace thorlog
