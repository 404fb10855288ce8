#include "outputs/tcp_connection.h"

#include <fcntl.h>
#include <netinet/tcp.h>

#include <array>
#include <cerrno>

#include "thorlog/frame.h"

namespace thorlog {
namespace {

void set(int fd, int level, int option, int value) noexcept { ::setsockopt(fd, level, option, &value, sizeof value); }

Retry reason_of(int error) noexcept {
  switch (error) {
    case ECONNREFUSED:
      return Retry::refused;
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case ENETUNREACH:
      return Retry::timeout;
    case ECONNRESET:
    case EPIPE:
      return Retry::reset;
    default:
      return Retry::connect;
  }
}

}  // namespace

Result<std::unique_ptr<TcpConnection>> TcpConnection::open(Loop& loop, const Endpoint& endpoint, Owner& owner) {
  const int fd = ::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail({Errc::io, "making a socket", errno});
  // An idle connection whose peer has vanished is noticed within a minute. No TCP_USER_TIMEOUT: it also ends a
  // connection to a program that merely reads slowly (its window stays closed for longer), and then all is sent
  // twice; dead peers with bytes under way are noticed by whoever looks at progress().
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  // We send whole buffers; waiting for more could only delay the last part of one.
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  std::unique_ptr<TcpConnection> connection(new TcpConnection(loop, fd, owner));
  if (::connect(fd, endpoint.get(), endpoint.length) != 0 && errno != EINPROGRESS) {
    return fail({Errc::io, "connecting to " + endpoint.text(), errno});
  }
  connection->want(UV_WRITABLE);
  return connection;
}

TcpConnection::TcpConnection(Loop& loop, int fd, Owner& owner)
    : fd_(fd), owner_(&owner), watch_(loop, fd, [this](int status, int events) { on_event(status, events); }) {}

void TcpConnection::want(int events) {
  if (wanted_ == events) return;
  wanted_ = events;
  watch_.start(events);
}

void TcpConnection::silence() noexcept {
  owner_ = nullptr;
  watch_.stop();
}

void TcpConnection::on_event(int status, int events) {
  if (owner_ == nullptr) return;
  if (connecting_) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && status < 0) error = -status;
    if (error != 0) return owner_->ended(reason_of(error), error);
    connecting_ = false;
    want(UV_READABLE);
    return owner_->connected();
  }
  if (status < 0 || (events & UV_READABLE) != 0) {
    const bool goes_on = alive();
    if (owner_ == nullptr) return;  // let go of while it told what it had heard
    if (!goes_on) return owner_->ended(reason_, error_);
  }
  if (status < 0) {  // libuv has stopped watching, though nothing is wrong after all
    wanted_ = 0;
    return want(UV_READABLE | UV_WRITABLE);
  }
  if ((events & UV_WRITABLE) != 0) {
    want(UV_READABLE);
    owner_->writable();
  }
}

TcpConnection::Sent TcpConnection::send(std::string_view bytes, std::size_t& sent) noexcept {
  sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      want(UV_READABLE | UV_WRITABLE);
      return Sent::part;
    } else if (errno != EINTR) {
      error_ = errno;
      reason_ = error_ == ECONNRESET || error_ == EPIPE ? Retry::reset : Retry::write;
      return Sent::failed;
    }
  }
  return Sent::all;
}

bool TcpConnection::alive() noexcept {
  std::array<char, (16U << 10) + kReadAhead> heard;  // readers of it may look a little too far
  for (int i = 0; i < 64; ++i) {                     // a peer that never stops talking shall not keep us here
    const ssize_t n = ::recv(fd_.get(), heard.data(), heard.size() - kReadAhead, MSG_DONTWAIT);
    if (n > 0) {
      if (owner_ == nullptr) return true;
      owner_->heard({heard.data(), static_cast<std::size_t>(n)});
      continue;
    }
    if (n == 0) {
      error_ = 0;
      reason_ = Retry::closed;
      return false;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    if (errno == EINTR) continue;
    error_ = errno;
    reason_ = error_ == ETIMEDOUT ? Retry::timeout : Retry::reset;
    return false;
  }
  return true;
}

void TcpConnection::finish() noexcept { ::shutdown(fd_.get(), SHUT_WR); }

}  // namespace thorlog
