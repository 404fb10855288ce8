// The start test: which bytes begin a message. By hand and in one pass, because every frame of every stream is asked.
// Rules S1 to S7 of the domain notes 2.4, in the order of their strength; the lenient S1b comes last, so that text
// that only quotes THOR behind another program's header stays that program's line.
#include <cstring>

#include "thor/host_name.h"
#include "thor/lex.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

using lex::from;
using lex::starts_with;

constexpr std::size_t kLongestToken = 300;    // a host name has 255 at most; behind it "/address"
constexpr std::size_t kLongestLenient = 320;  // S1b: bytes before " THOR"
constexpr std::size_t kLongestTag = 48;       // S5

// "<190>": its length, 0 when there is none. A number over 191 is no priority, but the bytes are one's place.
std::size_t take_priority(std::string_view bytes, Start& start) noexcept {
  if (bytes.size() < 3 || bytes[0] != '<' || !lex::is_digit(bytes[1])) return 0;
  unsigned value = 0;
  std::size_t at = 1;
  for (; at < 4 && at < bytes.size() && lex::is_digit(bytes[at]); ++at)
    value = value * 10 + static_cast<unsigned>(bytes[at] - '0');
  if (at >= bytes.size() || bytes[at] != '>') return 0;
  if (value <= 191) start.priority = static_cast<std::uint8_t>(value);
  return at + 1;
}

// Length of the word up to the next blank; 0 when it is empty, too long or not ended by one.
std::size_t token(std::string_view text) noexcept {
  const std::size_t room = text.size() < kLongestToken ? text.size() : kLongestToken;
  const std::size_t blank = lex::find_blank({text.data(), room});
  return blank < room ? blank : 0;
}

// "THOR: " or "THOR : ": length up to what follows the blank, 0 else.
std::size_t product(std::string_view text) noexcept {
  if (!starts_with(text, "THOR")) return 0;
  if (starts_with(from(text, 4), ": ")) return 6;
  if (starts_with(from(text, 4), " : ")) return 7;
  return 0;
}

// "Warning: " (S1), or with `module` "Warning: MODULE:" or "Warning: MODULE=" (S1b, S2).
bool is_level(std::string_view text, bool module) noexcept {
  const lex::LevelWord level = lex::level_word(text);
  if (level.length == 0) return false;
  text = from(text, level.length);
  if (!starts_with(text, ": ")) return false;
  if (!module) return true;
  text = from(text, 2);
  return starts_with(text, "MODULE") && text.size() > 6 && (text[6] == ':' || text[6] == '=');
}

bool is_thor(std::string_view text, bool module) noexcept {
  const std::size_t length = product(text);
  if (length == 0) return false;
  const std::string_view rest = from(text, length);
  return starts_with(rest, "{") || is_level(rest, module);
}

// "CEF:0|Nextron", also with the blank that rsyslog puts in.
bool is_cef(std::string_view text) noexcept {
  if (!starts_with(text, "CEF:")) return false;
  text = from(text, 4);
  if (starts_with(text, " ")) text = from(text, 1);
  return text.size() > 2 && lex::is_digit(text[0]) && starts_with(from(text, 1), "|Nextron");
}

// "ASGARD_AGENT: Error:", with the agent's own stamp before it or not. Agents can be rebranded: any such tag is one.
bool is_agent(std::string_view text) noexcept {
  if (text.empty()) return false;
  if (lex::is_digit(text[0])) {
    const std::size_t stamp = lex::agent_stamp(text);
    if (stamp == 0 || text.size() <= stamp || text[stamp] != ' ') return false;
    text = from(text, stamp + 1);
    if (text.empty()) return false;
  }
  if (!lex::is_upper(text[0])) return false;
  std::size_t at = 1;
  std::size_t underscore = 0;
  for (; at < text.size() && at < kLongestTag && lex::is_key(text[at]); ++at)
    if (text[at] == '_' && underscore == 0) underscore = at;
  if (underscore == 0 || at == underscore + 1 || !starts_with(from(text, at), ": ")) return false;
  const std::string_view rest = from(text, at + 2);
  const lex::LevelWord level = lex::level_word(rest);
  return level.length != 0 && rest.size() > level.length && rest[level.length] == ':';
}

// "sshd[123]:", "kernel:", or a Windows event in Snare's form.
bool is_tag(std::string_view text, bool with_number) noexcept {
  std::size_t at = 0;
  while (at < text.size() && at <= kLongestTag && text[at] != ' ' && text[at] != ':' && text[at] != '[') ++at;
  if (at == 0 || at > kLongestTag || at >= text.size()) return false;
  if (text[at] == '[') {
    const std::size_t digits = ++at;
    while (at < text.size() && at < digits + 10 && lex::is_digit(text[at])) ++at;
    if (at == digits || !starts_with(from(text, at), "]")) return false;
    ++at;
  } else if (with_number) {
    return false;
  }
  return at < text.size() && text[at] == ':';
}

bool is_snare(std::string_view text) noexcept {
  return starts_with(text, "MSWinEventLog\t") || starts_with(text, "MSWinEventLog#011");
}

std::uint16_t place(std::size_t value) noexcept { return static_cast<std::uint16_t>(value); }

Start with_host(Start start, StartRule rule, std::size_t host, std::size_t length, std::size_t body) noexcept {
  start.rule = rule;
  start.host_at = place(host);
  start.host_length = place(length);
  start.body_at = place(body);
  return start;
}

// What stands behind a stamp: `at` is the first byte of the host.
Start behind_stamp(std::string_view bytes, std::size_t at, Start start) noexcept {
  start.body_at = place(at);
  const std::string_view text = from(bytes, at);
  const std::size_t first = token(text);
  if (first == 0) return start;
  // Some programs of the appliances write no host at all: "Mar 26 09:48:09 analysis-cockpit[22732]: ...".
  if (text[first - 1] == ':' && is_tag(text, true)) return with_host(start, StartRule::s5, at, 0, at);
  const std::string_view host = text.substr(0, first);
  std::size_t body = at + first + 1;
  std::string_view rest = from(bytes, body);
  if (rest.empty()) return start;

  switch (rest[0]) {
    case 'T':
      if (is_thor(rest, false) && is_host_token(host, text.size()))
        return with_host(start, StartRule::s1, at, first, body);
      break;
    case 'C':
      if (is_cef(rest)) return with_host(start, StartRule::s3, at, first, body);
      break;
    case ' ':  // rsyslog's second blank before a brace
    case '{': {
      const std::size_t blank = rest[0] == ' ' ? 1 : 0;
      if (starts_with(from(rest, blank), "{\"")) return with_host(start, StartRule::s7, at, first, body + blank);
      break;
    }
    default:
      break;
  }
  if (is_agent(rest)) return with_host(start, StartRule::s4, at, first, body);

  const std::size_t second = token(rest);
  if (second != 0 && is_host_token(rest.substr(0, second), rest.size())) {
    const std::string_view after = from(rest, second + 1);
    // A relay put its view of the sender before the host (H12).
    const bool thor = is_thor(after, false);
    const bool agent = !thor && std::memchr(rest.data(), '/', second) != nullptr && is_agent(after);
    if (thor || agent) {
      start.extra_at = place(at);
      start.extra_length = place(first);
      return with_host(start, thor ? StartRule::s1 : StartRule::s4, body, second, body + second + 1);
    }
  }
  if (is_tag(rest, false) || is_snare(rest)) return with_host(start, StartRule::s5, at, first, body);
  return start;
}

// "<165>1 2026-03-02T08:00:00Z host app ...", also with "-" for a stamp. `at`: behind the priority.
Start rfc5424(std::string_view bytes, std::size_t at, Start start) noexcept {
  const std::size_t stamp_at = at + 2;
  const std::string_view text = from(bytes, stamp_at);
  std::size_t stamp = lex::iso_stamp(text);
  const bool nil = stamp == 0 && starts_with(text, "- ");
  if (!nil && (stamp == 0 || text.size() <= stamp || text[stamp] != ' ')) return start;
  if (nil) stamp = 1;
  start.stamp_at = place(stamp_at);
  start.stamp_length = place(nil ? 0 : stamp);
  const std::size_t host = stamp_at + stamp + 1;
  const std::size_t length = token(from(bytes, host));
  if (length == 0) return with_host(start, StartRule::s6, host, 0, host);
  return with_host(start, StartRule::s6, host, length, host + length + 1);
}

// S1b: " THOR: Level: MODULE" somewhere near the beginning. The word before it is taken for the host, and a stamp
// that ends before that word for the stamp ("Jun Oct 25 21:01:51 host/ip THOR: ", a misprint of the manual).
Start lenient(std::string_view bytes, std::size_t at, Start start) noexcept {
  const std::size_t most = at + kLongestLenient + 5;
  const std::size_t size = bytes.size() < most ? bytes.size() : most;
  const std::string_view window = bytes.substr(0, size);
  std::size_t found = at;
  for (;;) {
    const void* blank =
        found < window.size() ? memmem(window.data() + found, window.size() - found, " THOR", 5) : nullptr;
    if (blank == nullptr) return start;
    found = static_cast<std::size_t>(static_cast<const char*>(blank) - window.data());
    if (std::memchr(bytes.data() + at, '\n', found - at) != nullptr) return start;
    const std::string_view rest = from(bytes, found + 1);
    const std::size_t length = product(rest);
    if (length != 0 && is_level(from(rest, length), true)) break;
    ++found;
  }
  start.rule = StartRule::s1b;
  start.body_at = place(found + 1);
  std::size_t host = found;
  while (host > at && bytes[host - 1] != ' ') --host;
  if (found > host && is_host_token(bytes.substr(host, found - host))) {
    start.host_at = place(host);
    start.host_length = place(found - host);
  }
  for (const std::size_t length : {std::size_t{15}, std::size_t{14}}) {
    if (host < at + length + 1) continue;
    const std::size_t stamp = host - 1 - length;
    if (lex::bsd_stamp(bytes.substr(stamp, length)) != length) continue;
    start.stamp_at = place(stamp);
    start.stamp_length = place(length);
    break;
  }
  return start;
}

}  // namespace

Start test_start(std::string_view bytes) noexcept {
  Start start;
  const std::size_t at = take_priority(bytes, start);
  start.body_at = place(at);
  const std::string_view text = from(bytes, at);
  if (text.size() < 2) return start;

  const char first = text[0];
  if (first == '{') {
    if (text[1] != '"') return start;
    start.rule = StartRule::s7;
    return start;
  }
  std::size_t stamp = 0;
  if (lex::is_digit(first)) {
    if (at != 0 && first == '1' && text[1] == ' ') {
      const Start found = rfc5424(bytes, at, start);
      if (found.is_start()) return found;
    }
    stamp = lex::iso_stamp(text);
    if (stamp == 0 && is_agent(text)) {
      start.rule = StartRule::s4;
      return start;
    }
  } else if (lex::is_upper(first)) {
    stamp = lex::bsd_stamp(text);
    if (stamp == 0) {
      if (first == 'T' && (product(text) != 0) &&
          (is_level(from(text, product(text)), true) || starts_with(from(text, product(text)), "{"))) {
        start.rule = StartRule::s2;
        return start;
      }
      if (first == 'C' && is_cef(text)) {
        start.rule = StartRule::s3;
        return start;
      }
      if (is_agent(text)) {
        start.rule = StartRule::s4;
        return start;
      }
    }
  }
  if (stamp != 0 && text.size() > stamp && text[stamp] == ' ') {
    start.stamp_at = place(at);
    start.stamp_length = place(stamp);
    start = behind_stamp(bytes, at + stamp + 1, start);
    if (start.is_start()) return start;
  }
  return lenient(bytes, at, start);
}

}  // namespace thorlog
