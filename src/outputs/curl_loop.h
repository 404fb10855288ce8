// libcurl's multi interface on a Loop: transfers run beside each other, none of them blocks the thread. Belongs to
// the loop's thread; the easy handles stay the caller's.
#pragma once

#include <curl/curl.h>

#include <functional>
#include <memory>
#include <unordered_map>

#include "loop/loop.h"

namespace thorlog {

class CurlLoop {
 public:
  // Told of each transfer that ended, after it was taken off; it may add the same handle again.
  using Finished = std::function<void(CURL* transfer, CURLcode result)>;

  // `connections`: kept open at most.
  CurlLoop(Loop& loop, long connections, Finished finished);
  // Transfers that are under way are cut off, and told nobody.
  ~CurlLoop();
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // Starts a transfer. The answer comes through `finished`, never from inside this call.
  void add(CURL* transfer);
  // Takes one off that is under way.
  void remove(CURL* transfer) noexcept;

 private:
  // Without std::function: the watch is let go of by libcurl while it runs.
  struct Watch {
    UvHandle<uv_poll_t> handle;
    curl_socket_t fd = CURL_SOCKET_BAD;
  };

  static int on_socket(CURL* transfer, curl_socket_t fd, int what, void* self, void* watch) noexcept;
  static int on_timer(CURLM* multi, long timeout_ms, void* self) noexcept;
  static void on_ready(uv_poll_t* handle, int status, int events) noexcept;
  void watch(curl_socket_t fd, int what);
  void act(curl_socket_t fd, int events);
  void collect();

  Loop& loop_;
  Finished finished_;
  CURLM* multi_;
  Timer timer_;
  std::unordered_map<curl_socket_t, UvHandle<uv_poll_t>> watches_;
};

// Once for the process, before any thread uses libcurl.
void initialize_curl();

}  // namespace thorlog
