// One TCP connection outwards, non-blocking, on a loop. Says when it is up, when it takes bytes again, and when it is
// over. Callbacks come from the loop, but for heard(). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "loop/fd.h"
#include "loop/loop.h"
#include "outputs/endpoint.h"
#include "outputs/snapshot.h"
#include "outputs/tcp_progress.h"

namespace thorlog {

class TcpConnection {
 public:
  class Owner {
   public:
    virtual void connected() = 0;
    virtual void writable() = 0;
    // What the peer says. Also from inside alive().
    virtual void heard(std::string_view bytes) = 0;
    // The connection is over: `reason` closed (FIN), reset, refused, timeout, ... Nothing more comes.
    virtual void ended(Retry reason, int error) = 0;

   protected:
    ~Owner() = default;
  };
  enum class Sent : std::uint8_t { all, part, failed };

  // Begins to connect. Errors: no socket.
  static Result<std::unique_ptr<TcpConnection>> open(Loop& loop, const Endpoint& endpoint, Owner& owner);
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // Hands bytes to the kernel, as many as it takes; `sent` says how many. part: writable() will be called.
  // failed: last_error() and last_reason() say why; ended() is not called.
  Sent send(std::string_view bytes, std::size_t& sent) noexcept;
  // Reads what the peer says and looks for its FIN or RST. False: it is over, as for send().
  bool alive() noexcept;
  void finish() noexcept;  // SHUT_WR: we have said everything
  TcpProgress progress() const noexcept { return tcp_progress(fd_.get()); }

  int last_error() const noexcept { return error_; }
  Retry last_reason() const noexcept { return reason_; }

  // Calls nobody any more: for who is about to let go of it.
  void silence() noexcept;

 private:
  TcpConnection(Loop& loop, int fd, Owner& owner);
  void on_event(int status, int events);
  void want(int events);

  Fd fd_;  // before the watch: libuv uses it until that is gone
  Owner* owner_;
  bool connecting_ = true;
  int wanted_ = 0;
  int error_ = 0;
  Retry reason_ = Retry::connect;
  FdWatch watch_;
};

}  // namespace thorlog
