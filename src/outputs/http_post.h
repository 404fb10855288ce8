// One HTTP POST at a time, by libcurl: what is sent, how far we trust the answer, and what became of it. TLS is
// always verified; redirects, proxies of the environment, cookies and other protocols are off. Belongs to its loop's
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "outputs/curl_loop.h"

namespace thorlog {

// Where posts go, the same for each of them.
struct HttpTarget {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string ca;                    // PEM of authorities beside the system's; empty: none
  std::string certificate;           // PEM, for servers that ask for one; empty: none
  std::string key;
  bool only_tls_1_3 = false;
  long timeout_ms = 10'000;  // of a whole post
};

struct HttpAnswer {
  CURLcode result = CURLE_OK;
  long status = 0;   // 0: there was none
  bool cut = false;  // longer than we read: the connection was closed, the status counts
  std::int64_t retry_after_s = 0;
  std::string text;   // the begin of the body, any bytes
  std::string error;  // libcurl's words, when result is none of ours
};

class HttpPost {
 public:
  static constexpr std::size_t kMostAnswer = 64U << 10;   // read of a body before we hang up
  static constexpr std::size_t kMostHeaders = 64U << 10;  // likewise
  static constexpr std::size_t kKeptAnswer = 512;

  HttpPost(CurlLoop& loop, const HttpTarget& target);
  ~HttpPost();
  HttpPost(const HttpPost&) = delete;
  HttpPost& operator=(const HttpPost&) = delete;

  // `body` must live until the answer. `headers`: further ones, "Name: value".
  void start(std::string_view body, const std::vector<std::string>& headers);
  bool under_way() const noexcept { return under_way_; }
  // After the loop has told that it finished.
  HttpAnswer finish(CURLcode result);

  // Whose transfer it is.
  static HttpPost* of(CURL* transfer) noexcept;

 private:
  struct FreeEasy {
    void operator()(CURL* easy) const noexcept { curl_easy_cleanup(easy); }
  };
  struct FreeList {
    void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
  };

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) noexcept;
  static CURLcode on_tls(CURL* transfer, void* context, void* self) noexcept;
  void set_options();

  CurlLoop& loop_;
  HttpTarget target_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::unique_ptr<curl_slist, FreeList> headers_;
  char error_[CURL_ERROR_SIZE] = {};
  std::string text_;
  std::size_t body_bytes_ = 0;
  std::size_t header_bytes_ = 0;
  bool under_way_ = false;
};

// Whether the PEM files of the target can be used. Errors, config.
Status check_tls_files(const HttpTarget& target);

}  // namespace thorlog
