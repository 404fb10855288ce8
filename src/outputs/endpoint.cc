#include "outputs/endpoint.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <thread>

namespace thorlog {

std::string Endpoint::text() const {
  std::array<char, INET6_ADDRSTRLEN> host{};
  if (family() == AF_INET6) {
    const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address);
    ::inet_ntop(AF_INET6, &in6->sin6_addr, host.data(), host.size());
    return fmt::format("[{}]:{}", host.data(), ntohs(in6->sin6_port));
  }
  const auto* in = reinterpret_cast<const sockaddr_in*>(&address);
  ::inet_ntop(AF_INET, &in->sin_addr, host.data(), host.size());
  return fmt::format("{}:{}", host.data(), ntohs(in->sin_port));
}

std::optional<Endpoint> literal_endpoint(const std::string& host, std::uint16_t port) {
  Endpoint endpoint;
  auto* in = reinterpret_cast<sockaddr_in*>(&endpoint.address);
  if (::inet_pton(AF_INET, host.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    endpoint.length = sizeof(sockaddr_in);
    return endpoint;
  }
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&endpoint.address);
  if (::inet_pton(AF_INET6, host.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    endpoint.length = sizeof(sockaddr_in6);
    return endpoint;
  }
  return std::nullopt;
}

// Shared by the resolver and its thread, whichever lives longer.
struct Resolver::Answer {
  std::mutex mutex;       // guards the rest
  Wake* asker = nullptr;  // nullptr: nobody waits any more
  int code = 0;           // getaddrinfo's
  std::vector<Endpoint> found;
  std::string host;
  bool ready = false;
};

namespace {

std::vector<Endpoint> ask(const std::string& host, std::uint16_t port, int socket_type, int& code) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = socket_type;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list);
  std::vector<Endpoint> found;
  if (code != 0) return found;
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    if (at->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Endpoint& endpoint = found.emplace_back();
    std::memcpy(&endpoint.address, at->ai_addr, at->ai_addrlen);
    endpoint.length = at->ai_addrlen;
  }
  ::freeaddrinfo(list);
  return found;
}

}  // namespace

Resolver::Resolver(Loop& loop, Found found) : found_(std::move(found)), wake_(loop, [this] { take(); }) {}

Resolver::~Resolver() { forget(); }

void Resolver::forget() noexcept {
  if (!pending_) return;
  const std::lock_guard lock(pending_->mutex);
  pending_->asker = nullptr;
}

void Resolver::look_up(const std::string& host, std::uint16_t port, int socket_type) {
  forget();
  pending_ = std::make_shared<Answer>();
  pending_->asker = &wake_;
  pending_->host = host;
  // Detached: the C library gives no way to call a look-up off, and nobody shall wait for it at a stop.
  std::thread([answer = pending_, host, port, socket_type] {
    int code = 0;
    auto found = ask(host, port, socket_type, code);
    const std::lock_guard lock(answer->mutex);
    answer->found = std::move(found);
    answer->code = code;
    answer->ready = true;
    if (answer->asker != nullptr) answer->asker->ring();
  }).detach();
}

void Resolver::take() {
  if (!pending_) return;
  std::shared_ptr<Answer> answer;
  {
    const std::lock_guard lock(pending_->mutex);
    if (!pending_->ready || pending_->asker == nullptr) return;  // an older one rang
    pending_->asker = nullptr;
    answer = pending_;
  }
  pending_.reset();
  if (answer->code != 0 || answer->found.empty()) {
    const char* why = answer->code != 0 ? ::gai_strerror(answer->code) : "no address";
    return found_(fail({Errc::io, "looking up " + answer->host + ": " + why, 0}));
  }
  found_(std::move(answer->found));
}

}  // namespace thorlog
