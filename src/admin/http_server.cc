#include "admin/http_server.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxConnections = 64;
constexpr std::size_t kMaxBody = 1U << 20;
constexpr std::size_t kMaxUnsent = 4U << 20;  // of a stream whose client reads slowly
constexpr std::uint64_t kRequestSeconds = 10;
constexpr std::uint64_t kIdleSeconds = 60;

std::uint64_t now_seconds(Loop& loop) { return uv_now(loop.uv()) / 1000; }

Status make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return fail({Errc::io, "setting up a socket", errno});
  return ok();
}

HttpPeer who_is(int fd, bool unix_socket) {
  HttpPeer peer;
  peer.unix_socket = unix_socket;
  if (!unix_socket) return peer;
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer.may_operate = credentials.uid == 0 || credentials.uid == ::geteuid();
  }
  return peer;
}

// True when something answers on the socket file.
bool is_alive(const sockaddr_un& address) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool alive = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return alive;
}

}  // namespace

class HttpServer::Listener {
 public:
  Listener(HttpServer& server, int fd, bool unix_socket)
      : fd_(fd), watch_(std::make_unique<FdWatch>(server.loop_, fd, [&server, fd, unix_socket](int, int) {
          server.accept(fd, unix_socket);
        })) {
    watch_->start(UV_READABLE);
  }
  ~Listener() {
    watch_.reset();
    ::close(fd_);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  int fd_;
  std::unique_ptr<FdWatch> watch_;
};

class HttpServer::Connection final : public HttpStream {
 public:
  Connection(HttpServer& server, int fd, HttpPeer peer)
      : server_(&server),
        fd_(fd),
        peer_(peer),
        reader_(kMaxBody),
        watch_(
            std::make_unique<FdWatch>(server.loop_, fd, [this](int status, int events) { ready(status, events); })),
        last_(now_seconds(server.loop_)) {
    watch_->start(UV_READABLE);
  }
  ~Connection() override { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const noexcept override { return fd_ >= 0; }

  bool send(std::string_view bytes) override {
    if (!open() || unsent_.size() + bytes.size() > kMaxUnsent) return false;
    unsent_.append(bytes);
    write();
    return open();
  }

  bool overdue(std::uint64_t now) const noexcept {
    if (streaming_) return false;
    return now - last_ > (in_request_ ? kRequestSeconds : kIdleSeconds);
  }

  void close() {
    if (!open()) return;
    watch_->stop();
    ::close(std::exchange(fd_, -1));
    server_->reaper_.ring();  // not here: this may run in a callback of our own
  }

 private:
  void ready(int status, int events) {
    if (status < 0) return close();
    if ((events & UV_WRITABLE) != 0) write();
    if (open() && (events & UV_READABLE) != 0) read();
  }

  void read() {
    char bytes[16384];
    const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return close();
    if (streaming_ || ending_) return;  // nothing more is expected; what comes is dropped
    if (!in_request_) last_ = now_seconds(server_->loop_);
    in_request_ = true;
    answer(reader_.feed({bytes, static_cast<std::size_t>(got)}));
  }

  void answer(HttpReader::State state) {
    while (state == HttpReader::State::complete && !ending_ && !streaming_) {
      Handled handled = server_->handler_(reader_.request(), peer_);
      const bool keep = reader_.request().keep_alive && !handled.response.stream && handled.response.status < 400;
      ending_ = !keep && !handled.response.stream;
      streaming_ = handled.response.stream;
      unsent_ += handled.response.serialize(!keep);
      if (streaming_ && handled.on_stream) handled.on_stream(shared());
      in_request_ = false;
      last_ = now_seconds(server_->loop_);
      state = reader_.reset();
    }
    if (state == HttpReader::State::refused) {
      ending_ = true;
      unsent_ += HttpResponse::problem(reader_.refused_status(), "malformed request").serialize(true);
    }
    write();
  }

  void write() {
    while (!unsent_.empty()) {
      const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) {
        watch_->start(UV_READABLE | UV_WRITABLE);
        return;
      }
      if (sent < 0) return close();
      unsent_.erase(0, static_cast<std::size_t>(sent));
    }
    if (!ending_) {
      watch_->start(UV_READABLE);
      return;
    }
    ::shutdown(fd_, SHUT_WR);
    close();
  }

  std::shared_ptr<Connection> shared() {
    for (const auto& connection : server_->connections_) {
      if (connection.get() == this) return connection;
    }
    return nullptr;
  }

  HttpServer* server_;
  int fd_;
  HttpPeer peer_;
  HttpReader reader_;
  std::unique_ptr<FdWatch> watch_;
  std::string unsent_;
  std::uint64_t last_;
  bool in_request_ = false;
  bool ending_ = false;
  bool streaming_ = false;
};

HttpServer::HttpServer(Loop& loop, Handler handler)
    : loop_(loop),
      handler_(std::move(handler)),
      reaper_(loop, [this] { reap(); }),
      sweeper_(loop, [this] { sweep(); }) {
  sweeper_.start(1000, 1000);
}

HttpServer::~HttpServer() { close(); }

Status HttpServer::listen_tcp(const std::string& host, std::uint16_t port) {
  const std::string where =
      (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0 || found == nullptr) {
    return fail({Errc::config, "admin: " + where + " is no address"});
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail({Errc::io, "admin: opening a socket", errno});
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd, 64) != 0) {
    const int error = errno;
    ::close(fd);
    return fail({Errc::io, "admin: listening on " + where, error});
  }
  listeners_.push_back(std::make_unique<Listener>(*this, fd, false));
  return ok();
}

Status HttpServer::listen_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return fail({Errc::config, "admin: the path " + path + " is too long"});
  std::memcpy(address.sun_path, path.data(), path.size());
  if (is_alive(address)) return fail({Errc::busy, "admin: another thorlogd answers on " + path});
  ::unlink(path.c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail({Errc::io, "admin: opening a socket", errno});
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 64) != 0) {
    const int error = errno;
    ::close(fd);
    return fail({Errc::io, "admin: listening on " + path, error});
  }
  ::chmod(path.c_str(), 0660);
  if (Status set = make_non_blocking(fd); !set) {
    ::close(fd);
    return set;
  }
  unix_path_ = path;
  listeners_.push_back(std::make_unique<Listener>(*this, fd, true));
  return ok();
}

void HttpServer::accept(int listener, bool unix_socket) {
  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  if (connections_.size() >= kMaxConnections) {
    log_limited(Severity::warning, "admin", "connections", "too many admin connections; one was closed");
    ::close(fd);
    return;
  }
  connections_.push_back(std::make_shared<Connection>(*this, fd, who_is(fd, unix_socket)));
}

void HttpServer::reap() {
  connections_.remove_if([](const auto& each) { return !each->open(); });
}

void HttpServer::sweep() {
  const std::uint64_t now = now_seconds(loop_);
  for (const auto& connection : connections_) {
    if (connection->overdue(now)) connection->close();
  }
}

void HttpServer::close() {
  listeners_.clear();
  for (const auto& connection : connections_) connection->close();
  connections_.clear();
  sweeper_.stop();
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  unix_path_.clear();
}

}  // namespace thorlog
