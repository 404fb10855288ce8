#include "inputs/tcp_connections.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "thorlog/event.h"

namespace thorlog {
namespace {

constexpr std::size_t kReadBytes = 256 * kKiB;
constexpr std::size_t kReadBytesLimited = 16 * kKiB;  // of peers with a rate limit: they are slowed in small steps
constexpr int kReadsATurn = 4;                        // of one connection; then the others have their turn
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kUndecided = 200 * kMs;
constexpr std::int64_t kIdle = 30'000 * kMs;
constexpr std::uint64_t kFineTickMs = 20;
constexpr std::uint64_t kCoarseTickMs = 500;
constexpr std::uint64_t kDrainLookMs = 5;
constexpr std::uint64_t kDrainBytes =
    8 * kMiB;  // more than the kernel buffers for a connection unless told otherwise

}  // namespace

struct TcpConnections::Connection {
  Connection(TcpNews&& news, Framing framing, std::size_t max_message)
      : fd(std::move(news.fd)), ticket(std::move(news.ticket)), framer(framing, max_message) {}

  Fd fd;
  TcpTicket ticket;                // given back before the peer can see the end and connect again
  std::unique_ptr<FdWatch> watch;  // gone before the socket is closed
  StreamFramer framer;
  Intake::Stream* stream = nullptr;
  std::size_t place = 0;      // in connections_
  std::size_t accounted = 0;  // bytes of its half line that the budget knows of
  std::uint64_t empty_counted = 0;
  std::uint64_t drained = 0;    // bytes
  std::int64_t last_heard = 0;  // steady ns
  std::int64_t begun = 0;       // wall ns of the first byte of what is unfinished
  std::int64_t slow_until = 0;
  ChainLink<Connection> half, undecided, paused, slowed;
};

// Each in the order of `last_heard`, oldest first, but `slowed`.
struct TcpConnections::Chains {
  Chain<Connection, &Connection::half> half;            // with a half line
  Chain<Connection, &Connection::undecided> undecided;  // a count or a line?
  Chain<Connection, &Connection::paused> paused;        // downstream is full
  Chain<Connection, &Connection::slowed> slowed;        // over the rate limit

  bool reads(const Connection& connection) const noexcept {
    return !paused.has(connection) && !slowed.has(connection);
  }
};

TcpConnections::TcpConnections(Environment environment)
    : env_(std::move(environment)),
      buffer_(new char[kReadBytes + kReadAhead]),  // not make_unique: it would touch every page
      chains_(std::make_unique<Chains>()),
      self_(std::make_shared<TcpConnections*>(this)),
      news_(env_.context.loop, [this](TcpNews&& news) { receive(std::move(news)); }),
      tick_(env_.context.loop, [this] { tick(); }),
      drain_timer_(env_.context.loop, [this] { go_on_draining(); }),
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
  books().refused_connections += news.refused;
  if (news.fd) adopt(std::move(news));
}

void TcpConnections::adopt(TcpNews&& news) {
  const std::string address = address_text(*news.from.raw());
  const std::string endpoint = news.from.port() == 0 ? address : endpoint_text(address, news.from.port());
  auto connection = std::make_unique<Connection>(std::move(news), env_.limits->framing, env_.limits->max_message);
  Connection& added = *connection;
  StreamInfo info;
  info.input = env_.slot;
  info.peer = endpoint;
  info.peer_address = address;
  added.stream = env_.context.intake.open(info);
  added.last_heard = env_.context.clock.steady();
  added.place = connections_.size();
  connections_.push_back(std::move(connection));
  ++books().connections;
  added.watch = std::make_unique<FdWatch>(env_.context.loop, added.fd.get(),
                                          [this, &added](int status, int) { ready(added, status); });
  if (!drained_) added.watch->start(UV_READABLE);
}

void TcpConnections::ready(Connection& connection, int status) {
  for (int i = 0; i < kReadsATurn; ++i) {
    if (!env_.context.intake.has_room()) return pause(connection);
    const Heard heard = read(connection);
    if (heard == Heard::end) return end(connection);
    if (heard == Heard::all || !chains_->reads(connection)) break;
  }
  // libuv stops watching when the socket has an error to tell; there may be bytes to read before it.
  if (status < 0 && chains_->reads(connection)) connection.watch->start(UV_READABLE);
}

TcpConnections::Heard TcpConnections::read(Connection& connection) {
  const std::size_t size = env_.limits->rate.limited() ? kReadBytesLimited : kReadBytes;
  const ssize_t got = ::recv(connection.fd.get(), buffer_.get(), size, 0);
  if (got > 0) {
    take(connection, static_cast<std::size_t>(got));
    return static_cast<std::size_t>(got) < size ? Heard::all : Heard::more;
  }
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Heard::all;
  return Heard::end;
}

void TcpConnections::take(Connection& connection, std::size_t bytes) {
  const std::int64_t now = env_.context.clock.steady();
  connection.last_heard = now;
  connection.drained += bytes;
  const std::int64_t received = env_.context.clock.wall();
  if (!connection.framer.unfinished()) connection.begun = received;
  connection.framer.feed({buffer_.get(), bytes});
  const std::uint64_t frames = offer_frames(connection, now, received);
  settle(connection);
  if (!env_.limits->rate.limited() || drained_) return;
  const std::int64_t wait = env_.limits->rate.charge(connection.ticket.peer().full_at, frames, now);
  if (wait > 0) slow_down(connection, now + wait);
}

// Offers each frame when the next one is known to be there, so that `more_buffered` is exact.
std::uint64_t TcpConnections::offer_frames(Connection& connection, std::int64_t now, std::int64_t received) {
  Intake& intake = env_.context.intake;
  Frame next;
  Frame waiting;
  std::int64_t first_byte = received;
  std::uint64_t frames = 0;
  while (connection.framer.next(next)) {
    if (frames++ > 0) intake.offer(connection.stream, waiting, now, first_byte, true);
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
  connection.begun = received;
  kept_.clear();
  kept_.release_above(kReadBytes);
  return frames;
}

bool TcpConnections::in_buffer(std::string_view bytes) const noexcept {
  const auto at = reinterpret_cast<std::uintptr_t>(bytes.data());
  const auto begin = reinterpret_cast<std::uintptr_t>(buffer_.get());
  return at >= begin && at < begin + kReadBytes;
}

// After each step of the framer: its empty frames, its memory, whether it waits to tell a count from a line.
void TcpConnections::settle(Connection& connection) {
  count_empty(connection);
  const std::size_t held = connection.framer.held();
  if (held < connection.accounted) {
    give_back(connection, connection.accounted - held);
  } else if (!take_memory(connection, held - connection.accounted)) {
    flush(connection, flag::oversize);
  }
  if (connection.framer.unfinished()) {
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
  const std::uint64_t empty = connection.framer.empty_frames();
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
    flush(*oldest, flag::oversize);
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

void TcpConnections::pause(Connection& connection) {
  connection.watch->stop();
  chains_->paused.push_back(connection);
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
  connection.watch->stop();
  connection.slow_until = until;
  chains_->slowed.push_back(connection);
  need_tick(kFineTickMs);
}

// We did not listen, so its silence does not count.
void TcpConnections::read_again(Connection& connection) {
  excuse(connection, env_.context.clock.steady());
  if (!drained_) connection.watch->start(UV_READABLE);
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
  connection.watch->stop();
  env_.context.intake.close(connection.stream);
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
  if (!chains_->undecided.empty() || !chains_->slowed.empty()) return need_tick(kFineTickMs);
  if (!chains_->half.empty()) need_tick(kCoarseTickMs);
}

void TcpConnections::decide_waiting(std::int64_t now) {
  for (std::size_t left = chains_->undecided.size(); left > 0; --left) {
    Connection& connection = *chains_->undecided.front();
    if (connection.last_heard + kUndecided > now) return;
    if (!chains_->reads(connection)) {
      excuse(connection, now);
      continue;
    }
    connection.framer.decide_now();
    offer_frames(connection, now, env_.context.clock.wall());
    settle(connection);
    if (chains_->undecided.empty()) return;
  }
}

void TcpConnections::flush_idle(std::int64_t now) {
  while (Connection* connection = chains_->half.front()) {
    if (connection->last_heard + kIdle > now) return;
    if (chains_->reads(*connection)) {
      flush(*connection, 0);
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
  for (const auto& connection : connections_) {
    connection->watch->stop();
    connection->drained = 0;
  }
  drain_looks_left_ = kDrainMilliseconds / kDrainLookMs;
  drain_timer_.start(0, kDrainLookMs);
}

void TcpConnections::go_on_draining() {
  const bool last = --drain_looks_left_ == 0;
  for (std::size_t i = connections_.size(); i-- > 0;) {
    Connection& connection = *connections_[i];
    Heard heard = Heard::more;
    for (int reads = 0; reads < kReadsATurn && heard == Heard::more && env_.context.intake.has_room(); ++reads) {
      heard = read(connection);
    }
    if (heard != Heard::more || connection.drained > kDrainBytes || last) end(connection);
  }
  if (!connections_.empty()) return;
  drain_timer_.stop();
  std::exchange(drained_, nullptr)();
}

}  // namespace thorlog
