#include "inputs/sockets.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace thorlog {

std::uint16_t SocketAddress::port() const noexcept {
  if (is_ipv6()) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage).sin6_port);
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage).sin_port);
  return 0;
}

Result<SocketAddress> to_socket_address(const ListenAddress& address) {
  SocketAddress made;
  auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    made.length = sizeof v4;
  } else if (::inet_pton(AF_INET6, address.host.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    made.length = sizeof v6;
  } else {
    return fail({Errc::config, "'" + address.host + "' is no IP address"});
  }
  return made;
}

Result<SocketAddress> local_address(int fd) {
  SocketAddress found;
  if (::getsockname(fd, found.raw(), &found.length) != 0)
    return fail({Errc::io, "asking for a socket's address", errno});
  return found;
}

std::string address_text(const sockaddr& from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (from.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(from).sin_addr, text.data(), text.size());
  } else if (from.sa_family == AF_INET6) {
    const in6_addr& address = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address)) {
      ::inet_ntop(AF_INET, &address.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &address, text.data(), text.size());
    }
  } else {
    return "unix";
  }
  return text.data();
}

std::string endpoint_text(std::string_view address, std::uint16_t port) {
  const bool v6 = address.find(':') != std::string_view::npos;
  std::string text;
  if (v6) text += '[';
  text += address;
  if (v6) text += ']';
  return text + ':' + std::to_string(port);
}

bool must_be_v6_only(const InputSettings& settings, std::span<const InputSettings> all) {
  if (settings.listen.host != "::" || settings.listen.port == 0) return false;
  const bool datagrams = settings.type == InputType::udp;
  return std::any_of(all.begin(), all.end(), [&](const InputSettings& other) {
    return (other.type == InputType::udp) == datagrams && other.listen.port == settings.listen.port &&
           other.listen.host == "0.0.0.0";
  });
}

Result<Fd> make_socket(const SocketAddress& address, int type, bool v6_only) {
  Fd fd(::socket(address.storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail({Errc::io, "creating a socket", errno});
  if (address.is_ipv6() && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, v6_only ? 1 : 0)) {
    return fail({Errc::io, "setting IPV6_V6ONLY", errno});
  }
  return fd;
}

Error listen_error(const InputSettings& settings, int sys) {
  return {Errc::io, "input '" + settings.name + "': listening on " + settings.listen.text(), sys};
}

void set_keepalive(int fd) noexcept {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
}

}  // namespace thorlog
