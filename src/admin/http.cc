#include "admin/http.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/json_writer.h"

namespace thorlog {
namespace {

namespace http = boost::beast::http;

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// What two programs could read in two ways is refused before anything is framed by it (RFC 9112, 11.2).
bool header_is_plain(std::string_view header) {
  const std::size_t first_end = header.find("\r\n");
  const bool version_1_0 = header.substr(0, first_end).ends_with("HTTP/1.0");
  int lengths = 0;
  int encodings = 0;
  for (std::size_t at = first_end + 2; at < header.size();) {
    const std::size_t end = header.find("\r\n", at);
    const std::string_view line = header.substr(at, end - at);
    at = end == std::string_view::npos ? header.size() : end + 2;
    if (line.empty()) break;
    if (line.front() == ' ' || line.front() == '\t') return false;  // folded
    if (line.find('\n') != std::string_view::npos || line.find('\r') != std::string_view::npos) return false;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line[colon - 1] == ' ' || line[colon - 1] == '\t')
      return false;
    const std::string_view name = line.substr(0, colon);
    if (same_word(name, "content-length")) ++lengths;
    if (same_word(name, "transfer-encoding")) {
      ++encodings;
      if (!same_word(trimmed(line.substr(colon + 1)), "chunked")) return false;
    }
  }
  return lengths <= 1 && encodings <= 1 && !(encodings == 1 && (lengths == 1 || version_1_0));
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool split_target(std::string_view target, HttpRequest& to) {
  const std::size_t mark = target.find('?');
  if (!percent_decode(target.substr(0, mark), false, to.path)) return false;
  std::string_view rest = mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
  while (!rest.empty()) {
    const std::size_t next = rest.find('&');
    const std::string_view pair = rest.substr(0, next);
    rest = next == std::string_view::npos ? std::string_view() : rest.substr(next + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    std::string name;
    std::string value;
    if (!percent_decode(pair.substr(0, equals), true, name)) return false;
    if (equals != std::string_view::npos && !percent_decode(pair.substr(equals + 1), true, value)) return false;
    to.query.emplace_back(std::move(name), std::move(value));
  }
  return true;
}

std::string text_of(boost::beast::string_view text) { return {text.data(), text.size()}; }

}  // namespace

struct HttpReader::Parser {
  http::request_parser<http::string_body> beast;
};

bool percent_decode(std::string_view text, bool plus_is_blank, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return false;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return false;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    } else {
      out.push_back(plus_is_blank && text[i] == '+' ? ' ' : text[i]);
    }
  }
  return true;
}

std::string_view HttpRequest::parameter(std::string_view name, std::string_view otherwise) const noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return otherwise;
}

std::vector<std::string> HttpRequest::parameters(std::string_view name) const {
  std::vector<std::string> all;
  for (const auto& [key, value] : query) {
    if (key == name) all.push_back(value);
  }
  return all;
}

HttpResponse HttpResponse::text(int status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body), {}, false};
}

HttpResponse HttpResponse::problem(int status, std::string_view what) {
  JsonWriter out;
  out.begin_object().member("error", what).end_object();
  return {status, "application/json", out.take() + "\n", {}, false};
}

std::string HttpResponse::serialize(bool close) const {
  const auto reason = http::obsolete_reason(static_cast<http::status>(status));
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nX-Content-Type-Options: nosniff\r\n"
      "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'self'\r\n",
      status, std::string_view(reason.data(), reason.size()), content_type);
  for (const auto& [name, value] : headers) out += fmt::format("{}: {}\r\n", name, value);
  if (!stream) out += fmt::format("Content-Length: {}\r\n", body.size());
  if (close || stream) out += "Connection: close\r\n";
  return out + "\r\n" + body;
}

HttpReader::HttpReader(std::size_t max_body) : max_body_(max_body) {}
HttpReader::~HttpReader() = default;

HttpReader::State HttpReader::refuse(int status) {
  status_ = status;
  buffer_.clear();
  return State::refused;
}

HttpReader::State HttpReader::feed(std::string_view bytes) {
  buffer_.append(bytes);
  return parser_ ? read_body() : read_header();
}

HttpReader::State HttpReader::reset() {
  request_ = {};
  parser_.reset();
  return buffer_.empty() ? State::need_more : read_header();
}

HttpReader::State HttpReader::read_header() {
  const std::size_t end = buffer_.find("\r\n\r\n");
  if (end == std::string::npos) return buffer_.size() > kMaxHeader ? refuse(431) : State::need_more;
  if (end > kMaxHeader) return refuse(431);
  if (!header_is_plain(std::string_view(buffer_).substr(0, end + 4))) return refuse(400);
  parser_ = std::make_unique<Parser>();
  parser_->beast.header_limit(static_cast<std::uint32_t>(kMaxHeader));
  parser_->beast.body_limit(max_body_);
  parser_->beast.eager(true);
  return read_body();
}

HttpReader::State HttpReader::read_body() {
  auto& beast = parser_->beast;
  while (!buffer_.empty() && !beast.is_done()) {
    boost::system::error_code error;
    const std::size_t used = beast.put(boost::asio::buffer(buffer_.data(), buffer_.size()), error);
    buffer_.erase(0, used);
    if (error == http::error::need_more) break;
    if (error == http::error::body_limit) return refuse(413);
    if (error) return refuse(400);
  }
  return beast.is_done() ? finish() : State::need_more;
}

HttpReader::State HttpReader::finish() {
  auto& message = parser_->beast.get();
  request_.method = text_of(message.method_string());
  request_.host = text_of(message[http::field::host]);
  request_.authorization = text_of(message[http::field::authorization]);
  request_.content_type = text_of(message[http::field::content_type]);
  request_.keep_alive = message.keep_alive();
  request_.body = std::move(message.body());
  const auto target = message.target();
  if (target.empty() || target.front() != '/') return refuse(400);
  if (!split_target({target.data(), target.size()}, request_)) return refuse(400);
  return State::complete;
}

}  // namespace thorlog
