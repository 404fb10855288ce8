// A small blocking HTTP client for thorlogctl: the daemon's admin socket or its loopback port. One request for each
// connection. One thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "thorlog/result.h"

namespace thorlog {

// Where the daemon answers: the path of a unix socket, or "host:port".
struct AdminAddress {
  std::string socket;  // tried first
  std::string host;
  std::uint16_t port = 0;
  std::string text() const;
};

struct ClientResponse {
  int status = 0;
  std::string body;
};

class AdminClient {
 public:
  explicit AdminClient(AdminAddress address) : address_(std::move(address)) {}

  // Errc::cancelled: nobody answers there.
  Result<ClientResponse> get(const std::string& target) { return request("GET", target); }
  Result<ClientResponse> post(const std::string& target) { return request("POST", target); }
  // Server-sent events: calls `event` with the data of each until it says false or the daemon ends. Empty data: what
  // was stored before has been sent, from here on events come as they are stored.
  Status stream(const std::string& target, const std::function<bool(std::string_view data)>& event);

 private:
  Result<ClientResponse> request(std::string_view method, const std::string& target);
  Result<int> connect() const;

  AdminAddress address_;
};

// "%XX" for what may not stand in a query.
std::string percent_encode(std::string_view text);

}  // namespace thorlog
