#include "outputs/tcp_progress.h"

#include <linux/sockios.h>
#include <linux/tcp.h>  // not <netinet/tcp.h>: its tcp_info ends before the peer's window; the two can't be mixed
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace thorlog {

TcpProgress tcp_progress(int fd) noexcept {
  TcpProgress progress;
  int unacked = 0;
  if (::ioctl(fd, SIOCOUTQ, &unacked) == 0 && unacked > 0) progress.unacked = static_cast<std::uint64_t>(unacked);
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return progress;
  progress.since_ack_ms = info.tcpi_last_ack_recv;
  if (size >= offsetof(tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd) progress.window = info.tcpi_snd_wnd;
  return progress;
}

}  // namespace thorlog
