#include "admin/client.h"

#include <fmt/format.h>
#include <netdb.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

namespace thorlog {
namespace {

constexpr std::size_t kMaxBody = 256U << 20;

class Connection {
 public:
  explicit Connection(int fd) : fd_(fd) {}
  ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return fail({Errc::io, "sending to the daemon", errno});
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return ok();
  }

  // Appends what comes next; false at the end.
  Result<bool> read_more(std::string& to) {
    char bytes[65536];
    ssize_t got = 0;
    do {
      got = ::recv(fd_, bytes, sizeof bytes, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return fail({Errc::io, "reading from the daemon", errno});
    to.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }

 private:
  int fd_;
};

// Reads on until the header is whole; gives its length with the empty line, and the status.
Result<std::size_t> read_header(Connection& connection, std::string& bytes, int& status) {
  for (;;) {
    const std::size_t end = bytes.find("\r\n\r\n");
    if (end != std::string::npos) {
      if (!bytes.starts_with("HTTP/1.1 ") || bytes.size() < 12) return fail({Errc::io, "no HTTP answer"});
      std::from_chars(bytes.data() + 9, bytes.data() + 12, status);
      return end + 4;
    }
    auto more = connection.read_more(bytes);
    if (!more) return fail(std::move(more).error());
    if (!*more) return fail({Errc::io, "the daemon closed the connection"});
  }
}

std::string request_text(std::string_view method, const std::string& target) {
  return fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", method,
                     target);
}

}  // namespace

std::string AdminAddress::text() const {
  if (!socket.empty()) return socket;
  return fmt::format("{}:{}", host, port);
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<int> AdminClient::connect() const {
  int error = ENOENT;
  if (!address_.socket.empty()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (address_.socket.size() >= sizeof address.sun_path) {
      return fail({Errc::config, "the socket's path is too long: " + address_.socket});
    }
    std::memcpy(address.sun_path, address_.socket.data(), address_.socket.size());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    error = errno;
    if (fd >= 0) ::close(fd);
  }
  if (!address_.host.empty()) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address_.host.c_str(), std::to_string(address_.port).c_str(), &hints, &found) == 0) {
      const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
      for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        const int fd = ::socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && ::connect(fd, each->ai_addr, each->ai_addrlen) == 0) return fd;
        error = errno;
        if (fd >= 0) ::close(fd);
      }
    }
  }
  return fail({Errc::cancelled, "no thorlogd answers on " + address_.text(), error});
}

Result<ClientResponse> AdminClient::request(std::string_view method, const std::string& target) {
  auto fd = connect();
  if (!fd) return fail(std::move(fd).error());
  Connection connection(*fd);
  if (Status sent = connection.send_all(request_text(method, target)); !sent) return fail(std::move(sent).error());
  std::string bytes;
  ClientResponse response;
  auto header = read_header(connection, bytes, response.status);
  if (!header) return fail(std::move(header).error());
  for (;;) {
    auto more = connection.read_more(bytes);
    if (!more) return fail(std::move(more).error());
    if (!*more) break;
    if (bytes.size() > kMaxBody) return fail({Errc::io, "the daemon's answer is too long"});
  }
  response.body = bytes.substr(*header);
  return response;
}

Status AdminClient::stream(const std::string& target, const std::function<bool(std::string_view)>& event) {
  auto fd = connect();
  if (!fd) return fail(std::move(fd).error());
  Connection connection(*fd);
  if (Status sent = connection.send_all(request_text("GET", target)); !sent) return sent;
  std::string bytes;
  int status = 0;
  auto header = read_header(connection, bytes, status);
  if (!header) return fail(std::move(header).error());
  bytes.erase(0, *header);
  if (status != 200) {
    for (auto more = connection.read_more(bytes); more && *more; more = connection.read_more(bytes)) continue;
    simdjson::dom::parser parser;
    std::string_view why;
    if (parser.parse(bytes)["error"].get(why) != simdjson::SUCCESS) why = "no reason is given";
    return fail({Errc::config, "the daemon refuses: " + std::string(why)});
  }
  for (;;) {
    std::size_t begin = 0;
    for (std::size_t end = bytes.find("\n\n"); end != std::string::npos; end = bytes.find("\n\n", begin)) {
      const std::string_view block = std::string_view(bytes).substr(begin, end - begin);
      begin = end + 2;
      if (block.starts_with("data: ") && !event(block.substr(6))) return ok();
      if (block == ": live" && !event({})) return ok();
    }
    bytes.erase(0, begin);
    auto more = connection.read_more(bytes);
    if (!more) return fail(std::move(more).error());
    if (!*more) return ok();
  }
}

}  // namespace thorlog
