// HTTP/1.1 requests and responses as values, and the reader that makes requests of bytes: Boost.Beast's parser
// without its I/O, behind checks of our own against smuggling (specs.md 6). Pure; one reader for each connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace thorlog {

struct HttpRequest {
  std::string method;
  std::string path;                                        // without the query, percent-decoded
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string host;
  std::string authorization;
  std::string content_type;
  std::string body;
  bool keep_alive = false;

  // The first value of that name, or `otherwise`.
  std::string_view parameter(std::string_view name, std::string_view otherwise = {}) const noexcept;
  // All values of that name.
  std::vector<std::string> parameters(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  bool stream = false;  // the body is only the beginning; more follows until the connection ends (server-sent events)

  static HttpResponse text(int status, std::string body);
  static HttpResponse json(std::string body) { return {200, "application/json", std::move(body), {}, false}; }
  // {"error": "..."}
  static HttpResponse problem(int status, std::string_view what);
  // The bytes on the wire. close: says that the connection ends after it.
  std::string serialize(bool close) const;
};

class HttpReader {
 public:
  static constexpr std::size_t kMaxHeader = 16U << 10;

  explicit HttpReader(std::size_t max_body);
  ~HttpReader();

  enum class State : std::uint8_t { need_more, complete, refused };
  // Gives the next bytes. complete: request() holds it, and reset() must be called before the next one. refused:
  // status() says why; the connection must be closed after the answer.
  State feed(std::string_view bytes);
  HttpRequest& request() noexcept { return request_; }
  int refused_status() const noexcept { return status_; }
  // Ready for the next request on the connection; goes on with bytes that came behind the last one.
  State reset();

 private:
  State refuse(int status);
  State read_header();
  State read_body();
  State finish();

  struct Parser;
  std::size_t max_body_;
  std::string buffer_;
  std::unique_ptr<Parser> parser_;  // set while a body is read
  HttpRequest request_;
  int status_ = 400;
};

// "%2F" and "+" (in queries) decoded; false when it is malformed.
bool percent_decode(std::string_view text, bool plus_is_blank, std::string& out);

}  // namespace thorlog
