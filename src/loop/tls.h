// TLS without a socket: bytes in, bytes out (OpenSSL, versions 1.2 and 1.3). Both sides of a connection, for whoever
// owns the socket: inputs are servers, outputs are clients.
//
//   TlsContext   certificate, key, authorities: read from files once, never changed, shared by many streams on any
//                thread. To read the files again make a new one; streams that run keep theirs.
//   TlsStream    one connection; belongs to one thread.
//
// The way of a connection, on either side:
//
//   TlsStream tls(context, "logs.example.org");   // a server gives no host
//   for (;;) {
//     write to the socket what tls.outgoing() holds, then tls.sent(n);      // after each step below
//     read from the socket, then tls.feed(bytes);
//     while (const std::size_t n = tls.read(buffer)) use(n);
//     look at tls.state(): failed? say tls.error(), write out outgoing() (an alert for the peer), close the socket.
//                          ended?  the peer said that it sends no more. Close.
//     when open: tls.write(plaintext)
//   }
//
// A connection that just ends, without the peer's close_notify, is not seen here: the socket says it. Both are ends.
// Of TLS 1.3 know this: a client is `open` before the server has looked at the client's certificate. A refusal comes
// later, as a failed read().
//
// Never: versions below 1.2, renegotiation, compression, early data. Servers send no tickets after the handshake: a
// client that only sends would never read them, and its kernel would answer our bytes with a reset at its end.
#pragma once

#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "thorlog/result.h"

namespace thorlog {

struct TlsOptions {
  enum class Side : std::uint8_t { server, client };
  // What a server asks of its clients. With `request` a client may have no certificate, but not a bad one.
  enum class Ask : std::uint8_t { nothing, request, require };

  Side side = Side::server;
  std::string certificate;  // PEM files. Servers need certificate and key; clients may have both or neither
  std::string key;
  std::string ca;  // whom to believe. A client without: the system's authorities. A server that asks needs it
  Ask ask = Ask::nothing;
  bool only_1_3 = false;
};

class TlsContext {
 public:
  // Errors name the configuration's key, the file and what is wrong with it, or what is missing.
  static Result<std::shared_ptr<const TlsContext>> make(const TlsOptions& options);

  bool is_server() const noexcept { return is_server_; }
  SSL_CTX* ssl() const noexcept { return context_.get(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
  };
  TlsContext(SSL_CTX* context, bool is_server) : context_(context), is_server_(is_server) {}

  std::unique_ptr<SSL_CTX, Free> context_;
  bool is_server_;
};
using SharedTls = std::shared_ptr<const TlsContext>;

class TlsStream {
 public:
  enum class State : std::uint8_t {
    handshake,
    open,
    ended,  // the peer has said that nothing more comes; write() still works
    failed  // nothing works any more; error() says why
  };
  // write() takes nothing while this much waits in outgoing().
  static constexpr std::size_t kFull = std::size_t{256} << 10;

  // `host` of a client: the DNS name or IP address that the server's certificate must be for; a name is also told to
  // the server (SNI). Never empty for a client, empty for a server. A client's first bytes wait in outgoing() at
  // once.
  explicit TlsStream(const TlsContext& context, const std::string& host = {});

  // Bytes from the socket. They must stay readable until read() has returned 0; call read() until it does before
  // feeding more. Nothing of them is kept but one unfinished record (16 KiB) within OpenSSL.
  void feed(std::string_view ciphertext);
  // Plaintext into `to`; how much. 0: all that was fed is used up, or state() is ended or failed.
  std::size_t read(std::span<char> to);

  // Takes from the front of `plaintext` what there is room for; how much. 0 during the handshake, after a failure or
  // close(), or when outgoing() is full.
  std::size_t write(std::string_view plaintext);
  // Bytes for the socket; valid until the next call of anything else. After any call but this one there may be more.
  std::string_view outgoing() const noexcept { return outgoing_.view(); }
  // The first n bytes of outgoing() are with the kernel.
  void sent(std::size_t n) noexcept;
  // Says that nothing more will be written (close_notify, in outgoing()). Reading goes on.
  void close();

  State state() const noexcept { return state_; }
  // In the operator's words: "the certificate of the peer was refused: unable to get local issuer certificate".
  const std::string& error() const noexcept { return error_; }
  // Who the peer is by its verified certificate: its first DNS name, else its common name. Empty: it showed none.
  // Known once the handshake is over. Printable ASCII, 255 bytes at most.
  std::string peer_identity() const;
  // "TLSv1.3", for the log.
  const char* version() const noexcept { return SSL_get_version(ssl_.get()); }

 private:
  struct Free {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  static int bio_read(BIO* bio, char* to, int size) noexcept;
  static int bio_write(BIO* bio, const char* from, int size) noexcept;
  static long bio_control(BIO* bio, int command, long number, void* pointer) noexcept;
  static BIO_METHOD* bio_method();

  bool expect_host(const std::string& host);
  void shake_hands();
  bool goes_on(int result);
  void fail_with(std::string text);

  std::string_view incoming_;  // fed, not yet read
  ByteBuffer outgoing_;
  State state_ = State::handshake;
  bool closing_ = false;
  std::string error_;
  // Last: the callbacks of its BIO reach the members above. The object stays where it is, as the BIO points to it.
  std::unique_ptr<SSL, Free> ssl_;

 public:
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
};

}  // namespace thorlog
