#include "config/web_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "config/address.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxUrl = 2048;

Failure wrong(std::string text) { return fail({Errc::config, std::move(text), 0}); }

bool is_plain(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F && c != '\\'; });
}

bool take_scheme(std::string_view& rest, WebUrl& url) {
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
    url.secure = true;
    return true;
  }
  if (!rest.starts_with("http://")) return false;
  rest.remove_prefix(7);
  url.secure = false;
  url.port = 80;
  return true;
}

}  // namespace

std::string WebUrl::origin() const {
  const bool v6 = host.find(':') != std::string::npos;
  const bool usual = port == (secure ? 443 : 80);
  std::string text = fmt::format("{}://{}{}{}", secure ? "https" : "http", v6 ? "[" : "", host, v6 ? "]" : "");
  return usual ? text : fmt::format("{}:{}", text, port);
}

Result<WebUrl> parse_web_url(std::string_view text) {
  if (text.size() > kMaxUrl) return wrong(fmt::format("the address is longer than {} bytes", kMaxUrl));
  if (!is_plain(text)) return wrong("an address has no blanks, control characters or letters beyond ASCII");
  WebUrl url;
  std::string_view rest = text;
  if (!take_scheme(rest, url)) return wrong("the address must begin with https:// or http://");
  if (text.find('#') != std::string_view::npos) return wrong("'#' and what follows is never sent: take it out");
  std::string authority(rest.substr(0, rest.find_first_of("/?")));
  if (authority.find('@') != std::string::npos)
    return wrong("a name or password in an address shows up in logs: give a header 'Authorization' instead");
  // parse_target_address() knows hosts and ports; the usual port may be left out here.
  const std::size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
  if (!has_port) authority += ":" + std::to_string(url.port);
  auto target = parse_target_address("tcp://" + authority);
  if (!target) return fail(std::move(target).error());
  url.host = std::move(target->host);
  url.port = target->port;
  return url;
}

}  // namespace thorlog
