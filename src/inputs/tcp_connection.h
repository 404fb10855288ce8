// One connection of a tcp, tls or relp input, and the lists that connections wait in. Only for tcp_connections.cc and
// its sisters (tcp_*.cc).
#pragma once

#include "inputs/relp_session.h"
#include "inputs/tcp_connections.h"

namespace thorlog {

inline constexpr std::int64_t kMs = 1'000'000;
inline constexpr std::size_t kReadBytes = 256 * kKiB;
inline constexpr std::uint64_t kFineTickMs = 20;
inline constexpr std::uint64_t kCoarseTickMs = 500;

struct TcpConnections::Connection {
  Connection(TcpNews&& news, Framing framing, std::size_t max_message)
      : fd(std::move(news.fd)), from(news.from), ticket(std::move(news.ticket)), framer(framing, max_message) {}

  Fd fd;
  SocketAddress from;
  TcpTicket ticket;                // given back before the peer can see the end and connect again
  std::unique_ptr<FdWatch> watch;  // gone before the socket is closed
  std::unique_ptr<TlsStream> tls;  // of a tls input, once its first bytes are here and there was a place for them
  StreamFramer framer;
  std::unique_ptr<RelpSession> relp;  // in place of the framer
  Intake::Stream* stream = nullptr;   // tls: none before the handshake is over
  std::size_t place = 0;              // in connections_
  std::size_t accounted = 0;          // bytes of its half line that the budget knows of
  std::uint64_t empty_counted = 0;
  std::uint64_t drained = 0;    // bytes
  std::int64_t last_heard = 0;  // steady ns
  std::int64_t begun = 0;       // wall ns of the first byte of what is unfinished
  std::int64_t slow_until = 0;
  std::int64_t shakes_since = 0;   // steady ns: the handshake's deadline counts from here
  bool handshake_charged = false;  // to the peer's rate
  bool broken = false;             // nothing can come of it any more
  bool finishing = false;          // relp: nothing is read any more, what was read is acknowledged yet
  std::int64_t finish_until = 0;
  ChainLink<Connection> half, undecided, paused, slowed, shaking, placed, queued, unacknowledged;

  bool unfinished() const noexcept { return relp ? relp->unfinished() : framer.unfinished(); }
  std::size_t held() const noexcept { return relp ? relp->held() : framer.held(); }
  std::uint64_t empty_frames() const noexcept { return relp ? relp->empty_frames() : framer.empty_frames(); }
};

// Each in the order of `last_heard`, oldest first, but the last five.
struct TcpConnections::Chains {
  Chain<Connection, &Connection::half> half;                      // with a half line
  Chain<Connection, &Connection::undecided> undecided;            // a count or a line?
  Chain<Connection, &Connection::paused> paused;                  // downstream is full
  Chain<Connection, &Connection::placed> placed;                  // shake hands, and have one of the places for that
  Chain<Connection, &Connection::slowed> slowed;                  // over the rate limit
  Chain<Connection, &Connection::shaking> shaking;                // not through with the handshake; by `shakes_since`
  Chain<Connection, &Connection::queued> queued;                  // want a place; by when they came
  Chain<Connection, &Connection::unacknowledged> unacknowledged;  // relp: lines wait to be durable

  bool reads(const Connection& connection) const noexcept {
    return !paused.has(connection) && !slowed.has(connection) && !queued.has(connection) && !connection.finishing &&
           !(connection.relp && connection.relp->full());
  }
};

}  // namespace thorlog
