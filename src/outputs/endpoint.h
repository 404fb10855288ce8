// A resolved address, and how names become some. Names are looked up on a thread of their own, since a name server
// may keep us waiting for half a minute; literal addresses need no look-up.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loop/loop.h"
#include "thorlog/result.h"

namespace thorlog {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&address); }
  int family() const noexcept { return address.ss_family; }
  std::string text() const;  // "192.0.2.1:514", "[2001:db8::1]:514"
};

// The address when `host` is one (without brackets); nothing when it is a name.
std::optional<Endpoint> literal_endpoint(const std::string& host, std::uint16_t port);

// Looks up names, one at a time. Lives on a loop; letting go of it forgets a look-up that is under way.
class Resolver {
 public:
  using Found = std::function<void(Result<std::vector<Endpoint>>)>;  // on the loop's thread

  Resolver(Loop& loop, Found found);
  ~Resolver();
  // `socket_type`: SOCK_STREAM or SOCK_DGRAM. A look-up that is under way is forgotten.
  void look_up(const std::string& host, std::uint16_t port, int socket_type);

 private:
  struct Answer;
  void take();
  void forget() noexcept;

  Found found_;
  Wake wake_;
  std::shared_ptr<Answer> pending_;
};

}  // namespace thorlog
