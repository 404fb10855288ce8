// One connection to a target: TCP, with or without TLS in it, on a loop. Callbacks come from the loop, but for
// heard(), which may also come from inside alive(). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "loop/tls.h"
#include "outputs/endpoint.h"
#include "outputs/tcp_connection.h"
#include "outputs/wire_map.h"

namespace thorlog {

class StreamConnection final : private TcpConnection::Owner {
 public:
  class Owner {
   public:
    virtual void up(StreamConnection& connection) = 0;
    virtual void writable(StreamConnection& connection) = 0;
    virtual void heard(StreamConnection& connection, std::string_view bytes) = 0;
    // It is over: end() says why. Nothing more comes.
    virtual void ended(StreamConnection& connection) = 0;

   protected:
    ~Owner() = default;
  };
  using Sent = TcpConnection::Sent;
  struct End {
    Retry reason = Retry::connect;
    std::string why;  // without the address
  };

  // Begins to connect; with `tls` as its client, who expects a certificate for `host`. Errors: no socket.
  static Result<std::unique_ptr<StreamConnection>> open(Loop& loop, const Endpoint& endpoint, Owner& owner,
                                                        SharedTls tls, std::string host);
  void hand_to(Owner& owner) noexcept { owner_ = &owner; }

  // Takes as many bytes as there is room for; `sent` says how many. part: not all of it is with the kernel, and
  // writable() will be called. failed: end() says why, and ended() is not called.
  Sent send(std::string_view bytes, std::size_t& sent);
  // Reads what the peer says and looks for its end. False: it is over, as for send().
  bool alive();
  void finish();  // we have said everything

  // What happens to bytes on the wire: how many of them the peer's kernel had at that progress(); and how many of
  // those given to send() are whole with so many on the wire.
  std::uint64_t wire_acked(const TcpProgress& progress) const noexcept;
  std::uint64_t plain_upto(std::uint64_t wire) const noexcept { return tls_ ? map_.plain_upto(wire) : wire; }
  void forget_before(std::uint64_t wire) { map_.forget_before(wire); }
  TcpProgress progress() const noexcept { return tcp_->progress(); }

  const End& end() const noexcept { return end_; }
  const Endpoint& endpoint() const noexcept { return endpoint_; }

  // Lets go of the connection, also from inside one of its callbacks.
  static void retire(Loop& loop, std::unique_ptr<StreamConnection> connection);

 private:
  StreamConnection(const Endpoint& endpoint, Owner& owner, SharedTls tls, std::string host)
      : endpoint_(endpoint), owner_(&owner), context_(std::move(tls)), host_(std::move(host)) {}
  void connected() override;
  void writable() override;
  void heard(std::string_view bytes) override;
  void ended(Retry reason, int error) override;

  void read_tls(std::string_view ciphertext);
  bool look_at_tls();
  Sent send_tls(std::string_view bytes, std::size_t& sent);
  Sent push_out();
  void read_last_words();
  void set_end(Retry reason, int error);

  Endpoint endpoint_;
  Owner* owner_;  // none once it was let go of
  SharedTls context_;
  std::string host_;
  std::unique_ptr<TlsStream> tls_;
  std::unique_ptr<TcpConnection> tcp_;
  WireMap map_;
  std::uint64_t plain_sent_ = 0;
  std::uint64_t wire_sent_ = 0;
  bool up_ = false;
  bool over_ = false;  // by what TLS says
  bool in_call_ = false;
  bool finishing_ = false;
  bool finished_ = false;
  End end_;
};

}  // namespace thorlog
