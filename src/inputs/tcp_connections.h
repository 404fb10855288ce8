// The connections of one tcp, tls or relp input on one worker: reads them, frames what they send, hands the frames to
// the intake. Belongs to the worker's thread, but what is marked otherwise.
//
// A connection is closed only when its peer ends it, or the input goes: never because of what it sends, however long
// or slow. Half lines are kept within the worker's memory budget; when that is full, the one that has waited longest
// leaves in pieces. TLS: a connection that does not shake hands as it should is closed, counted as refused.
//
// RELP: a peer that breaks the protocol is closed, too, and one whose half line there is no memory for; it keeps what
// it has no acknowledgement of.
//
// tcp_connections.cc has their life, tcp_reading.cc reading and framing, tcp_upkeep.cc what time brings,
// tcp_handshakes.cc what TLS needs, tcp_relp.cc acknowledgements.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "inputs/chain.h"
#include "inputs/input.h"
#include "inputs/limits.h"
#include "inputs/sockets.h"
#include "inputs/tcp_ticket.h"
#include "loop/tls.h"
#include "thorlog/framing.h"

namespace thorlog {

class RelpSession;

// What the acceptor sends to a worker: a connection, or new limits and certificates, or how many it has refused.
struct TcpNews {
  Fd fd;
  SocketAddress from;
  TcpTicket ticket;
  SharedLimits limits;
  std::uint32_t refused = 0;
  SharedTls tls;
};

class TcpConnections {
 public:
  struct Environment {
    WorkerContext& context;
    std::size_t slot;
    SharedLimits limits;
    TcpFigures& figures;
    std::string name;  // of the input, for the log
    SharedTls tls;     // null: plain
    bool relp = false;
  };
  explicit TcpConnections(Environment environment);
  ~TcpConnections();  // ends what is still connected

  void post(TcpNews news) { news_.post(std::move(news)); }                          // any thread
  std::atomic<std::uint32_t>& load() noexcept { return env_.context.connections; }  // any thread
  // Reads what the kernel holds already, ends all connections and calls `drained`, once, from any of its callbacks.
  void drain(std::function<void()> drained);

 private:
  struct Connection;
  enum class Heard { more, all, end };

  void receive(TcpNews&& news);
  void adopt(TcpNews&& news);
  void begin(Connection& connection);
  void watch(Connection& connection);
  void ready(Connection& connection, int status, int events);
  Heard read(Connection& connection);
  Heard read_plain(Connection& connection, std::size_t size);
  Heard read_tls(Connection& connection, std::size_t size);
  bool write_out(Connection& connection);
  void take(Connection& connection, std::size_t bytes);
  template <class Source>  // StreamFramer, RelpSession
  std::uint64_t offer_frames(Connection& connection, Source& source, std::int64_t now, std::int64_t received);
  void decide(Connection& connection, std::int64_t now);
  void offered(Connection& connection, const StreamFramer& source) noexcept;
  void offered(Connection& connection, RelpSession& source);
  bool in_buffer(std::string_view bytes) const noexcept;
  void flush(Connection& connection, std::uint32_t flags);
  void settle(Connection& connection);
  void count_empty(Connection& connection);
  bool take_memory(Connection& connection, std::size_t bytes);
  void give_back(Connection& connection, std::size_t bytes);
  void pause(Connection& connection);
  void slow_down(Connection& connection, std::int64_t until);
  void resume_all();
  void read_again(Connection& connection);
  void excuse(Connection& connection, std::int64_t now);
  void end(Connection& connection);
  void need_tick(std::uint64_t ms);
  void tick();
  void decide_waiting(std::int64_t now);
  void flush_idle(std::int64_t now);
  void speed_up(std::int64_t now);
  void go_on_draining();
  void shed(Connection& connection, std::uint32_t flags);
  Heard after_relp(Connection& connection);
  void leave(Connection& connection);
  void finish(Connection& connection);
  bool acknowledge(Connection& connection, std::uint64_t durable, bool failed);
  void acknowledge_all();
  void need_acknowledge(Connection& connection);
  bool journal_failed() const noexcept;
  bool may_shake_hands(Connection& connection);
  bool has_place(std::int64_t now);
  void handshake_over(Connection& connection);
  void leave_place(Connection& connection);
  void refuse_handshake(Connection& connection, const std::string& why);
  void serve_queued();
  void give_up_handshakes(std::int64_t now);
  std::string endpoint_of(const Connection& connection) const;
  InputBooks& books() { return env_.context.intake.books(env_.slot); }

  Environment env_;
  std::unique_ptr<char[]> buffer_;      // one read; shared by all connections, as nothing of it is kept between reads
  std::unique_ptr<char[]> ciphertext_;  // likewise, of a tls input
  ByteBuffer kept_;                     // a frame that must outlive the framer's next step
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<std::unique_ptr<Connection>> ended_;  // gone before the loop sleeps: not inside their own callbacks
  struct Chains;
  std::unique_ptr<Chains> chains_;
  std::uint64_t tick_ms_ = 0;  // until the next tick; 0: none is due
  std::uint64_t drain_looks_left_ = 0;
  std::function<void()> drained_;
  std::shared_ptr<TcpConnections*> self_;  // for callbacks that can't be taken back; null inside when we are gone
  Mailbox<TcpNews> news_;
  Timer tick_;
  Timer drain_timer_;
  std::uint64_t acknowledge_ms_ = 1;
  Timer acknowledge_timer_;
  BeforeSleep bury_;
};

}  // namespace thorlog
