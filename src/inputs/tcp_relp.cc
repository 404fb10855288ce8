// Acknowledgements of a relp input: written when the journal has the lines, looked for by a timer while any wait.
#include <algorithm>

#include "base/log.h"
#include "inputs/tcp_connection.h"
#include "inputs/tcp_connections.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kLookMs = 1;       // for what has become durable,
constexpr std::uint64_t kLookSlowMs = 16;  // and when nothing has for a while
constexpr std::int64_t kFinish = 10'000 * kMs;

}  // namespace

bool TcpConnections::journal_failed() const noexcept {
  RefuseReason reason{};
  return env_.context.intake.must_refuse(reason) && reason == RefuseReason::journal_failed;
}

// After each read.
TcpConnections::Heard TcpConnections::after_relp(Connection& connection) {
  RelpSession& relp = *connection.relp;
  if (connection.broken) {
    log_limited(Severity::warning, "relp", "input " + env_.name,
                "connection of " + endpoint_of(connection) + " ended: no memory is left for its half line");
    return Heard::end;
  }
  if (!relp.error().empty())
    log_limited(Severity::warning, "relp", "input " + env_.name,
                "connection of " + endpoint_of(connection) + " ended, it speaks no RELP: " + relp.error());
  if (relp.ends()) {
    finish(connection);
  } else if (relp.waits()) {
    need_acknowledge(connection);
  }
  if (!write_out(connection)) return Heard::end;
  watch(connection);
  return Heard::more;
}

// The peer sends nothing more. RELP: what it has sent may still be acknowledged.
void TcpConnections::leave(Connection& connection) {
  const bool owes = connection.relp && (connection.relp->waits() || connection.finishing);
  if (!owes || connection.broken) return end(connection);
  finish(connection);
}

// What was read leaves the reassembly, and is acknowledged when it is durable; nothing more is read.
void TcpConnections::finish(Connection& connection) {
  if (std::exchange(connection.finishing, true)) return;
  connection.finish_until = env_.context.clock.steady() + kFinish;
  flush(connection, 0);
  if (connection.stream != nullptr) env_.context.intake.close(std::exchange(connection.stream, nullptr));
  connection.relp->settled(books().emitted);
  need_acknowledge(connection);
  watch(connection);
}

void TcpConnections::need_acknowledge(Connection& connection) {
  if (!chains_->unacknowledged.has(connection)) chains_->unacknowledged.push_back(connection);
  if (acknowledge_timer_.active() && acknowledge_ms_ == kLookMs) return;
  acknowledge_ms_ = kLookMs;
  acknowledge_timer_.start(kLookMs);
}

void TcpConnections::acknowledge_all() {
  const std::uint64_t durable = env_.context.intake.durable(env_.slot);
  const bool failed = journal_failed();
  bool any = false;
  for (Connection* connection = chains_->unacknowledged.front(); connection != nullptr;) {
    Connection* next = chains_->unacknowledged.after(*connection);
    any = acknowledge(*connection, durable, failed) || any;
    connection = next;
  }
  if (chains_->unacknowledged.empty()) return;
  acknowledge_ms_ = any ? kLookMs : std::min(acknowledge_ms_ * 2, kLookSlowMs);
  acknowledge_timer_.start(acknowledge_ms_);
}

// failed: what waits will not be acknowledged. True when something was.
bool TcpConnections::acknowledge(Connection& connection, std::uint64_t durable, bool failed) {
  RelpSession& relp = *connection.relp;
  if (connection.stream != nullptr && env_.context.intake.held(connection.stream) == 0) relp.settled(books().emitted);
  const bool any = relp.acknowledge(durable);
  if (failed && relp.waits()) {
    relp.hang_up();
    finish(connection);
  }
  const bool over = connection.finishing && !relp.waits();
  if (over) relp.say_goodbye();
  const bool late = connection.finishing && connection.finish_until <= env_.context.clock.steady();
  if (!write_out(connection) || late || (over && relp.outgoing().empty())) {
    end(connection);
    return any;
  }
  if (!relp.waits() && !connection.finishing) chains_->unacknowledged.remove(connection);
  watch(connection);
  return any;
}

}  // namespace thorlog
