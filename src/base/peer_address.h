// Who sent a line, without the port: a machine's scanner and its agent have a connection each.
#pragma once

#include <cstddef>
#include <string_view>

namespace thorlog {

// The address in "10.0.0.7:514" and "[2001:db8::1]:514". What is no such endpoint (a path, a topic's partition) is an
// address as it is.
constexpr std::string_view peer_address(std::string_view peer) noexcept {
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos || peer.find('/') != std::string_view::npos) return peer;
  for (const char c : peer.substr(colon + 1))
    if (c < '0' || c > '9') return peer;
  const std::string_view address = peer.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    return address.substr(1, address.size() - 2);
  // An IPv6 address without brackets has no port.
  return address.find(':') == std::string_view::npos ? address : peer;
}

}  // namespace thorlog
