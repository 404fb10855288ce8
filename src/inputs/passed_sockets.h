// Sockets that systemd passed to us (sd_listen_fds(3)). They stay open for the life of the process, so that an input
// can come and go on reload; an input gets duplicates. Main thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "loop/fd.h"
#include "thorlog/result.h"

namespace thorlog {

// All sockets with this FileDescriptorName=, non-blocking and of this type (SOCK_DGRAM, or SOCK_STREAM and
// listening). Errors: there is none, or one of them is of another type.
Result<std::vector<Fd>> passed_sockets(const std::string& name, int type);

}  // namespace thorlog
