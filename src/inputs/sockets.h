// Small steps with sockets that inputs share: addresses, binding, options. Any thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "loop/fd.h"
#include "thorlog/result.h"

namespace thorlog {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* raw() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* raw() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  std::uint16_t port() const noexcept;
  bool is_ipv6() const noexcept { return storage.ss_family == AF_INET6; }
};

Result<SocketAddress> to_socket_address(const ListenAddress& address);
Result<SocketAddress> local_address(int fd);

// "192.0.2.1", "2001:db8::1"; an IPv4 peer of an IPv6 socket is told as IPv4. A unix peer is "unix".
std::string address_text(const sockaddr& from);
// "192.0.2.1:514", "[2001:db8::1]:514"
std::string endpoint_text(std::string_view address, std::uint16_t port);

// True when "[::]" of these settings must leave IPv4 alone, because another input has "0.0.0.0" on the same port.
bool must_be_v6_only(const InputSettings& settings, std::span<const InputSettings> all);

// A non-blocking socket that is not inherited; IPV6_V6ONLY as asked for.
Result<Fd> make_socket(const SocketAddress& address, int type, bool v6_only);
// "listening on 0.0.0.0:514" and what the kernel said.
Error listen_error(const InputSettings& settings, int sys);

inline bool set_option(int fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0;
}
// Makes TCP find out that a silent peer is gone (after about two minutes).
void set_keepalive(int fd) noexcept;

}  // namespace thorlog
