// Reading and framing of the connections of a tcp, tls or relp input.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/log.h"
#include "inputs/tcp_connection.h"
#include "inputs/tcp_connections.h"
#include "thorlog/event.h"

namespace thorlog {
namespace {

constexpr std::size_t kReadBytesLimited = 16 * kKiB;  // of peers with a rate limit: they are slowed in small steps
constexpr std::size_t kReadBytesRelp = 64 * kKiB;     // so many lines may be read above the window
constexpr int kReadsATurn = 4;                        // of one connection; then the others have their turn
// Of ciphertext: all it can become fits the buffer, with the rest of a record that was read before.
constexpr std::size_t kReadBytesTls = kReadBytes - 32 * kKiB;

}  // namespace

void TcpConnections::ready(Connection& connection, int status, int events) {
  if ((events & UV_WRITABLE) != 0 || (status < 0 && !chains_->reads(connection))) {
    if (!write_out(connection)) return end(connection);
    watch(connection);
    if ((events & UV_READABLE) == 0 && status == 0) return;
  }
  for (int i = 0; i < kReadsATurn && chains_->reads(connection); ++i) {
    // Handshakes go on while downstream is full: they bring nothing. RELP is told when there is no hope.
    if (connection.stream != nullptr && !env_.context.intake.has_room() && !(connection.relp && journal_failed()))
      return pause(connection);
    const Heard heard = read(connection);
    if (heard == Heard::end) return leave(connection);
    if (heard == Heard::all) break;
  }
  // libuv stops watching when the socket has an error to tell; there may be bytes to read before it.
  if (status < 0) watch(connection);
}

TcpConnections::Heard TcpConnections::read(Connection& connection) {
  const std::size_t size = env_.limits->rate.limited() ? kReadBytesLimited : env_.relp ? kReadBytesRelp : kReadBytes;
  return env_.tls ? read_tls(connection, std::min(size, kReadBytesTls)) : read_plain(connection, size);
}

TcpConnections::Heard TcpConnections::read_plain(Connection& connection, std::size_t size) {
  env_.context.intake.expect(connection.stream);  // the kernel takes longer to copy than memory to answer
  const ssize_t got = ::recv(connection.fd.get(), buffer_.get(), size, 0);
  if (got > 0) {
    take(connection, static_cast<std::size_t>(got));
    if (connection.relp && after_relp(connection) == Heard::end) return Heard::end;
    return static_cast<std::size_t>(got) < size ? Heard::all : Heard::more;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Heard::all;
  return Heard::end;
}

TcpConnections::Heard TcpConnections::read_tls(Connection& connection, std::size_t size) {
  if (!connection.tls && !may_shake_hands(connection)) return Heard::all;
  const ssize_t got = ::recv(connection.fd.get(), ciphertext_.get(), size, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Heard::all;
  if (got <= 0) {
    if (connection.stream == nullptr) refuse_handshake(connection, "it went away before its end");
    return Heard::end;
  }
  TlsStream& tls = *connection.tls;
  tls.feed({ciphertext_.get(), static_cast<std::size_t>(got)});
  if (tls.state() != TlsStream::State::handshake && connection.stream == nullptr) handshake_over(connection);
  std::size_t plain = 0;
  while (const std::size_t n = tls.read({buffer_.get() + plain, kReadBytes - plain})) plain += n;
  if (connection.stream == nullptr) {
    connection.last_heard = env_.context.clock.steady();
    if (chains_->placed.has(connection)) chains_->placed.push_back(connection);
  } else if (plain > 0) {
    take(connection, plain);
    if (connection.relp && after_relp(connection) == Heard::end) return Heard::end;
  }
  if (!write_out(connection)) return Heard::end;
  if (tls.state() == TlsStream::State::ended) return Heard::end;
  if (tls.state() == TlsStream::State::failed) {
    connection.broken = true;
    if (connection.stream != nullptr)
      log_limited(Severity::warning, "tls", "input " + env_.name,
                  "connection of " + endpoint_of(connection) + " ended: " + tls.error());
    return Heard::end;
  }
  if (!tls.outgoing().empty()) watch(connection);
  return static_cast<std::size_t>(got) < size ? Heard::all : Heard::more;
}

// What waits for the socket goes as far as the kernel takes it. False: the connection is gone.
bool TcpConnections::write_out(Connection& connection) {
  TlsStream* tls = connection.tls.get();
  ByteBuffer* answers = connection.relp ? &connection.relp->outgoing() : nullptr;
  for (;;) {
    if (tls != nullptr && answers != nullptr) answers->drop_front(tls->write(answers->view()));
    const std::string_view bytes = tls != nullptr       ? tls->outgoing()
                                   : answers != nullptr ? answers->view()
                                                        : std::string_view();
    if (bytes.empty()) return true;
    const ssize_t n = ::send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n < 0) {
      connection.broken = true;
      return false;
    }
    tls != nullptr ? tls->sent(static_cast<std::size_t>(n)) : answers->drop_front(static_cast<std::size_t>(n));
  }
}

void TcpConnections::take(Connection& connection, std::size_t bytes) {
  const std::int64_t now = env_.context.clock.steady();
  connection.last_heard = now;
  connection.drained += bytes;
  const std::int64_t received = env_.context.clock.wall();
  if (!connection.unfinished()) connection.begun = received;
  std::uint64_t frames = 0;
  if (connection.relp) {
    connection.relp->set_trouble(journal_failed() ? "the journal can't be written" : nullptr);
    connection.relp->feed({buffer_.get(), bytes});
    frames = offer_frames(connection, *connection.relp, now, received);
  } else {
    connection.framer.feed({buffer_.get(), bytes});
    frames = offer_frames(connection, connection.framer, now, received);
  }
  settle(connection);
  if (!env_.limits->rate.limited() || drained_) return;
  const std::int64_t wait = env_.limits->rate.charge(connection.ticket.peer().full_at, frames, now);
  if (wait > 0) slow_down(connection, now + wait);
}

inline void TcpConnections::offered(Connection& /*connection*/, const StreamFramer& /*source*/) noexcept {}

// Its record exists now, unless the reassembly holds it.
void TcpConnections::offered(Connection& connection, RelpSession& source) {
  source.offered(env_.context.intake.newest_left(connection.stream), books().emitted);
  if (env_.context.intake.held(connection.stream) == 0) source.settled(books().emitted);
}

// Offers each frame when the next one is known to be there, so that `more_buffered` is exact.
template <class Source>
std::uint64_t TcpConnections::offer_frames(Connection& connection, Source& source, std::int64_t now,
                                           std::int64_t received) {
  Intake& intake = env_.context.intake;
  Frame next;
  Frame waiting;
  std::int64_t first_byte = received;
  std::uint64_t frames = 0;
  while (source.next(next)) {
    if (frames++ > 0) {
      intake.offer(connection.stream, waiting, now, first_byte, true);
      offered(connection, source);
    }
    waiting = next;
    first_byte = received;
    if (in_buffer(next.bytes)) [[likely]]
      continue;
    // Begun in an earlier read, put together by the framer, and lost with its next step.
    first_byte = connection.begun;
    kept_.clear();
    kept_.reserve(next.bytes.size() + kReadAhead);
    kept_.append(next.bytes);
    waiting.bytes = kept_.view();
  }
  if (frames == 0) return 0;
  intake.offer(connection.stream, waiting, now, first_byte, false);
  offered(connection, source);
  connection.begun = received;
  kept_.clear();
  kept_.release_above(kReadBytes);
  return frames;
}

// The frame that waits to tell a count from a line is a line.
void TcpConnections::decide(Connection& connection, std::int64_t now) {
  connection.framer.decide_now();
  offer_frames(connection, connection.framer, now, env_.context.clock.wall());
  settle(connection);
}

bool TcpConnections::in_buffer(std::string_view bytes) const noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto begin = reinterpret_cast<std::uintptr_t>(buffer_.get());
  return at >= begin && at < begin + kReadBytes;
}

// After each step of the framer: its empty frames, its memory, whether it waits to tell a count from a line.
void TcpConnections::settle(Connection& connection) {
  count_empty(connection);
  const std::size_t held = connection.held();
  if (held < connection.accounted) {
    give_back(connection, connection.accounted - held);
  } else if (!take_memory(connection, held - connection.accounted)) {
    connection.relp ? void(connection.broken = true) : flush(connection, flag::oversize);
  }
  if (connection.unfinished()) {
    chains_->half.push_back(connection);
    need_tick(kCoarseTickMs);
  } else {
    chains_->half.remove(connection);
  }
  if (connection.framer.undecided()) {
    chains_->undecided.push_back(connection);
    need_tick(kFineTickMs);
  } else {
    chains_->undecided.remove(connection);
  }
}

void TcpConnections::count_empty(Connection& connection) {
  const std::uint64_t empty = connection.empty_frames();
  books().empty += empty - std::exchange(connection.empty_counted, empty);
}

// The half line that has waited longest makes room; a peer can't take more than its part from the others.
bool TcpConnections::take_memory(Connection& connection, std::size_t bytes) {
  if (bytes == 0) return true;
  MemoryBudget& budget = env_.context.intake.budget();
  auto& of_peer = connection.ticket.peer().held;
  if (of_peer.load(std::memory_order_relaxed) + bytes > budget.peer_limit()) return false;
  while (!budget.try_take(bytes)) {
    Connection* oldest = chains_->half.front();
    if (oldest == &connection) oldest = chains_->half.after(connection);
    if (oldest == nullptr) return false;
    shed(*oldest, flag::oversize);
  }
  of_peer.fetch_add(bytes, std::memory_order_relaxed);
  connection.accounted += bytes;
  return true;
}

void TcpConnections::give_back(Connection& connection, std::size_t bytes) {
  env_.context.intake.budget().give_back(bytes);
  connection.ticket.peer().held.fetch_sub(bytes, std::memory_order_relaxed);
  connection.accounted -= bytes;
}

// Its half line leaves: as a piece, or with a RELP connection, whose peer has it still.
void TcpConnections::shed(Connection& connection, std::uint32_t flags) {
  connection.relp ? end(connection) : flush(connection, flags);
}

// What is unfinished leaves as it is.
void TcpConnections::flush(Connection& connection, std::uint32_t flags) {
  const std::int64_t now = env_.context.clock.steady();
  for (Frame frame; connection.framer.finish(frame);) {
    frame.flags |= flags;
    env_.context.intake.offer(connection.stream, frame, now, connection.begun, false);
  }
  give_back(connection, connection.accounted);
  chains_->half.remove(connection);
  chains_->undecided.remove(connection);
}

}  // namespace thorlog
