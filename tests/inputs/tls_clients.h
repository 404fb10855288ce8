// A TLS client on a socket of the loopback, driven by the test that also runs the input's loop.
#pragma once

#include <array>
#include <string>

#include "clients.h"
#include "loop/certificates.h"
#include "loop/tls.h"

namespace thorlog {

class TlsClient {
 public:
  TlsClient(const TlsOptions& options, std::uint16_t port, const std::string& from = "")
      : context_(*TlsContext::make(options)),
        client_(SOCK_STREAM, "127.0.0.1", port, from),
        tls_(*context_, "localhost") {
    EXPECT_TRUE(client_.connected());
  }

  // Moves bytes both ways as far as they go now; false when the other side has ended.
  bool step() {
    const std::string out(tls_.outgoing());
    if (!out.empty()) {
      if (!client_.send(out)) return false;
      tls_.sent(out.size());
    }
    std::array<char, 65'536> bytes{};
    const ssize_t n = ::recv(client_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    const bool ended = n == 0 || (n < 0 && errno != EAGAIN);
    if (n > 0) tls_.feed({bytes.data(), static_cast<std::size_t>(n)});
    std::array<char, 65'536> plain{};
    while (const std::size_t got = tls_.read(plain)) read.append(plain.data(), got);
    return !ended;
  }
  // Its first message only.
  void begin() {
    const std::string out(tls_.outgoing());
    EXPECT_TRUE(client_.send(out));
    tls_.sent(out.size());
  }
  bool is_open() const { return tls_.state() == TlsStream::State::open; }
  TlsStream& tls() { return tls_; }
  Client& socket() { return client_; }

  std::string read;  // plaintext

 private:
  SharedTls context_;
  Client client_;
  TlsStream tls_;
};

}  // namespace thorlog
