#include "loop/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <stdexcept>

#include "loop/certificates.h"

namespace thorlog {
namespace {

using State = TlsStream::State;
using ::testing::HasSubstr;

TestAuthority& authority() {
  static TestAuthority made;
  return made;
}

TlsOptions server_options(const TestAuthority::Wish& wish = {"server", "DNS:localhost,IP:127.0.0.1,IP:::1"}) {
  const auto leaf = authority().issue("server", wish);
  return {TlsOptions::Side::server, leaf.certificate, leaf.key, "", TlsOptions::Ask::nothing, false};
}

TlsOptions client_options() {
  return {TlsOptions::Side::client, "", "", authority().file(), TlsOptions::Ask::nothing, false};
}

SharedTls context(const TlsOptions& options) {
  auto made = TlsContext::make(options);
  if (!made) throw std::runtime_error(made.error().message());
  return *made;
}

// Two streams with a wire between them, on which all goes in pieces of `step` bytes.
class Pair {
 public:
  Pair(const TlsOptions& server_side, const TlsOptions& client_side, const std::string& host = "localhost",
       std::size_t step = 1U << 20)
      : server_context_(context(server_side)),
        client_context_(context(client_side)),
        server(*server_context_),
        client(*client_context_, host),
        step_(step) {}

  // Until neither has anything to say.
  Pair& talk() {
    while (!client.outgoing().empty() || !server.outgoing().empty()) {
      move(client, server, at_server);
      move(server, client, at_client);
    }
    return *this;
  }

 private:
  SharedTls server_context_, client_context_;

 public:
  TlsStream server, client;
  std::string at_server, at_client;  // plaintext

 private:
  void move(TlsStream& from, TlsStream& to, std::string& read) const {
    const std::string wire(from.outgoing().substr(0, step_));
    from.sent(wire.size());
    to.feed(wire);
    std::array<char, 1000> bytes{};
    while (const std::size_t n = to.read(bytes)) read.append(bytes.data(), n);
  }

  std::size_t step_;
};

TEST(Tls, CarriesBytesBothWays) {
  Pair pair(server_options(), client_options());
  EXPECT_EQ(pair.client.state(), State::handshake);
  pair.talk();
  ASSERT_EQ(pair.client.state(), State::open) << pair.client.error();
  ASSERT_EQ(pair.server.state(), State::open) << pair.server.error();
  EXPECT_STREQ(pair.server.version(), "TLSv1.3");
  EXPECT_EQ(pair.client.write("to the server"), 13U);
  EXPECT_EQ(pair.server.write("to the client"), 13U);
  pair.talk();
  EXPECT_EQ(pair.at_server, "to the server");
  EXPECT_EQ(pair.at_client, "to the client");
  EXPECT_EQ(pair.client.peer_identity(), "localhost");
  EXPECT_EQ(pair.server.peer_identity(), "");
}

TEST(Tls, CarriesTheSameHoweverTheWireIsCut) {
  std::string text;
  for (int i = 0; text.size() < 40'000; ++i) text += "line " + std::to_string(i) + "\n";
  for (const std::size_t step : {1U, 2U, 3U, 5U, 7U, 100U, 1449U, 16'406U}) {
    Pair pair(server_options(), client_options(), "localhost", step);
    pair.talk();
    ASSERT_EQ(pair.server.state(), State::open) << pair.server.error() << " in steps of " << step;
    EXPECT_EQ(pair.client.write(text), text.size());
    pair.talk();
    EXPECT_EQ(pair.at_server, text) << "in steps of " << step;
  }
}

TEST(Tls, SpeaksVersion12WhereAsked) {
  const SharedTls server_side = context(server_options());
  const SharedTls client_side = context(client_options());
  SSL_CTX_set_max_proto_version(client_side->ssl(), TLS1_2_VERSION);
  TlsStream server_stream(*server_side);
  TlsStream client_stream(*client_side, "localhost");
  for (int i = 0; i < 10; ++i) {
    const std::string there(client_stream.outgoing());
    client_stream.sent(there.size());
    server_stream.feed(there);
    const std::string back(server_stream.outgoing());
    server_stream.sent(back.size());
    client_stream.feed(back);
  }
  EXPECT_EQ(server_stream.state(), State::open) << server_stream.error();
  EXPECT_STREQ(client_stream.version(), "TLSv1.2");
}

TEST(Tls, RefusesVersionsBelowTheConfiguredOne) {
  TlsOptions strict = server_options();
  strict.only_1_3 = true;
  const SharedTls server_side = context(strict);
  const SharedTls client_side = context(client_options());
  SSL_CTX_set_max_proto_version(client_side->ssl(), TLS1_2_VERSION);
  TlsStream server_stream(*server_side);
  TlsStream client_stream(*client_side, "localhost");
  server_stream.feed(client_stream.outgoing());
  EXPECT_EQ(server_stream.state(), State::failed);
  EXPECT_THAT(server_stream.error(), HasSubstr("unsupported protocol"));
}

TEST(Tls, ClientsVerifyTheHostByNameOrAddress) {
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) {
    Pair pair(server_options(), client_options(), host);
    EXPECT_EQ(pair.talk().client.state(), State::open) << host << ": " << pair.client.error();
  }
  for (const char* host : {"elsewhere.example", "127.0.0.2"}) {
    Pair pair(server_options(), client_options(), host);
    pair.talk();
    EXPECT_EQ(pair.client.state(), State::failed) << host;
    EXPECT_THAT(pair.client.error(), HasSubstr("mismatch")) << host;
    EXPECT_EQ(pair.server.state(), State::failed) << "the alert reaches the other side";
    EXPECT_THAT(pair.server.error(), HasSubstr("the peer refused"));
  }
}

TEST(Tls, ClientsRefuseAnAuthorityTheyDoNotKnow) {
  const TestAuthority other("Another authority");
  TlsOptions client = client_options();
  client.ca = other.file();
  Pair pair(server_options(), client);
  pair.talk();
  EXPECT_EQ(pair.client.state(), State::failed);
  EXPECT_THAT(pair.client.error(), HasSubstr("unable to get local issuer certificate"));
}

TEST(Tls, ClientsRefuseWhatHasExpiredOrIsNotYetValid) {
  Pair old(server_options({"server", "DNS:localhost", -7200, -3600}), client_options());
  old.talk();
  EXPECT_EQ(old.client.state(), State::failed);
  EXPECT_THAT(old.client.error(), HasSubstr("certificate has expired"));
  Pair early(server_options({"server", "DNS:localhost", 3600, 7200}), client_options());
  early.talk();
  EXPECT_EQ(early.client.state(), State::failed);
  EXPECT_THAT(early.client.error(), HasSubstr("certificate is not yet valid"));
}

TEST(Tls, ServersKnowTheirClientsByTheirCertificates) {
  TlsOptions server = server_options();
  server.ca = authority().file();
  server.ask = TlsOptions::Ask::require;
  TlsOptions client = client_options();
  const auto identity_of = [&](const TestAuthority::Wish& wish) {
    const auto leaf = authority().issue("client", wish);
    client.certificate = leaf.certificate;
    client.key = leaf.key;
    Pair pair(server, client);
    pair.talk();
    EXPECT_EQ(pair.server.state(), State::open) << pair.server.error();
    return pair.server.peer_identity();
  };
  EXPECT_EQ(identity_of({"common", "IP:10.0.0.7,DNS:agent-7.example.org,DNS:second.example.org"}),
            "agent-7.example.org");
  EXPECT_EQ(identity_of({"common", ""}), "common");
  EXPECT_EQ(identity_of({"two words\r\n<13>", ""}),
            "two?words?"
            "?<13>")
      << "it goes into records and logs";
}

TEST(Tls, ServersRefuseClientsWithoutAGoodCertificate) {
  TlsOptions server = server_options();
  server.ca = authority().file();
  for (const auto ask : {TlsOptions::Ask::request, TlsOptions::Ask::require}) {
    server.ask = ask;
    Pair without(server, client_options());
    without.talk();
    if (ask == TlsOptions::Ask::request) {
      EXPECT_EQ(without.server.state(), State::open) << without.server.error();
      EXPECT_EQ(without.server.peer_identity(), "");
    } else {
      EXPECT_EQ(without.server.state(), State::failed);
      EXPECT_THAT(without.server.error(), HasSubstr("peer did not return a certificate"));
      EXPECT_EQ(without.client.state(), State::failed) << "of TLS 1.3 it learns after its handshake";
      EXPECT_THAT(without.client.error(), HasSubstr("certificate required"));
    }
    const TestAuthority other("Another authority");
    const auto leaf = other.issue("client", {"stranger", "DNS:stranger"});
    TlsOptions stranger = client_options();
    stranger.certificate = leaf.certificate;
    stranger.key = leaf.key;
    Pair pair(server, stranger);
    pair.talk();
    EXPECT_EQ(pair.server.state(), State::failed);
    EXPECT_THAT(pair.server.error(), HasSubstr("unable to get local issuer certificate"));
    EXPECT_EQ(pair.server.peer_identity(), "");
  }
}

TEST(Tls, SaysWhenAPeerSpeaksNoTls) {
  for (const char* plain : {"<13>Nov 27 10:00:00 host THOR: a line\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"}) {
    const SharedTls side = context(server_options());
    TlsStream server(*side);
    server.feed(plain);
    EXPECT_EQ(server.state(), State::failed);
    EXPECT_THAT(server.error(), HasSubstr("is the peer speaking without TLS?"));
  }
}

TEST(Tls, EndsWithCloseNotify) {
  Pair pair(server_options(), client_options());
  pair.talk();
  pair.client.write("last words");
  pair.client.close();
  EXPECT_EQ(pair.client.write("too late"), 0U);
  pair.talk();
  EXPECT_EQ(pair.at_server, "last words");
  EXPECT_EQ(pair.server.state(), State::ended);
  EXPECT_EQ(pair.server.write("an answer"), 9U) << "the other way is still open";
  pair.server.close();
  pair.talk();
  EXPECT_EQ(pair.at_client, "an answer");
  EXPECT_EQ(pair.client.state(), State::ended);
}

TEST(Tls, FailsOnBytesThatWereChanged) {
  Pair pair(server_options(), client_options());
  pair.talk();
  pair.client.write("genuine");
  std::string wire(pair.client.outgoing());
  wire[wire.size() - 3] = static_cast<char>(wire[wire.size() - 3] ^ 1);
  pair.server.feed(wire);
  std::array<char, 100> bytes{};
  EXPECT_EQ(pair.server.read(bytes), 0U);
  EXPECT_EQ(pair.server.state(), State::failed);
  EXPECT_THAT(pair.server.error(), HasSubstr("bad record mac"));
}

TEST(Tls, TakesNoMoreThanItHasRoomFor) {
  Pair pair(server_options(), client_options());
  pair.talk();
  const std::string much(4 * TlsStream::kFull, 'x');
  const std::size_t taken = pair.client.write(much);
  EXPECT_GE(taken, TlsStream::kFull - 20'000);
  EXPECT_LT(pair.client.outgoing().size(), TlsStream::kFull + 20'000);
  EXPECT_EQ(pair.client.write("more"), 0U);
  pair.talk();
  EXPECT_EQ(pair.at_server, much.substr(0, taken));
  EXPECT_EQ(pair.client.write("more"), 4U);
}

// Key updates are the one thing of TLS 1.3 that a peer can make us answer for nothing.
TEST(Tls, APeerThatOnlyAsksAndNeverReadsIsGivenUp) {
  const SharedTls server_side = context(server_options());
  const SharedTls client_side = context(client_options());
  TlsStream server(*server_side);
  SSL* client = SSL_new(client_side->ssl());
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO* from_client = BIO_new(BIO_s_mem());
  SSL_set_bio(client, to_client, from_client);
  SSL_set_connect_state(client);
  std::array<char, 65'536> bytes{};
  const auto client_to_server = [&] {
    for (int n = 0; (n = BIO_read(from_client, bytes.data(), static_cast<int>(bytes.size()))) > 0;) {
      server.feed({bytes.data(), static_cast<std::size_t>(n)});
      std::array<char, 100> plain{};
      while (server.read(plain) > 0) {
      }
    }
  };
  for (int i = 0; i < 5; ++i) {
    SSL_do_handshake(client);
    client_to_server();
    BIO_write(to_client, server.outgoing().data(), static_cast<int>(server.outgoing().size()));
    server.sent(server.outgoing().size());
  }
  ASSERT_EQ(server.state(), State::open) << server.error();
  std::size_t most = 0;
  for (int i = 0; i < 40'000 && server.state() == State::open; ++i) {
    SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(client);
    client_to_server();
    most = std::max(most, server.outgoing().size());
  }
  SSL_free(client);
  EXPECT_LE(most, 2 * TlsStream::kFull);
}

// Whether a client of version 1.2 that asks for a second handshake gets it.
bool renegotiates(const SharedTls& server_side) {
  const SharedTls client_side = context(client_options());
  SSL_CTX_set_max_proto_version(client_side->ssl(), TLS1_2_VERSION);
  SSL_CTX_clear_options(client_side->ssl(), SSL_OP_NO_RENEGOTIATION);
  SSL* client = SSL_new(client_side->ssl());
  BIO* to_client = BIO_new(BIO_s_mem());
  BIO* from_client = BIO_new(BIO_s_mem());
  SSL_set_bio(client, to_client, from_client);
  SSL_set_connect_state(client);
  TlsStream server(*server_side);
  const auto shake_hands = [&] {
    for (int i = 0; i < 5; ++i) {
      if (SSL_do_handshake(client) == 1 && BIO_pending(from_client) == 0) return true;
      std::array<char, 65'536> bytes{};
      const int n = BIO_read(from_client, bytes.data(), static_cast<int>(bytes.size()));
      if (n > 0) server.feed({bytes.data(), static_cast<std::size_t>(n)});
      std::array<char, 100> plain{};
      EXPECT_EQ(server.read(plain), 0U);
      BIO_write(to_client, server.outgoing().data(), static_cast<int>(server.outgoing().size()));
      server.sent(server.outgoing().size());
    }
    return false;
  };
  EXPECT_TRUE(shake_hands()) << server.error();
  EXPECT_EQ(SSL_renegotiate(client), 1);
  const bool again = shake_hands();
  SSL_free(client);
  return again;
}

TEST(Tls, RefusesToRenegotiate) {
  const SharedTls side = context(server_options());
  EXPECT_FALSE(renegotiates(side));
  SSL_CTX_clear_options(side->ssl(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_options(side->ssl(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  EXPECT_TRUE(renegotiates(side)) << "the test itself can tell";
}

std::string error_of(const TlsOptions& options) {
  const auto made = TlsContext::make(options);
  return made ? "no error" : made.error().message();
}

TEST(TlsContext, SaysWhichFileIsWrongAndHow) {
  const TlsOptions good = server_options();
  EXPECT_EQ(error_of(good), "no error");
  TlsOptions bad = good;
  bad.certificate = "/nowhere/c.pem";
  EXPECT_EQ(error_of(bad), "reading `certificate` '/nowhere/c.pem': No such file or directory");
  bad = good;
  bad.key = authority().issue("other", {"other"}).key;
  EXPECT_EQ(error_of(bad), "`key` '" + bad.key + "' is not the key of `certificate` '" + good.certificate + "'");
  bad = good;
  bad.key = good.certificate;
  EXPECT_THAT(error_of(bad), HasSubstr("`key` '" + bad.key + "' holds no key in PEM form"));
  bad = good;
  bad.certificate = good.key;
  EXPECT_THAT(error_of(bad), HasSubstr("`certificate` '" + bad.certificate + "' holds no certificate in PEM form"));
  bad = good;
  bad.ca = good.key;
  EXPECT_THAT(error_of(bad), HasSubstr("`ca` '" + bad.ca + "' holds no certificate of an authority"));
  bad = good;
  bad.ask = TlsOptions::Ask::require;
  EXPECT_EQ(error_of(bad), "`client_auth` needs `ca`: name the PEM file of whom to believe");
  bad = good;
  bad.key.clear();
  EXPECT_THAT(error_of(bad), HasSubstr("`key` is missing"));
  bad = good;
  bad.certificate.clear();
  EXPECT_THAT(error_of(bad), HasSubstr("`certificate` is missing"));
  const std::string empty = authority().folder() + "/empty.pem";
  std::ofstream(empty).close();
  bad = good;
  bad.ca = empty;
  EXPECT_EQ(error_of(bad), "`ca` '" + empty + "' is empty: it must hold PEM text");
}

TEST(TlsContext, ReadsTheFilesOnceSoThatANewOneTakesNewFiles) {
  const TlsOptions options = server_options();
  const SharedTls before = context(options);
  authority().issue("server", {"server", "DNS:renewed.example"});
  const SharedTls after = context(options);
  const SharedTls client_side = context(client_options());
  for (const auto& [side, host] : {std::pair{before, "localhost"}, std::pair{after, "renewed.example"}}) {
    TlsStream server(*side);
    TlsStream client(*client_side, host);
    server.feed(client.outgoing());
    client.feed(server.outgoing());
    EXPECT_EQ(client.state(), State::open) << client.error();
  }
}

}  // namespace
}  // namespace thorlog
