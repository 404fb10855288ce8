#include "inputs/passed_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

namespace thorlog {
namespace {

struct Passed {
  int fd;
  std::string name;
};

std::vector<Passed> ask_systemd() {
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(0, &names);  // sets close-on-exec; looks at LISTEN_PID
  std::vector<Passed> found;
  for (int i = 0; i < count; ++i) {
    found.push_back({SD_LISTEN_FDS_START + i, names[i]});
    std::free(names[i]);
  }
  std::free(names);
  return found;
}

}  // namespace

Result<std::vector<Fd>> passed_sockets(const std::string& name, int type) {
  const std::string doing = "taking the passed socket '" + name + "'";
  std::vector<Fd> sockets;
  for (const Passed& passed : ask_systemd()) {
    if (passed.name != name) continue;
    const int right = ::sd_is_socket(passed.fd, AF_UNSPEC, type, type == SOCK_STREAM ? 1 : -1);
    if (right <= 0) {
      return fail(
          {Errc::config, doing + (type == SOCK_DGRAM ? ": it is no datagram socket" : ": it does not listen")});
    }
    Fd copy(::fcntl(passed.fd, F_DUPFD_CLOEXEC, 0));
    if (!copy || ::fcntl(copy.get(), F_SETFL, ::fcntl(copy.get(), F_GETFL) | O_NONBLOCK) != 0) {
      return fail({Errc::io, doing, errno});
    }
    sockets.push_back(std::move(copy));
  }
  if (sockets.empty()) return fail({Errc::config, doing + ": systemd passed none of this name"});
  return sockets;
}

}  // namespace thorlog
