#include "outputs/match_detection.h"

namespace thorlog {
namespace {

// The text between the quotes of the string that begins at `at`, which moves behind it.
std::string_view take_string(std::string_view json, std::size_t& at) noexcept {
  const std::size_t begin = ++at;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  const std::size_t end = at < json.size() ? at : json.size();
  at = end + 1;
  return json.substr(begin, end - begin);
}

bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void skip_blanks(std::string_view json, std::size_t& at) noexcept {
  while (at < json.size() && is_blank(json[at])) ++at;
}

}  // namespace

std::string_view detection_member(std::string_view json, std::string_view name) noexcept {
  int depth = 0;
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c != '"') {
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at;
      continue;
    }
    const std::string_view text = take_string(json, at);
    if (depth != 1 || text != name) continue;
    skip_blanks(json, at);
    if (at >= json.size() || json[at] != ':') continue;  // it was a value
    ++at;
    skip_blanks(json, at);
    if (at < json.size() && json[at] == '"') return take_string(json, at);
    return {};
  }
  return {};
}

std::string_view detection_type(std::string_view object) noexcept { return detection_member(object, "type"); }

}  // namespace thorlog
