// Accepts the connections of one tcp input, or refuses them. Belongs to the acceptor's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "inputs/limits.h"
#include "inputs/sockets.h"
#include "inputs/tcp_ticket.h"
#include "loop/loop.h"

namespace thorlog {

class TcpAcceptor {
 public:
  struct Environment {
    const std::string& name;  // of the input, for the log
    const Clock& clock;
    SharedLimits limits;
    TcpFigures& figures;
    // Gives the connection to a worker; closes it when there is none.
    std::function<void(Fd, const SocketAddress& from, std::shared_ptr<TcpPeer>)> hand_over;
    // This many connections were refused since the last call.
    std::function<void(std::uint32_t)> refused;
  };
  TcpAcceptor(Loop& loop, Environment environment, std::vector<Fd> listeners);

  void update(SharedLimits limits) { env_.limits = std::move(limits); }
  // Takes what waits, then closes the listening sockets.
  void finish();

 private:
  struct Listener {
    Fd fd;
    std::unique_ptr<FdWatch> watch;  // gone before the socket is closed
  };
  enum class Accepted { one, none, no_descriptor, trouble };

  void ready(Listener& listener, int status);
  Accepted accept_one(const Listener& listener);
  void take(Fd fd, const SocketAddress& from);
  bool refuse_one(const Listener& listener);
  void count_refused(RefuseReason reason, const SocketAddress* from);
  void tell_refused();
  void rest();

  Environment env_;
  std::vector<Listener> listeners_;
  TcpPeers peers_;
  Fd reserve_;  // let go of when there are no descriptors left, so that the next connection can be taken and closed
  std::uint32_t refused_ = 0;
  Timer rest_;
};

}  // namespace thorlog
