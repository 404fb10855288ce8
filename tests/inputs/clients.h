// Blocking sockets on the loopback that play the senders.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>

#include "inputs/input.h"
#include "inputs/sockets.h"

namespace thorlog {

inline std::uint16_t port_of(const Input& input) {
  const std::string text = input.snapshot().listening;
  return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
}

inline SocketAddress at(const std::string& host, std::uint16_t port) {
  auto address = to_socket_address({host, port, ""});
  EXPECT_TRUE(address) << host;
  return *address;
}

class Client {
 public:
  // `from`: the own address, as 127.0.0.7; any if empty.
  Client(int type, const std::string& host, std::uint16_t port, const std::string& from = "") {
    SocketAddress to = at(host, port);
    fd_ = Fd(::socket(to.storage.ss_family, type | SOCK_CLOEXEC, 0));
    if (!from.empty()) {
      SocketAddress own = at(from, 0);
      if (own.is_ipv6()) set_option(fd_.get(), IPPROTO_IPV6, IPV6_FREEBIND, 1);  // ::1 is our only one
      EXPECT_EQ(::bind(fd_.get(), own.raw(), own.length), 0) << std::strerror(errno);
    }
    connected_ = ::connect(fd_.get(), to.raw(), to.length) == 0;
    if (type == SOCK_STREAM) set_option(fd_.get(), IPPROTO_TCP, TCP_NODELAY, 1);  // sent is sent
  }

  bool connected() const { return connected_; }
  int fd() const { return fd_.get(); }
  // False when the other side has gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  bool send_datagram(std::string_view bytes) {
    return ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
  }
  // As many bytes as go without waiting.
  std::size_t send_some(std::string_view bytes) {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n < 0 ? 0 : static_cast<std::size_t>(n);
  }
  // Waits until the other side's kernel has all of it.
  bool delivered() const {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (int left = 1; std::chrono::steady_clock::now() < end; std::this_thread::yield()) {
      if (::ioctl(fd_.get(), SIOCOUTQ, &left) != 0 || left == 0) return left == 0;
    }
    return false;
  }
  void finish() { ::shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  // Closing throws away what the other side has not got, and tells it so.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  // True when the other side has ended the connection (never waits).
  bool ended() const {
    char byte = 0;
    const ssize_t n = ::recv(fd_.get(), &byte, 1, MSG_DONTWAIT | MSG_PEEK);
    return n == 0 || (n < 0 && errno != EAGAIN);
  }
  std::uint16_t port() const { return local_address(fd_.get())->port(); }

 private:
  Fd fd_;
  bool connected_ = false;
};

inline InputSettings input_on(InputType type, const std::string& host, std::uint16_t port = 0) {
  InputSettings settings;
  settings.name = "test";
  settings.type = type;
  settings.listen = {host, port, ""};
  return settings;
}

}  // namespace thorlog
