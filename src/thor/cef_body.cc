// THOR as CEF (domain notes 1.10): seven fields between pipes, then key=value with escaped equals signs.
#include <cstring>

#include "thor/cef.h"
#include "thor/lex.h"
#include "thor/parse_work.h"

namespace thorlog {
namespace {

Level level_of(std::string_view severity) noexcept {
  const double number = number_of(severity);
  if (number >= 9) return Level::alert;
  if (number >= 6) return Level::warning;
  if (number == 5) return Level::error;
  if (number == 4) return Level::notice;
  if (number >= 2) return Level::info;
  if (number >= 0) return Level::debug;
  return lex::level_named(severity);
}

}  // namespace

bool CefFields::split(std::string_view body) noexcept {
  std::size_t at = body.find(':') + 1;  // behind "CEF:"
  if (at < body.size() && body[at] == ' ') ++at;
  for (std::string_view& field : header) {
    const std::size_t begin = at;
    while (at < body.size() && body[at] != '|') at += body[at] == '\\' ? 2U : 1U;
    if (at >= body.size()) {
      field = lex::from(body, begin);
      return false;
    }
    field = body.substr(begin, at - begin);
    ++at;
  }
  rest_ = lex::from(body, at);
  return true;
}

// A key: letters, digits, '_', '.', '-' and the equals sign behind them.
std::size_t CefFields::key_length(std::string_view text) noexcept {
  std::size_t at = 0;
  while (
      at < text.size() && at < 64 &&
      (lex::is_letter(text[at]) || lex::is_digit(text[at]) || text[at] == '_' || text[at] == '.' || text[at] == '-'))
    ++at;
  return at < text.size() && text[at] == '=' ? at : 0;
}

bool CefFields::next(std::string_view& key, std::string_view& value) noexcept {
  while (lex::starts_with(rest_, " ")) rest_ = lex::from(rest_, 1);
  const std::size_t length = key_length(rest_);
  if (length == 0) return false;
  key = rest_.substr(0, length);
  const std::string_view text = lex::from(rest_, length + 1);
  std::size_t end = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == ' ' && key_length(text.substr(at + 1)) != 0) {
      end = at;
      break;
    }
  }
  value = text.substr(0, end);
  rest_ = lex::from(text, end);
  return true;
}

void append_cef_unescaped(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    const char c = text[++at];
    switch (c) {
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case '\\':
      case '=':
      case '|':
        out += c;
        break;
      default:
        out += '\\';
        out += c;
    }
  }
}

void parse_cef_body(ParseWork& work, std::string_view body) {
  Event& event = work.event;
  event.kind = Kind::thor;
  event.format = Format::cef;
  CefFields fields;
  const bool whole = fields.split(body);
  std::string_view message = fields.header[5];
  if (whole) event.level = level_of(fields.header[6]);
  std::string_view key;
  std::string_view value;
  bool has_message = false;
  while (whole && fields.next(key, value)) {
    const bool cut = work.context.cut && value.data() + value.size() == work.raw.data() + work.raw.size();
    if (key == "sproc" && event.module.empty() && !cut) event.module = value;
    if (key == "msg" && !has_message) {
      has_message = true;
      message = value;
    }
  }
  work.text.clear();
  if (message.find('\\') != std::string_view::npos) {
    append_cef_unescaped(work.text, message);
    message = work.text;
  }
  event.message = message;
}

}  // namespace thorlog
