// Serves HTTP on a loop: listeners on TCP and on a unix socket, connections with deadlines and bounded buffers. What
// a request means is the handler's business. Loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "admin/http.h"
#include "loop/loop.h"
#include "thorlog/result.h"

namespace thorlog {

// Who asks, as far as the transport can say.
struct HttpPeer {
  bool unix_socket = false;
  bool may_operate = false;  // a unix peer that is root or our own user (SO_PEERCRED)
};

// The open end of a streaming response. Goes to sleep, not away, when the client leaves: send() then says false.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  // False: the client has gone, or is so slow that its buffer is full; the bytes were not taken.
  virtual bool send(std::string_view bytes) = 0;
  virtual bool open() const noexcept = 0;
};

class HttpServer {
 public:
  // Gives the response; for one with `stream` set, on_stream is called with its open end afterwards.
  struct Handled {
    HttpResponse response;
    std::function<void(const std::shared_ptr<HttpStream>&)> on_stream;
  };
  using Handler = std::function<Handled(const HttpRequest&, const HttpPeer&)>;

  HttpServer(Loop& loop, Handler handler);
  ~HttpServer();

  // Errors name the address and what to do.
  Status listen_tcp(const std::string& host, std::uint16_t port);
  // Replaces a socket file that nobody answers on. Mode 0660.
  Status listen_unix(const std::string& path);
  // Stops listening and closes every connection.
  void close();

 private:
  class Connection;
  class Listener;
  void accept(int listener, bool unix_socket);
  void reap();
  void sweep();

  Loop& loop_;
  Handler handler_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::list<std::shared_ptr<Connection>> connections_;
  Wake reaper_;
  Timer sweeper_;
  std::string unix_path_;
};

}  // namespace thorlog
