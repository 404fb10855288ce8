// What time brings to the connections of a tcp or tls input: half lines that idle, waits that are over, the end.
#include "base/log.h"
#include "inputs/tcp_connection.h"
#include "inputs/tcp_connections.h"

namespace thorlog {
namespace {

constexpr std::int64_t kUndecided = 200 * kMs;
constexpr std::int64_t kIdle = 30'000 * kMs;
constexpr int kReadsALook = 4;  // of one connection while the input ends
constexpr std::uint64_t kDrainLookMs = 5;
constexpr std::uint64_t kDrainBytes =
    8 * kMiB;  // more than the kernel buffers for a connection unless told otherwise

}  // namespace

void TcpConnections::need_tick(std::uint64_t ms) {
  if (tick_ms_ != 0 && tick_ms_ <= ms) return;
  tick_ms_ = ms;
  tick_.start(ms);
}

void TcpConnections::tick() {
  const std::int64_t now = env_.context.clock.steady();
  tick_ms_ = 0;
  decide_waiting(now);
  flush_idle(now);
  speed_up(now);
  give_up_handshakes(now);
  serve_queued();
  if (!chains_->undecided.empty() || !chains_->slowed.empty() || !chains_->queued.empty())
    return need_tick(kFineTickMs);
  if (!chains_->half.empty() || !chains_->shaking.empty()) need_tick(kCoarseTickMs);
}

void TcpConnections::decide_waiting(std::int64_t now) {
  for (std::size_t left = chains_->undecided.size(); left > 0; --left) {
    Connection& connection = *chains_->undecided.front();
    if (connection.last_heard + kUndecided > now) return;
    if (!chains_->reads(connection)) {
      excuse(connection, now);
      continue;
    }
    decide(connection, now);
    if (chains_->undecided.empty()) return;
  }
}

void TcpConnections::flush_idle(std::int64_t now) {
  while (Connection* connection = chains_->half.front()) {
    if (connection->last_heard + kIdle > now) return;
    if (chains_->reads(*connection)) {
      shed(*connection, 0);
    } else {
      excuse(*connection, now);
    }
  }
}

void TcpConnections::speed_up(std::int64_t now) {
  for (Connection* connection = chains_->slowed.front(); connection != nullptr;) {
    Connection* next = chains_->slowed.after(*connection);
    if (connection->slow_until <= now) {
      chains_->slowed.remove(*connection);
      read_again(*connection);
    }
    connection = next;
  }
}

void TcpConnections::drain(std::function<void()> drained) {
  news_.receive_now();
  drained_ = std::move(drained);
  while (Connection* connection = chains_->shaking.front()) end(*connection);  // has brought nothing yet
  for (const auto& connection : connections_) {
    connection->watch->stop();
    connection->drained = 0;
    if (connection->relp) finish(*connection);
  }
  drain_looks_left_ = kDrainMilliseconds / kDrainLookMs;
  drain_timer_.start(0, kDrainLookMs);
}

void TcpConnections::go_on_draining() {
  const bool last = --drain_looks_left_ == 0;
  for (std::size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    if (connection.relp) {
      acknowledge(connection, env_.context.intake.durable(env_.slot), last || journal_failed());
      continue;
    }
    Heard heard = Heard::more;
    for (int reads = 0; reads < kReadsALook && heard == Heard::more && env_.context.intake.has_room(); ++reads) {
      heard = read(connection);
    }
    if (heard != Heard::more || connection.drained > kDrainBytes || last) end(connection);
  }
  if (!connections_.empty()) return;
  drain_timer_.stop();
  std::exchange(drained_, nullptr)();
}

}  // namespace thorlog
