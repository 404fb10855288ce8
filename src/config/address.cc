#include "config/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <optional>

namespace thorlog {
namespace {

constexpr std::size_t kMaxAddressText = 300;  // a host name has at most 253 characters

Failure wrong(std::string text) { return fail({Errc::config, std::move(text)}); }

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool parse_ip(const std::string& host, AddressBytes& to, bool& is_v6) {
  in_addr v4{};
  in6_addr v6{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    to = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(to.data() + 12, &v4, 4);
    is_v6 = false;
    return true;
  }
  if (inet_pton(AF_INET6, host.c_str(), &v6) != 1) return false;
  std::memcpy(to.data(), &v6, 16);
  is_v6 = true;
  return true;
}

// "host:port" or "[ip]:port" taken apart; the brackets are gone from host.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
  bool bracketed = false;
};

Result<HostPort> split_host_port(std::string_view text, std::string_view example) {
  if (text.size() > kMaxAddressText) return wrong("the address is too long");
  HostPort found;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos) return wrong(fmt::format("'{}' has a '[' without its ']'", text));
    found.bracketed = true;
    found.host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
  } else {
    const auto colon = text.find(':');
    if (colon != std::string_view::npos && text.find(':', colon + 1) != std::string_view::npos)
      return wrong(fmt::format("'{}': put an IPv6 address into brackets, such as [::1]:514", text));
    found.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
  }
  if (!rest.starts_with(':')) return wrong(fmt::format("'{}' has no port: write it such as {}", text, example));
  const auto port = number(rest.substr(1));
  if (!port || *port < 1 || *port > 65535)
    return wrong(fmt::format("'{}' is no port: use 1 to 65535", rest.substr(1)));
  found.port = static_cast<std::uint16_t>(*port);
  return found;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
  for (const char c : host) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                      c == '.' || c == '_';
    if (!fine) return false;
  }
  return host.find("..") == std::string_view::npos;
}

std::string host_text(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

bool is_mapped_v4(const AddressBytes& address) noexcept {
  constexpr std::uint8_t kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(address.data(), kPrefix, sizeof(kPrefix)) == 0;
}

}  // namespace

bool ListenAddress::is_loopback() const noexcept {
  AddressBytes bytes{};
  bool is_v6 = false;
  if (!parse_ip(host, bytes, is_v6)) return false;
  if (is_mapped_v4(bytes)) return bytes[12] == 127;
  constexpr AddressBytes kLoopback = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return bytes == kLoopback;
}

std::string ListenAddress::text() const {
  if (is_passed()) return "systemd:" + passed;
  return is_set() ? fmt::format("{}:{}", host_text(host), port) : "off";
}

Result<ListenAddress> parse_listen_address(std::string_view text) {
  constexpr std::string_view kPassed = "systemd:";
  constexpr std::string_view kExample = "0.0.0.0:514, [::]:514 or systemd:NAME";
  if (text.starts_with(kPassed)) {
    const auto name = text.substr(kPassed.size());
    // systemd.socket(5), FileDescriptorName=: at most 255 characters, no control characters, no ':'.
    bool fine = !name.empty() && name.size() <= 255;
    for (const char c : name) fine = fine && c > ' ' && c != ':' && c < 127;
    if (!fine)
      return wrong(fmt::format("'{}' names no socket: write systemd: and the socket's FileDescriptorName=", text));
    return ListenAddress{{}, 0, std::string(name)};
  }
  auto split = split_host_port(text, kExample);
  if (!split) return fail(std::move(split).error());
  AddressBytes bytes{};
  bool is_v6 = false;
  if (!parse_ip(split->host, bytes, is_v6))
    return wrong(fmt::format("'{}' is no IP address to listen on: write it such as {}", split->host, kExample));
  if (split->bracketed != is_v6) return wrong(fmt::format("'{}': brackets are for IPv6 addresses", text));
  return ListenAddress{std::move(split->host), split->port, {}};
}

std::string_view name_of(Transport transport) noexcept {
  constexpr std::array<std::string_view, 5> kNames = {"tcp", "udp", "tls", "relp", "relps"};
  const auto i = static_cast<std::size_t>(transport);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

std::string TargetAddress::text() const {
  return fmt::format("{}://{}:{}", name_of(transport), host_text(host), port);
}

Result<TargetAddress> parse_target_address(std::string_view text) {
  constexpr std::string_view kExample = "tcp://collector:514 or udp://[2001:db8::1]:514";
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos)
    return wrong(fmt::format("'{}' does not say how to send: write it such as {}", text.substr(0, 100), kExample));
  TargetAddress target;
  bool known = false;
  for (const auto transport : {Transport::tcp, Transport::udp, Transport::tls, Transport::relp, Transport::relps}) {
    if (name_of(transport) != text.substr(0, scheme_end)) continue;
    target.transport = transport;
    known = true;
  }
  if (!known)
    return wrong(fmt::format("unknown transport '{}': use tcp, udp, tls, relp or relps", text.substr(0, scheme_end)));
  auto split = split_host_port(text.substr(scheme_end + 3), kExample);
  if (!split) return fail(std::move(split).error());
  AddressBytes bytes{};
  bool is_v6 = false;
  const bool is_ip = parse_ip(split->host, bytes, is_v6);
  if (split->bracketed ? !is_ip || !is_v6 : !is_host_name(split->host))
    return wrong(fmt::format("'{}' is neither a host name nor an IP address", split->host));
  target.host = std::move(split->host);
  target.port = split->port;
  return target;
}

bool address_bytes(const sockaddr& from, AddressBytes& to) noexcept {
  if (from.sa_family == AF_INET) {
    to = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(to.data() + 12, reinterpret_cast<const char*>(&from) + offsetof(sockaddr_in, sin_addr), 4);
    return true;
  }
  if (from.sa_family != AF_INET6) return false;
  std::memcpy(to.data(), reinterpret_cast<const char*>(&from) + offsetof(sockaddr_in6, sin6_addr), 16);
  return true;
}

bool AddressRange::contains(const AddressBytes& peer) const noexcept {
  const std::size_t whole = bits / 8U;
  if (std::memcmp(address.data(), peer.data(), whole) != 0) return false;
  if (bits % 8U == 0) return true;
  const unsigned shift = 8U - bits % 8U;
  return address[whole] >> shift == peer[whole] >> shift;
}

std::string AddressRange::text() const {
  char buffer[INET6_ADDRSTRLEN] = {};
  if (is_mapped_v4(address) && bits >= 96) {
    inet_ntop(AF_INET, address.data() + 12, buffer, sizeof(buffer));
    return bits == 128 ? std::string(buffer) : fmt::format("{}/{}", buffer, bits - 96);
  }
  inet_ntop(AF_INET6, address.data(), buffer, sizeof(buffer));
  return bits == 128 ? std::string(buffer) : fmt::format("{}/{}", buffer, bits);
}

Result<AddressRange> parse_address_range(std::string_view text) {
  if (text.size() > kMaxAddressText) return wrong("the address is too long");
  const auto slash = text.find('/');
  AddressRange range;
  bool is_v6 = false;
  if (!parse_ip(std::string(text.substr(0, slash)), range.address, is_v6))
    return wrong(fmt::format("'{}' is no range of addresses: write it such as 10.0.0.0/8 or ::1", text));
  const std::uint32_t width = is_v6 ? 128 : 32;
  std::uint32_t prefix = width;
  if (slash != std::string_view::npos) {
    const auto given = number(text.substr(slash + 1));
    if (!given || *given > width)
      return wrong(fmt::format("'{}' is no prefix length of '{}': use 0 to {}", text.substr(slash + 1), text, width));
    prefix = *given;
  }
  range.bits = static_cast<std::uint8_t>(128 - width + prefix);
  // Bits behind the prefix are most often a slip ("10.1.2.3/8"): the wrong range would be let in.
  AddressBytes masked = range.address;
  for (std::size_t bit = range.bits; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    masked[bit / 8] = static_cast<std::uint8_t>(masked[bit / 8] & ~mask);
  }
  if (masked != range.address) {
    range.address = masked;
    return wrong(fmt::format("'{}' has bits behind its prefix: write {}, or the one address without a prefix", text,
                             range.text()));
  }
  return range;
}

bool any_contains(std::span<const AddressRange> ranges, const AddressBytes& peer) noexcept {
  for (const auto& range : ranges)
    if (range.contains(peer)) return true;
  return false;
}

}  // namespace thorlog
