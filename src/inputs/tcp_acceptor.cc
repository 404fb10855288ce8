#include "inputs/tcp_acceptor.h"

#include <fcntl.h>

#include <cerrno>

#include "base/log.h"
#include "inputs/address_hash.h"

namespace thorlog {
namespace {

constexpr int kAcceptsATurn = 256;        // then the loop's other work has its turn
constexpr int kAcceptsAtTheEnd = 16'384;  // more than any backlog
constexpr std::uint64_t kRestMs = 100;    // after an error that comes again at once

Fd open_reserve() { return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

std::string why(RefuseReason reason, const std::string& peer) {
  switch (reason) {
    case RefuseReason::not_allowed:
      return "connections of " + peer + " are refused: not in `allow`";
    case RefuseReason::too_many:
      return "connections are refused, the last one of " + peer + ": too many of them";
    default:
      return "connections are refused";
  }
}

}  // namespace

TcpAcceptor::TcpAcceptor(Loop& loop, Environment environment, std::vector<Fd> listeners)
    : env_(std::move(environment)), peers_(random_seed()), reserve_(open_reserve()), rest_(loop, [this] {
        for (Listener& listener : listeners_) listener.watch->start(UV_READABLE);
      }) {
  listeners_.reserve(listeners.size());  // the watches point into it
  for (Fd& fd : listeners) {
    Listener& listener = listeners_.emplace_back(Listener{std::move(fd), nullptr});
    listener.watch = std::make_unique<FdWatch>(loop, listener.fd.get(),
                                               [this, &listener](int status, int) { ready(listener, status); });
    listener.watch->start(UV_READABLE);
  }
}

void TcpAcceptor::ready(Listener& listener, int status) {
  bool trouble = status < 0;
  for (int i = 0; i < kAcceptsATurn && !trouble; ++i) {
    const Accepted accepted = accept_one(listener);
    if (accepted == Accepted::none) break;
    trouble = accepted == Accepted::trouble || (accepted == Accepted::no_descriptor && !refuse_one(listener));
  }
  if (trouble) rest();
  tell_refused();
}

void TcpAcceptor::finish() {
  rest_.stop();
  for (Listener& listener : listeners_) {
    for (int i = 0; i < kAcceptsAtTheEnd && accept_one(listener) == Accepted::one; ++i) {
    }
  }
  tell_refused();
  listeners_.clear();
}

TcpAcceptor::Accepted TcpAcceptor::accept_one(const Listener& listener) {
  SocketAddress from;
  Fd fd(::accept4(listener.fd.get(), from.raw(), &from.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (fd) {
    take(std::move(fd), from);
    return Accepted::one;
  }
  switch (errno) {
    case EAGAIN:
      return Accepted::none;
    case EMFILE:
    case ENFILE:
      return Accepted::no_descriptor;
    case EINTR:  // and accept(2): errors of the connection that was waiting; it is gone, the next one may be fine
    case ECONNABORTED:
    case EPERM:
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENONET:
      return Accepted::one;
    default:
      log_limited(Severity::error, "accept", "input " + env_.name, Error{Errc::io, "accepting", errno}.message());
      return Accepted::trouble;
  }
}

void TcpAcceptor::take(Fd fd, const SocketAddress& from) {
  AddressBytes address{};
  address_bytes(*from.raw(), address);
  const InputLimits& limits = *env_.limits;
  if (!limits.allows(address)) return count_refused(RefuseReason::not_allowed, &from);
  if (env_.figures.connections.load(std::memory_order_relaxed) >= limits.max_connections) {
    return count_refused(RefuseReason::too_many, &from);
  }
  std::shared_ptr<TcpPeer> peer = peers_.meet(address, env_.clock.steady());
  if (peer->connections.load(std::memory_order_relaxed) >= limits.max_connections_per_peer) {
    return count_refused(RefuseReason::too_many, &from);
  }
  env_.hand_over(std::move(fd), from, std::move(peer));
}

// Without a descriptor the connection would wait in the backlog and wake us for ever. With the one we kept we can
// take it and close it, so that its sender learns at once.
bool TcpAcceptor::refuse_one(const Listener& listener) {
  log_limited(Severity::error, "no descriptors", "input " + env_.name,
              "connections are refused: the process has no file descriptors left; raise LimitNOFILE");
  reserve_.reset();
  Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const bool taken = static_cast<bool>(fd);
  if (taken) count_refused(RefuseReason::too_many, nullptr);
  fd.reset();
  reserve_ = open_reserve();
  return taken;
}

void TcpAcceptor::count_refused(RefuseReason reason, const SocketAddress* from) {
  env_.figures.refused[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  ++refused_;
  if (from == nullptr) return;
  log_limited(Severity::warning, name_of(reason), "input " + env_.name, why(reason, address_text(*from->raw())));
}

void TcpAcceptor::tell_refused() {
  if (refused_ > 0) env_.refused(std::exchange(refused_, 0));
}

void TcpAcceptor::rest() {
  for (Listener& listener : listeners_) listener.watch->stop();
  rest_.start(kRestMs);
}

}  // namespace thorlog
