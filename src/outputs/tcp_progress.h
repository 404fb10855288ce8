// What the kernel knows about bytes that were sent over a TCP connection. Any thread.
#pragma once

#include <cstdint>

namespace thorlog {

struct TcpProgress {
  std::uint64_t unacked = 0;       // bytes the peer's kernel has not acknowledged (SIOCOUTQ)
  std::uint32_t window = 0;        // what the peer's kernel would take now
  std::uint32_t since_ack_ms = 0;  // since its last acknowledgement of any kind
};

TcpProgress tcp_progress(int fd) noexcept;

}  // namespace thorlog
