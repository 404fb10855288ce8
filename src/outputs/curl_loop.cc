#include "outputs/curl_loop.h"

#include <mutex>
#include <utility>

namespace thorlog {

void initialize_curl() {
  static std::once_flag once;
  std::call_once(once, [] { THORLOG_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
}

CurlLoop::CurlLoop(Loop& loop, long connections, Finished finished)
    : loop_(loop),
      finished_(std::move(finished)),
      multi_((initialize_curl(), curl_multi_init())),
      timer_(loop, [this] { act(CURL_SOCKET_TIMEOUT, 0); }) {
  THORLOG_ASSERT(multi_ != nullptr);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, connections);
  curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, connections);
}

CurlLoop::~CurlLoop() {
  finished_ = nullptr;
  curl_multi_cleanup(multi_);  // closes the connections, and lets go of their watches before
}

void CurlLoop::add(CURL* transfer) {
  // libcurl asks for its timer at once, so the work begins on the loop's next turn.
  THORLOG_ASSERT(curl_multi_add_handle(multi_, transfer) == CURLM_OK);
}

void CurlLoop::remove(CURL* transfer) noexcept { curl_multi_remove_handle(multi_, transfer); }

int CurlLoop::on_socket(CURL* /*transfer*/, curl_socket_t fd, int what, void* self, void* /*watch*/) noexcept {
  auto* me = static_cast<CurlLoop*>(self);
  if (what == CURL_POLL_REMOVE) {
    // libcurl closes the descriptor right after, and its number may come back: the watch must be gone by then.
    me->watches_.erase(fd);
  } else {
    me->watch(fd, what);
  }
  return 0;
}

int CurlLoop::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) noexcept {
  auto* me = static_cast<CurlLoop*>(self);
  if (timeout_ms < 0) {
    me->timer_.stop();
  } else {
    me->timer_.start(static_cast<std::uint64_t>(timeout_ms));
  }
  return 0;
}

void CurlLoop::watch(curl_socket_t fd, int what) {
  auto& handle = watches_[fd];
  if (!handle) {
    auto raw = std::make_unique<uv_poll_t>();
    // It only fails for what is no socket, or is watched already.
    THORLOG_ASSERT(uv_poll_init(loop_.uv(), raw.get(), fd) == 0);
    raw->data = this;
    handle.reset(raw.release());
  }
  const int events = ((what & CURL_POLL_IN) != 0 ? UV_READABLE : 0) | ((what & CURL_POLL_OUT) != 0 ? UV_WRITABLE : 0);
  uv_poll_start(handle.get(), events, &CurlLoop::on_ready);
}

void CurlLoop::on_ready(uv_poll_t* handle, int status, int events) noexcept {
  auto* self = static_cast<CurlLoop*>(handle->data);
  if (self == nullptr) return;
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(handle), &fd) != 0) return;
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  if ((events & UV_READABLE) != 0) flags |= CURL_CSELECT_IN;
  if ((events & UV_WRITABLE) != 0) flags |= CURL_CSELECT_OUT;
  self->act(fd, flags);  // the handle may be gone after this
}

void CurlLoop::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(multi_, fd, events, &running);
  collect();
}

void CurlLoop::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const transfer = message->easy_handle;
    const CURLcode result = message->data.result;  // the message is gone once the transfer is taken off
    curl_multi_remove_handle(multi_, transfer);
    if (finished_) finished_(transfer, result);
  }
}

}  // namespace thorlog
