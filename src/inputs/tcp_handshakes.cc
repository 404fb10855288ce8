// The handshakes of a tls input. What a stuck one costs is bounded: a place, of which there are few, is taken when
// the first bytes have come, and who then says nothing for a moment gives it up to one that waits. The newest of
// those that wait goes first: an honest peer that connects amid a thousand stuck ones is not behind them.
#include "base/log.h"
#include "inputs/tcp_connection.h"
#include "inputs/tcp_connections.h"

namespace thorlog {
namespace {

constexpr std::size_t kPlaces = 64;
constexpr std::int64_t kDeadline = 10'000 * kMs;
constexpr std::int64_t kSilence = 500 * kMs;  // from then on a handshake may lose its place; more than any round trip

// For each peer's address. Far above what a relay needs, and what a site's agents need behind one address.
const RatePlan& handshake_rate() {
  static const RatePlan kRate(RateLimit{200, std::chrono::seconds(1), 1000});
  return kRate;
}

}  // namespace

// Its first bytes are here: whether they may be read. If not, it waits.
bool TcpConnections::may_shake_hands(Connection& connection) {
  const std::int64_t now = env_.context.clock.steady();
  if (!std::exchange(connection.handshake_charged, true)) {
    const std::int64_t wait = handshake_rate().charge(connection.ticket.peer().handshakes_full_at, 1, now);
    if (wait > 0) {
      slow_down(connection, now + wait);
      return false;
    }
  }
  if (!chains_->placed.has(connection) && !has_place(now)) {
    chains_->queued.push_back(connection);
    watch(connection);
    need_tick(kFineTickMs);
    return false;
  }
  connection.last_heard = connection.shakes_since = now;
  chains_->placed.push_back(connection);
  chains_->shaking.push_back(connection);
  connection.tls = std::make_unique<TlsStream>(*env_.tls);
  return true;
}

bool TcpConnections::has_place(std::int64_t now) {
  if (chains_->placed.size() < kPlaces) return true;
  Connection& silent = *chains_->placed.front();
  if (silent.last_heard + kSilence > now) return false;
  refuse_handshake(silent, "it said nothing while others wait");
  end(silent);
  return chains_->placed.size() < kPlaces;
}

void TcpConnections::handshake_over(Connection& connection) {
  if (connection.tls->state() == TlsStream::State::failed)
    return refuse_handshake(connection, connection.tls->error());
  begin(connection);
  chains_->shaking.remove(connection);
  leave_place(connection);
}

void TcpConnections::leave_place(Connection& connection) {
  if (!chains_->placed.has(connection)) return;
  chains_->placed.remove(connection);
  if (!chains_->queued.empty()) need_tick(1);
}

// Counts and tells; to be ended by the caller.
void TcpConnections::refuse_handshake(Connection& connection, const std::string& why) {
  env_.figures.refused[static_cast<std::size_t>(RefuseReason::tls)].fetch_add(1, std::memory_order_relaxed);
  ++books().refused_connections;
  log_limited(Severity::warning, "tls", "input " + env_.name,
              "handshake with " + endpoint_of(connection) + " failed: " + why);
}

// The newest first. Its socket is readable, so that it is read at once.
void TcpConnections::serve_queued() {
  const std::int64_t now = env_.context.clock.steady();
  while (Connection* connection = chains_->queued.back()) {
    if (!has_place(now)) return;
    chains_->queued.remove(*connection);
    connection->last_heard = now;
    chains_->placed.push_back(*connection);
    watch(*connection);
  }
}

void TcpConnections::give_up_handshakes(std::int64_t now) {
  while (Connection* connection = chains_->shaking.front()) {
    if (connection->shakes_since + kDeadline > now) return;
    if (chains_->reads(*connection)) {
      refuse_handshake(*connection, "it did not end within 10s");
      end(*connection);
    } else {  // it waits for us
      connection->shakes_since = now;
      chains_->shaking.push_back(*connection);
    }
  }
}

}  // namespace thorlog
