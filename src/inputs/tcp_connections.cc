#include "inputs/tcp_connections.h"

#include <netinet/tcp.h>

#include <utility>

#include "inputs/tcp_connection.h"

namespace thorlog {
TcpConnections::TcpConnections(Environment environment)
    : env_(std::move(environment)),
      buffer_(new char[kReadBytes + kReadAhead]),  // not make_unique: it would touch every page
      ciphertext_(env_.tls ? new char[kReadBytes] : nullptr),
      chains_(std::make_unique<Chains>()),
      self_(std::make_shared<TcpConnections*>(this)),
      news_(env_.context.loop, [this](TcpNews&& news) { receive(std::move(news)); }),
      tick_(env_.context.loop, [this] { tick(); }),
      drain_timer_(env_.context.loop, [this] { go_on_draining(); }),
      acknowledge_timer_(env_.context.loop, [this] { acknowledge_all(); }),
      bury_(env_.context.loop, [this] {
        ended_.clear();
        bury_.stop();
      }) {
  env_.context.intake.when_room([self = self_] {
    if (*self != nullptr) (*self)->resume_all();
  });
}

TcpConnections::~TcpConnections() {
  *self_ = nullptr;
  while (!connections_.empty()) end(*connections_.back());
}

void TcpConnections::receive(TcpNews&& news) {
  if (news.limits) env_.limits = std::move(news.limits);
  if (news.tls) env_.tls = std::move(news.tls);
  books().refused_connections += news.refused;
  if (news.fd) adopt(std::move(news));
}

void TcpConnections::adopt(TcpNews&& news) {
  auto connection = std::make_unique<Connection>(std::move(news), env_.limits->framing, env_.limits->max_message);
  Connection& added = *connection;
  added.last_heard = added.shakes_since = env_.context.clock.steady();
  added.place = connections_.size();
  connections_.push_back(std::move(connection));
  ++books().connections;
  if (env_.tls || env_.relp) set_option(added.fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);  // our answers are waited for
  if (!env_.tls) {
    begin(added);
  } else {
    chains_->shaking.push_back(added);
    need_tick(kCoarseTickMs);
  }
  added.watch = std::make_unique<FdWatch>(env_.context.loop, added.fd.get(),
                                          [this, &added](int status, int events) { ready(added, status, events); });
  watch(added);
}

std::string TcpConnections::endpoint_of(const Connection& connection) const {
  const std::string address = address_text(*connection.from.raw());
  return connection.from.port() == 0 ? address : endpoint_text(address, connection.from.port());
}

// From here on its bytes are lines.
void TcpConnections::begin(Connection& connection) {
  const std::string address = address_text(*connection.from.raw());
  const std::string endpoint = endpoint_of(connection);
  const std::string identity = connection.tls ? connection.tls->peer_identity() : std::string();
  StreamInfo info;
  info.input = env_.slot;
  info.peer = endpoint;
  info.peer_address = address;
  info.peer_identity = identity;
  connection.stream = env_.context.intake.open(info);
  if (env_.relp) connection.relp = std::make_unique<RelpSession>(env_.limits->max_message);
}

// What the loop is to watch its socket for; after each change of what that depends on.
void TcpConnections::watch(Connection& connection) {
  const bool reads = !drained_ && chains_->reads(connection);
  const bool writes = (connection.tls && !connection.tls->outgoing().empty()) ||
                      (connection.relp && !connection.relp->outgoing().empty());
  const int events = (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);
  if (events != 0)
    connection.watch->start(events);
  else
    connection.watch->stop();
}

void TcpConnections::pause(Connection& connection) {
  chains_->paused.push_back(connection);
  watch(connection);
  env_.figures.paused.fetch_add(1, std::memory_order_relaxed);
}

void TcpConnections::resume_all() {
  while (Connection* connection = chains_->paused.front()) {
    chains_->paused.remove(*connection);
    env_.figures.paused.fetch_sub(1, std::memory_order_relaxed);
    read_again(*connection);
  }
}

void TcpConnections::slow_down(Connection& connection, std::int64_t until) {
  connection.slow_until = until;
  chains_->slowed.push_back(connection);
  watch(connection);
  need_tick(kFineTickMs);
}

// We did not listen, so its silence does not count.
void TcpConnections::read_again(Connection& connection) {
  excuse(connection, env_.context.clock.steady());
  watch(connection);
}

void TcpConnections::excuse(Connection& connection, std::int64_t now) {
  connection.last_heard = now;
  if (chains_->half.has(connection)) chains_->half.push_back(connection);
  if (chains_->undecided.has(connection)) chains_->undecided.push_back(connection);
}

void TcpConnections::end(Connection& connection) {
  flush(connection, 0);
  count_empty(connection);
  chains_->slowed.remove(connection);
  if (chains_->paused.has(connection)) env_.figures.paused.fetch_sub(1, std::memory_order_relaxed);
  chains_->paused.remove(connection);
  chains_->queued.remove(connection);
  chains_->shaking.remove(connection);
  chains_->unacknowledged.remove(connection);
  connection.watch->stop();
  if (connection.tls) {
    connection.tls->close();
    static_cast<void>(write_out(connection));
  }
  if (connection.stream != nullptr) env_.context.intake.close(connection.stream);
  leave_place(connection);
  --books().connections;

  const std::size_t place = connection.place;
  ended_.push_back(std::move(connections_[place]));
  if (place + 1 < connections_.size()) {
    connections_[place] = std::move(connections_.back());
    connections_[place]->place = place;
  }
  connections_.pop_back();
  bury_.start();
}

}  // namespace thorlog
