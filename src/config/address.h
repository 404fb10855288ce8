// Addresses as the configuration writes them: where an input listens, where an output sends, which peers are meant.
// Plain values, any thread. Nothing here asks a name server.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "thorlog/result.h"

struct sockaddr;

namespace thorlog {

// "0.0.0.0:514", "[::]:514", or "systemd:NAME": a socket that systemd passed under this name (FileDescriptorName=).
struct ListenAddress {
  std::string host;  // an IP address without brackets; empty for a passed socket
  std::uint16_t port = 0;
  std::string passed;  // NAME of "systemd:NAME"

  bool is_passed() const noexcept { return !passed.empty(); }
  bool is_ipv6() const noexcept { return host.find(':') != std::string::npos; }
  bool is_loopback() const noexcept;  // 127.0.0.0/8 or ::1
  bool is_set() const noexcept { return is_passed() || !host.empty(); }
  std::string text() const;  // as it would be written
  bool operator==(const ListenAddress&) const = default;
};
Result<ListenAddress> parse_listen_address(std::string_view text);

enum class Transport : std::uint8_t { tcp, udp, tls, relp, relps };
std::string_view name_of(Transport transport) noexcept;

// "tcp://collector:514", "udp://[2001:db8::1]:514": the host may be a name or an IP address (kept without brackets).
struct TargetAddress {
  Transport transport = Transport::tcp;
  std::string host;
  std::uint16_t port = 0;

  std::string text() const;
  bool operator==(const TargetAddress&) const = default;
};
Result<TargetAddress> parse_target_address(std::string_view text);

// An IP address in the one form we compare: IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;
// False when `from` is neither AF_INET nor AF_INET6.
bool address_bytes(const sockaddr& from, AddressBytes& to) noexcept;

// "10.0.0.0/8", "::1", "2001:db8::/32": a range of peers. IPv4 peers match on IPv6 sockets too.
struct AddressRange {
  AddressBytes address{};
  std::uint8_t bits = 128;  // of the 128; an IPv4 range has at least 96

  bool contains(const AddressBytes& peer) const noexcept;
  std::string text() const;
  bool operator==(const AddressRange&) const = default;
};
Result<AddressRange> parse_address_range(std::string_view text);

// True when the peer is in one of the ranges. An empty list holds nobody; `allow:` unset means everybody, so ask
// first.
bool any_contains(std::span<const AddressRange> ranges, const AddressBytes& peer) noexcept;

}  // namespace thorlog
