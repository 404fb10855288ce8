// The sockets of one udp input, open for the life of the input. Opened on the main thread; then each worker takes its
// own ones.
#pragma once

#include <cstdint>
#include <vector>

#include "config/settings.h"
#include "inputs/sockets.h"

namespace thorlog {

struct UdpSocket {
  Fd fd;
  std::uint64_t granted = 0;  // bytes of receive buffer that we may fill
};

struct UdpGroup {
  std::vector<std::vector<UdpSocket>> by_worker;  // passed sockets are shared out, so some worker may have none
  SocketAddress address;                          // of the first
  bool passed = false;

  std::uint64_t least_granted() const noexcept;

  // A group of one socket for each worker (SO_REUSEPORT), steered by the source address, so that a sender stays with
  // its worker. Fails when anything else is bound there already.
  static Result<UdpGroup> open(const InputSettings& settings, std::size_t workers, bool v6_only);
};

// Datagrams that the kernel dropped at this socket since it was opened, by a full buffer or a wrong checksum
// (SO_MEMINFO).
std::uint32_t kernel_drops(int fd) noexcept;

// From now on the kernel drops what arrives, so that reading comes to an end. What waits already stays.
void refuse_new_datagrams(int fd) noexcept;

}  // namespace thorlog
