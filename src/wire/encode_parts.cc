#include "wire/encode_parts.h"

#include <array>

namespace thorlog {
namespace {

constexpr std::size_t kMaxHeader = 512;  // no header is searched for behind this
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

// Where 'd' stands in the pattern any digit may stand, 'a' is any letter, '_' a blank or digit; else the byte itself.
bool has_shape(std::string_view text, std::string_view pattern) noexcept {
  if (text.size() < pattern.size()) return false;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = text[i];
    const bool fits = pattern[i] == 'd'   ? is_digit(c)
                      : pattern[i] == 'a' ? is_letter(c)
                      : pattern[i] == '_' ? is_digit(c) || c == ' '
                                          : c == pattern[i];
    if (!fits) return false;
  }
  return true;
}

std::size_t length_of_priority(std::string_view raw) noexcept {
  if (raw.empty() || raw[0] != '<') return 0;
  std::size_t i = 1;
  while (i < raw.size() && i < 4 && is_digit(raw[i])) ++i;
  return i > 1 && i < raw.size() && raw[i] == '>' ? i + 1 : 0;
}

// The token at the start, without the blank behind it. Empty when no blank comes within reach.
std::string_view token_of(std::string_view text) noexcept {
  const std::size_t end = text.substr(0, kMaxHeader).find(' ');
  return end == std::string_view::npos ? std::string_view() : text.substr(0, end);
}

bool is_name_byte(char c) noexcept { return c > ' ' && c < 0x7F && c != '=' && c != ']' && c != '"'; }

// Behind the opening quote: the index behind the closing one; 0 when the value is not well formed.
std::size_t end_of_value(std::string_view text, std::size_t i) noexcept {
  for (; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == ']') return 0;  // must be escaped, and some readers end the element here
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == ']'))
      ++i;
  }
  return 0;
}

// RFC 5424, 6, behind "<PRI>": "1 STAMP HOST APP PROCID MSGID SD[ MSG]".
bool split_rfc5424(std::string_view rest, LineParts& parts) noexcept {
  if (!rest.starts_with("1 ")) return false;
  rest.remove_prefix(2);
  if (!rest.starts_with("- ") && !has_shape(rest, "dddd-dd-ddT")) return false;
  for (int field = 0; field < 5; ++field) {  // STAMP HOST APP PROCID MSGID
    const std::string_view token = token_of(rest);
    if (token.empty()) return false;
    rest.remove_prefix(token.size() + 1);
  }
  if (rest.starts_with("-")) {
    rest.remove_prefix(1);
  } else {
    std::size_t length = 0;
    for (std::size_t more = element_length(rest); more != 0; more = element_length(rest.substr(length)))
      length += more;
    if (length == 0) return false;
    parts.structured_data = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (!rest.empty()) {
    if (rest[0] != ' ') return false;
    rest.remove_prefix(1);
  }
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  parts.body = rest;
  return true;
}

// Where a view of the parser's begins within the header of the line; npos when it lies elsewhere.
std::size_t place_in_header(std::string_view raw, std::string_view view) noexcept {
  if (view.empty() || view.data() < raw.data() || view.data() + view.size() > raw.data() + raw.size()) {
    return std::string_view::npos;
  }
  const auto at = static_cast<std::size_t>(view.data() - raw.data());
  if (at > kMaxHeader || raw.substr(0, at).find('{') != std::string_view::npos) return std::string_view::npos;
  const bool begins_token = at == 0 || raw[at - 1] == ' ' || raw[at - 1] == '>';
  return begins_token ? at : std::string_view::npos;
}

// The length of a stamp and the blank behind it; 0: none. `host_follows`: of a kind that a host comes after.
std::size_t length_of_stamp(std::string_view rest, bool& host_follows) noexcept {
  host_follows = true;
  if (has_shape(rest, "aaa _d dd:dd:dd ")) return 16;
  if (has_shape(rest, "aaa d dd:dd:dd ")) return 15;
  if (has_shape(rest, "dddd-dd-ddTdd:dd:dd")) {
    const std::size_t length = token_of(rest).size();
    return length == 0 ? 0 : length + 1;
  }
  host_follows = false;
  return has_shape(rest, "dddd/dd/dd dd:dd:dd ") ? 20 : 0;
}

std::string_view body_by_shape(std::string_view rest) noexcept {
  bool host_follows = false;
  const std::size_t stamp = length_of_stamp(rest, host_follows);
  rest.remove_prefix(stamp);
  if (stamp == 0 || !host_follows) return rest;
  const std::string_view token = token_of(rest);
  const bool is_host = !token.empty() && token.back() != ':' && token[0] != '{' && !token.starts_with("CEF:") &&
                       token.find('[') == std::string_view::npos;
  if (is_host) rest.remove_prefix(token.size() + 1);
  return rest;
}

std::string_view body_of(std::string_view raw, const Event& event) noexcept {
  const std::size_t tag = place_in_header(raw, event.app_name);
  if (tag != std::string_view::npos) return raw.substr(tag);
  const std::size_t host = place_in_header(raw, event.host);
  if (host != std::string_view::npos) {
    const std::string_view token = token_of(raw.substr(host));
    const bool whole =
        token.size() == event.host.size() || (token.size() > event.host.size() && token[event.host.size()] == '/');
    if (whole) return raw.substr(host + token.size() + 1);
  }
  return body_by_shape(raw.substr(length_of_priority(raw)));
}

}  // namespace

std::size_t element_length(std::string_view text) noexcept {
  if (text.empty() || text[0] != '[') return 0;
  std::size_t i = 1;
  while (i < text.size() && is_name_byte(text[i])) ++i;
  if (i == 1) return 0;
  while (i < text.size() && text[i] == ' ') {
    const std::size_t name = ++i;
    while (i < text.size() && is_name_byte(text[i])) ++i;
    if (i == name || text.substr(i, 2) != "=\"") return 0;
    i = end_of_value(text, i + 2);
    if (i == 0) return 0;
  }
  return i < text.size() && text[i] == ']' ? i + 1 : 0;
}

LineParts take_apart(const Event& event) noexcept {
  LineParts parts;
  const std::string_view raw = event.raw;
  if (!split_rfc5424(raw.substr(length_of_priority(raw)), parts)) {
    parts.structured_data = {};
    parts.body = body_of(raw, event);
  }
  parts.has_tag = !event.app_name.empty() && parts.body.starts_with(event.app_name);
  return parts;
}

std::string_view without_tag(const Event& event, const LineParts& parts) noexcept {
  std::string_view body = parts.body;
  if (!parts.has_tag || event.kind == Kind::thor || event.kind == Kind::agent || event.kind == Kind::management) {
    return body;
  }
  body.remove_prefix(event.app_name.size());
  if (body.starts_with("[")) {
    const std::size_t end = body.substr(0, 130).find(']');
    if (end == std::string_view::npos || body.substr(1, end - 1) != event.procid) return parts.body;
    body.remove_prefix(end + 1);
  }
  if (!body.starts_with(":")) return parts.body;
  body.remove_prefix(body.starts_with(": ") ? 2 : 1);
  return body;
}

std::uint8_t priority_of(const Event& event) noexcept {
  if (event.priority < 192) return event.priority;
  // none debug info notice error warning alert; a line without a level is information
  static constexpr std::array<std::uint8_t, 7> kSeverity = {6, 7, 6, 5, 3, 4, 1};
  const auto level = static_cast<std::size_t>(event.level);
  return static_cast<std::uint8_t>(23 * 8 + (level < kSeverity.size() ? kSeverity[level] : 6));
}

}  // namespace thorlog
