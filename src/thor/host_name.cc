#include "thor/host_name.h"

#include <cstring>

#include "thor/lex.h"

namespace thorlog {
namespace {

// Hexadecimal digits, dots and colons, then a zone or nothing. Cut addresses pass: "127" was one.
bool is_address_part(std::string_view text) noexcept {
  for (const char c : text) {
    if (c == '%') return true;
    if (!lex::is_hex(c) && c != '.' && c != ':') return false;
  }
  return true;
}

}  // namespace

bool is_host_token(std::string_view word) noexcept {
  if (word.empty()) return false;
  bool colon = false;
  std::size_t slash = word.size();
  for (std::size_t n = 0; n < word.size(); ++n) {
    const char c = word[n];
    if (c == '/') {
      slash = n;
      break;
    }
    if (lex::is_letter(c) || lex::is_digit(c) || c == '-' || c == '.' || c == '_' || static_cast<unsigned char>(c) >= 0x80)
      continue;
    if (c != ':' && c != '%') return false;
    colon = true;
  }
  if (slash < word.size()) return !colon && is_address_part(word.substr(slash + 1));
  return !colon || is_ip_literal(word);
}

HostParts split_host(std::string_view token) noexcept {
  const std::size_t slash = token.find('/');
  if (slash == std::string_view::npos) {
    if (is_ip_literal(token)) return {token, token.substr(0, token.find('%'))};
    return {token, {}};
  }
  const std::string_view ip = token.substr(slash + 1);
  return {token.substr(0, slash), ip.substr(0, ip.find('%'))};
}

bool is_ip_literal(std::string_view text) noexcept {
  text = text.substr(0, text.find('%'));
  int dots = 0;
  int colons = 0;
  int run = 0;
  bool hex = false;
  for (const char c : text) {
    if (c == '.') {
      if (run == 0 || run > 3) return false;
      ++dots;
      run = 0;
    } else if (c == ':') {
      if (run > 4) return false;
      ++colons;
      run = 0;
    } else if (lex::is_hex(c)) {
      hex = hex || !lex::is_digit(c);
      ++run;
    } else {
      return false;
    }
  }
  if (colons >= 2) return colons <= 8 && (dots == 0 || dots == 3) && run <= 4;
  return colons == 0 && dots == 3 && !hex && run > 0 && run <= 3;
}

std::string_view canonical_host(std::string_view host, bool short_name, char (&buffer)[kLongestHost + 1]) noexcept {
  if (host.size() > kLongestHost) host = host.substr(0, kLongestHost);
  bool upper = false;
  std::size_t dot = host.size();
  for (std::size_t n = 0; n < host.size(); ++n) {
    if (host[n] == '.' && dot == host.size()) {
      dot = n;
      if (short_name && n != 0 && !lex::is_digit(host[0])) break;
    }
    upper = upper || lex::is_upper(host[n]);
  }
  if (short_name && dot != 0 && dot != host.size() && !is_ip_literal(host)) host = host.substr(0, dot);
  if (!upper) return host;
  for (std::size_t n = 0; n < host.size(); ++n) buffer[n] = lex::to_lower(host[n]);
  return {buffer, host.size()};
}

}  // namespace thorlog
