#include "inputs/udp_group.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>

#include "inputs/passed_sockets.h"

namespace thorlog {
namespace {

// Picks the socket by a hash of the source address: BPF_LD | BPF_ABS with SKF_NET_OFF reads the IP header. The first
// four bits tell IPv4 from IPv6, which a dual-stack group both gets.
Status steer_by_source(int fd, std::uint32_t workers) {
  constexpr auto at = [](int offset) { return static_cast<std::uint32_t>(SKF_NET_OFF + offset); };
  constexpr std::uint16_t kWord = BPF_LD | BPF_W | BPF_ABS;
  constexpr std::uint32_t kSpread = 0x9E3779B1;  // odd and random-looking: neighbours go to different workers
  std::array<sock_filter, 19> program = {{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at(0)),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 4, 0, 2),
      BPF_STMT(kWord, at(12)),         // IPv4: the source address
      BPF_STMT(BPF_JMP | BPF_JA, 10),  // to the multiplication
      BPF_STMT(kWord, at(8)),          // IPv6: all four words of it
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(kWord, at(12)),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(kWord, at(16)),
      BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
      BPF_STMT(BPF_MISC | BPF_TAX, 0),
      BPF_STMT(kWord, at(20)),
      BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
      BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, kSpread),
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
      BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, workers),
      BPF_STMT(BPF_RET | BPF_A, 0),
  }};
  const sock_fprog fprog{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &fprog, sizeof fprog) != 0) {
    return fail({Errc::io, "steering datagrams by their source", errno});
  }
  return ok();
}

// Asks for the buffer, also beyond net.core.rmem_max if we may; the kernel keeps twice the number for its own needs.
std::uint64_t size_buffer(int fd, std::uint64_t wanted) noexcept {
  const auto bytes = static_cast<int>(std::min<std::uint64_t>(wanted, std::numeric_limits<int>::max() / 2));
  if (!set_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes)) set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
  int granted = 0;
  socklen_t length = sizeof granted;
  ::getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &granted, &length);
  return static_cast<std::uint64_t>(granted) / 2;
}

Result<UdpGroup> open_passed(const InputSettings& settings, std::size_t workers) {
  auto sockets = passed_sockets(settings.listen.passed, SOCK_DGRAM);
  if (!sockets) return fail(std::move(sockets).error());
  auto address = local_address(sockets->front().get());
  if (!address) return fail(std::move(address).error());
  UdpGroup group{std::vector<std::vector<UdpSocket>>(workers), *address, true};
  for (std::size_t i = 0; i < sockets->size(); ++i) {
    Fd fd = std::move((*sockets)[i]);
    const std::uint64_t granted = size_buffer(fd.get(), settings.receive_buffer);
    group.by_worker[i % workers].push_back({std::move(fd), granted});
  }
  return group;
}

// Joining a group needs no more than the same user, so another daemon could be in it unseen: bind without sharing
// first.
Status probe(const SocketAddress& address, const InputSettings& settings, bool v6_only) {
  auto fd = make_socket(address, SOCK_DGRAM, v6_only);
  if (!fd) return fail(std::move(fd).error());
  if (::bind(fd->get(), address.raw(), address.length) != 0) return fail(listen_error(settings, errno));
  return ok();
}

Result<UdpSocket> open_member(const SocketAddress& address, const InputSettings& settings, bool v6_only) {
  auto fd = make_socket(address, SOCK_DGRAM, v6_only);
  if (!fd) return fail(std::move(fd).error());
  if (!set_option(fd->get(), SOL_SOCKET, SO_REUSEPORT, 1) || ::bind(fd->get(), address.raw(), address.length) != 0) {
    return fail(listen_error(settings, errno));
  }
  const std::uint64_t granted = size_buffer(fd->get(), settings.receive_buffer);
  return UdpSocket{*std::move(fd), granted};
}

}  // namespace

Result<UdpGroup> UdpGroup::open(const InputSettings& settings, std::size_t workers, bool v6_only) {
  if (settings.listen.is_passed()) return open_passed(settings, workers);
  auto address = to_socket_address(settings.listen);
  if (!address) return fail(std::move(address).error());
  if (auto free = probe(*address, settings, v6_only); !free) return fail(std::move(free).error());

  UdpGroup group{std::vector<std::vector<UdpSocket>>(workers), *address, false};
  for (auto& sockets : group.by_worker) {
    auto socket = open_member(group.address, settings, v6_only);
    if (!socket) return fail(std::move(socket).error());
    const int fd = socket->fd.get();
    sockets.push_back(*std::move(socket));
    if (group.address.port() != 0) continue;
    auto bound = local_address(fd);  // any port was asked for: the others join this one
    if (!bound) return fail(std::move(bound).error());
    group.address = *bound;
  }
  if (workers > 1) {
    auto steered = steer_by_source(group.by_worker[0][0].fd.get(), static_cast<std::uint32_t>(workers));
    if (!steered) return fail(std::move(steered).error());
  }
  return group;
}

std::uint64_t UdpGroup::least_granted() const noexcept {
  std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
  for (const auto& sockets : by_worker) {
    for (const UdpSocket& socket : sockets) least = std::min(least, socket.granted);
  }
  return least;
}

std::uint32_t kernel_drops(int fd) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info.data(), &length) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

void refuse_new_datagrams(int fd) noexcept {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &nothing};
  ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

}  // namespace thorlog
