// One connection to a target: TCP, non-blocking, on a loop. Counts what it was given and what the peer has. Callbacks
// come from the loop, but for heard(), which may also come from inside alive(). One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "loop/loop.h"
#include "outputs/endpoint.h"
#include "outputs/tcp_connection.h"

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

  // Begins to connect. Errors: no socket.
  static Result<std::unique_ptr<StreamConnection>> open(Loop& loop, const Endpoint& endpoint, Owner& owner);
  void hand_to(Owner& owner) noexcept { owner_ = &owner; }

  // Takes as many bytes as there is room for; `sent` says how many. part: writable() will be called. failed: end()
  // says why, and ended() is not called.
  Sent send(std::string_view bytes, std::size_t& sent);
  // Reads what the peer says and looks for its end. False: it is over, as for send().
  bool alive();
  void finish();  // we have said everything

  // Bytes since the begin: given to send() and taken; of them, those that the peer's kernel has acknowledged.
  std::uint64_t sent() const noexcept { return sent_; }
  TcpProgress progress() const noexcept { return tcp_->progress(); }

  const End& end() const noexcept { return end_; }
  const Endpoint& endpoint() const noexcept { return endpoint_; }

  // Lets go of the connection, also from inside one of its callbacks.
  static void retire(Loop& loop, std::unique_ptr<StreamConnection> connection);

 private:
  StreamConnection(const Endpoint& endpoint, Owner& owner) : endpoint_(endpoint), owner_(&owner) {}
  void connected() override;
  void writable() override;
  void heard(std::string_view bytes) override;
  void ended(Retry reason, int error) override;
  void set_end(Retry reason, int error);

  Endpoint endpoint_;
  Owner* owner_;  // none once it was let go of
  std::unique_ptr<TcpConnection> tcp_;
  std::uint64_t sent_ = 0;
  End end_;
};

}  // namespace thorlog
