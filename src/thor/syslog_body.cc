// Lines of any program: RFC 3164 and RFC 5424 behind the stamp and the host.
#include <cstring>

#include "thor/lex.h"
#include "thor/parse_work.h"
#include "thor/stamp.h"

namespace thorlog {
namespace {

using lex::from;
using lex::starts_with;

constexpr std::size_t kLongestTag = 48;

// "sshd[123]: ": fills app_name and procid and answers with the message; no data: there is no tag.
std::string_view take_tag(std::string_view text, Event& event) noexcept {
  std::size_t at = 0;
  while (at < text.size() && at <= kLongestTag && text[at] != ' ' && text[at] != ':' && text[at] != '[') ++at;
  if (at == 0 || at > kLongestTag || at >= text.size() || text[at] == ' ') return {};
  const std::string_view name = text.substr(0, at);
  std::string_view number;
  if (text[at] == '[') {
    const std::size_t close = text.substr(0, at + 40).find(']', at);
    if (close == std::string_view::npos) return {};
    number = text.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  if (at >= text.size() || text[at] != ':') return {};
  event.app_name = name;
  event.procid = number;
  std::string_view rest = from(text, at + 1);
  if (starts_with(rest, " ")) rest = from(rest, 1);
  return rest;
}

// "2024-01-26T15:18:49Z [ERR] text" and "[ERROR] text" of the appliances.
void take_bracket_level(Event& event) noexcept {
  const std::string_view text = event.message.substr(0, 48);
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return;
  event.level = lex::level_named(text.substr(open + 1, close - open - 1));
}

bool is_appliance(std::string_view program) noexcept {
  return starts_with(program, "analysiscockpit") || starts_with(program, "analysis-cockpit") ||
         starts_with(program, "asgard-");
}

void judge(ParseWork& work) noexcept {
  Event& event = work.event;
  if (is_appliance(event.app_name)) {
    event.kind = Kind::management;
    take_bracket_level(event);
  } else if (is_os_evidence(event)) {
    event.kind = Kind::os;
  }
}

// The word before the next blank; `rest` moves behind it. "-" is RFC 5424's nothing.
std::string_view header_word(std::string_view& rest) noexcept {
  const std::size_t blank = rest.find(' ');
  const std::string_view word = rest.substr(0, blank);
  rest = blank == std::string_view::npos ? from(rest, rest.size()) : from(rest, blank + 1);
  return word == "-" ? std::string_view() : word;
}

// "[id key="value"][...]" or "-"; 0: neither.
std::size_t structured_data_length(std::string_view text) noexcept {
  if (starts_with(text, "-")) return 1;
  std::size_t at = 0;
  while (at < text.size() && text[at] == '[') {
    bool quoted = false;
    for (++at; at < text.size(); ++at) {
      if (text[at] == '\\' && quoted) {
        ++at;
      } else if (text[at] == '"') {
        quoted = !quoted;
      } else if (text[at] == ']' && !quoted) {
        break;
      }
    }
    if (at >= text.size()) return 0;
    ++at;
  }
  return at;
}

// The value of key="value" in structured data; no escapes are undone.
std::string_view parameter(std::string_view data, std::string_view key) noexcept {
  for (std::size_t at = data.find(key); at != std::string_view::npos; at = data.find(key, at + 1)) {
    const std::size_t quote = at + key.size();
    if (at == 0 || data[at - 1] != ' ' || !starts_with(from(data, quote), "=\"")) continue;
    const std::string_view value = from(data, quote + 2);
    const std::size_t end = value.find('"');
    return end == std::string_view::npos ? std::string_view() : value.substr(0, end);
  }
  return {};
}

// THOR's or the agent's own message behind an RFC 5424 header of theirs or of a thorlogd. Another program's message
// that begins so is that program's text.
bool parse_wrapped(ParseWork& work, std::string_view message) {
  Event& event = work.event;
  const bool ours =
      event.app_name == "THOR" || event.app_name == "thorlogd" || starts_with(event.structured_data, "[thor@");
  if (ours && starts_with(message, "{\"")) {
    parse_json_body(work, message, event.app_name == "THOR");
    return true;
  }
  const Start inner = test_start(message);
  const std::string_view body = from(message, inner.body_at);
  switch (inner.rule) {
    case StartRule::s1:
    case StartRule::s2:
      if (!ours) return false;
      parse_thor_body(work, body);
      return true;
    case StartRule::s3:
      if (!ours) return false;
      parse_cef_body(work, body);
      return true;
    case StartRule::s4: {
      const std::string_view tag = lex::is_digit(body[0]) ? from(body, 20) : body;
      if (!ours && (event.app_name.empty() || !starts_with(tag, event.app_name))) return false;
      parse_agent_body(work, body);
      return true;
    }
    default:
      break;
  }
  if (event.app_name == "THOR" && lex::level_word(message).length != 0) {
    event.kind = Kind::thor;
    parse_thor_level(work, message);
    return true;
  }
  return false;
}

// Columns of Snare's form, which a tab or its escape "#011" parts.
std::string_view column(std::string_view& rest) noexcept {
  const std::size_t tab = rest.find('\t');
  const std::size_t escaped = rest.substr(0, tab).find("#011");
  const std::size_t end = escaped != std::string_view::npos ? escaped : tab;
  const std::string_view text = rest.substr(0, end);
  rest = end == std::string_view::npos ? from(rest, rest.size()) : from(rest, end + (end == escaped ? 4U : 1U));
  return text;
}

}  // namespace

bool parse_snare(ParseWork& work, std::string_view body) {
  if (!starts_with(body, "MSWinEventLog\t") && !starts_with(body, "MSWinEventLog#011")) return false;
  Event& event = work.event;
  event.kind = Kind::os;
  std::string_view rest = body;
  for (int n = 0; n <= 13; ++n) {
    const std::string_view text = column(rest);
    if (n == 4 && event.timestamp == kNoTime) event.timestamp = ansi_c_time(text, work.context.zone);
    if (n == 5) event.msgid = text;
    if (n == 6) event.app_name = text;
    if (n == 10 && event.host.empty()) event.host = text;
    if (n == 13) event.message = text;
  }
  return true;
}

void parse_rfc3164(ParseWork& work) {
  Event& event = work.event;
  event.kind = Kind::syslog;
  std::string_view body = from(work.raw, work.start.body_at);
  if (work.start.rule == StartRule::none && work.start.stamp_length != 0) {
    // No tag: the first word is the host if it looks like one.
    const std::string_view word = body.substr(0, body.find(' '));
    bool letter = is_ip_literal(word);
    for (const char c : word) letter = letter || lex::is_letter(c);
    if (word.size() < body.size() && letter && is_host_token(word)) {
      set_host(work, word);
      body = from(body, word.size() + 1);
    }
  }
  if (parse_snare(work, body)) return;
  const bool tagged =
      work.start.rule != StartRule::none || work.start.stamp_length != 0 || event.priority != kNoPriority;
  const std::string_view message = tagged ? take_tag(body, event) : std::string_view();
  event.message = message.data() != nullptr ? message : body;
  // A shipper's tag before an object: "nxlog: {...}". Of THOR's own objects none has a tag but THOR's.
  if (starts_with(event.message, "{\"") && parse_windows_json(work, event.message)) return;
  judge(work);
}

void parse_rfc5424(ParseWork& work) {
  Event& event = work.event;
  event.kind = Kind::syslog;
  std::string_view rest = from(work.raw, work.start.body_at);
  event.app_name = header_word(rest);
  event.procid = header_word(rest);
  event.msgid = header_word(rest);
  const std::size_t data = structured_data_length(rest);
  if (data > 1) event.structured_data = rest.substr(0, data);
  std::string_view message = from(rest, data);
  if (starts_with(message, " ")) message = from(message, 1);
  if (starts_with(message, "\xEF\xBB\xBF")) message = from(message, 3);
  event.message = message;

  if (parse_wrapped(work, message)) return;
  if (parse_snare(work, message)) return;
  const std::string_view id = parameter(event.structured_data, "EventID");
  if (!id.empty()) {
    event.kind = Kind::os;
    if (event.msgid.empty()) event.msgid = id;
    return;
  }
  judge(work);
}

}  // namespace thorlog
