#include "thor/json_tolerant.h"

#include <charconv>
#include <cstring>

#include "thor/json_keys.h"
#include "thor/lex.h"
#include "thor/parse_work.h"

namespace thorlog {
namespace {

void append_utf8(std::string& out, unsigned point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (point & 0x3F));
  }
}

// Four hexadecimal digits; -1 when they are not there.
int hex4(std::string_view text) noexcept {
  unsigned value = 0;
  if (text.size() < 4) return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + 4, value, 16);
  return error == std::errc() && end == text.data() + 4 ? static_cast<int>(value) : -1;
}

// Walks from token to token and stops at the first one that can't stand where it stands.
class Walker {
 public:
  Walker(std::string_view text, std::string& arena, JsonFacts& facts) noexcept
      : at_(text.data()), end_(text.data() + text.size()), arena_(arena), facts_(facts) {}

  // The whole object, with the members of the inner ones that matter.
  void run() {
    blanks();
    if (!take('{')) return;
    facts_.object = true;
    if (!members(JsonKey::other)) return;
    blanks();
    facts_.valid = at_ == end_;
  }

 private:
  // The members of an object whose brace is behind us; `outer` is the key it belongs to. False: broken or ended.
  bool members(JsonKey outer) {
    blanks();
    if (take('}')) return true;
    for (;;) {
      std::string_view key;
      blanks();
      if (!string(key)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!member(outer, key)) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool member(JsonKey outer, std::string_view key) {
    if (outer == JsonKey::other && at_ < end_ && *at_ == '{') {
      const JsonKey known = json_key(key);
      if (known == JsonKey::meta && !facts_.has_meta) {
        ++at_;
        facts_.has_meta = true;
        return members(known);
      }
      if (known == JsonKey::winlog || known == JsonKey::event || known == JsonKey::host) {
        facts_.has_windows = facts_.has_windows || known == JsonKey::winlog;
        ++at_;
        return members(known);
      }
    }
    if (at_ < end_ && *at_ == '"') {
      std::string_view raw;
      if (!string(raw)) return false;
      fact(outer, key, raw);
      return true;
    }
    if (at_ < end_ && (*at_ == '{' || *at_ == '[')) return skip();
    std::string_view word;
    if (!scalar(word)) return false;
    if (word[0] == '-' || lex::is_digit(word[0])) fact(outer, key, word);
    return true;
  }

  // An object or array that nobody asks for: to the bracket that closes it.
  bool skip() noexcept {
    std::size_t depth = 0;
    while (at_ < end_) {
      const char c = *at_;
      if (c == '"') {
        std::string_view ignored;
        if (!string(ignored)) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }

  // A string with its escapes; false when it does not end, or holds what no string may hold.
  bool string(std::string_view& text) noexcept {
    if (!take('"')) return false;
    const char* const begin = at_;
    for (; at_ < end_; ++at_) {
      if (*at_ == '"') {
        text = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
        return true;
      }
      if (*at_ == '\\') ++at_;
    }
    at_ = end_;
    return false;
  }

  // A number, true, false or null, with something behind it: one that the text's end cuts may have gone on.
  bool scalar(std::string_view& word) noexcept {
    const char* const begin = at_;
    while (at_ < end_ && (lex::is_letter(*at_) || lex::is_digit(*at_) || *at_ == '-' || *at_ == '+' || *at_ == '.')) ++at_;
    word = {begin, static_cast<std::size_t>(at_ - begin)};
    return !word.empty() && at_ < end_ &&
           (lex::is_digit(word[0]) || word[0] == '-' || word == "true" || word == "false" || word == "null");
  }

  std::string_view plain(std::string_view raw) {
    if (raw.find('\\') == std::string_view::npos) return raw;
    if (arena_.size() + raw.size() > arena_.capacity()) return raw;  // views into the arena must not move
    const std::size_t begin = arena_.size();
    append_unescaped(arena_, raw);
    return std::string_view(arena_).substr(begin);
  }

  void set(std::string_view& fact, std::string_view raw) {
    if (fact.data() == nullptr) fact = plain(raw);
  }

  void fact(JsonKey outer, std::string_view key, std::string_view raw) {
    switch (outer) {
      case JsonKey::other: top(json_key(key), raw); break;
      case JsonKey::meta: meta(key, raw); break;
      case JsonKey::winlog:
        if (key == "event_id") set(facts_.event_id, raw);
        if (key == "provider_name") set(facts_.provider, raw);
        if (key == "computer_name") set(facts_.computer, raw);
        break;
      case JsonKey::event:
        if (key == "code") set(facts_.event_id, raw);
        if (key == "provider") set(facts_.provider, raw);
        break;
      case JsonKey::host:
        if (key == "name") set(facts_.computer, raw);
        break;
      default: break;
    }
  }

  void meta(std::string_view key, std::string_view raw) {
    if (key == "time") set(facts_.meta_time, raw);
    if (key == "level") set(facts_.meta_level, raw);
    if (key == "module") set(facts_.meta_module, raw);
    if (key == "event_id") set(facts_.meta_event_id, raw);
    if (key == "hostname") set(facts_.meta_hostname, raw);
    if (key == "scan_id") {
      facts_.has_meta_scan_id = true;
      set(facts_.meta_scan_id, raw);
    }
  }

  void top(JsonKey key, std::string_view raw) {
    switch (key) {
      case JsonKey::time: set(facts_.time, raw); break;
      case JsonKey::hostname: set(facts_.hostname, raw); break;
      case JsonKey::level: facts_.has_level = true, set(facts_.level, raw); break;
      case JsonKey::module: facts_.has_module = true, set(facts_.module, raw); break;
      case JsonKey::message: facts_.has_message = true, set(facts_.message, raw); break;
      case JsonKey::scanid: facts_.has_scanid = true, set(facts_.scanid, raw); break;
      case JsonKey::uid: set(facts_.uid, raw); break;
      case JsonKey::type: facts_.has_type = true, set(facts_.type, raw); break;
      case JsonKey::component: set(facts_.component, raw); break;
      case JsonKey::pid: set(facts_.pid, raw); break;
      case JsonKey::log_version: facts_.has_log_version = true, facts_.log_version = json_version(raw); break;
      case JsonKey::version: facts_.version = json_version(raw); break;
      case JsonKey::score: facts_.score = number_of(raw); break;
      case JsonKey::upper_level: facts_.has_upper = true, set(facts_.upper_level, raw); break;
      case JsonKey::upper_message: set(facts_.upper_message, raw); break;
      case JsonKey::upper_module: set(facts_.upper_module, raw); break;
      case JsonKey::upper_time: set(facts_.upper_time, raw); break;
      case JsonKey::timestamp: set(facts_.windows_time, raw); break;
      case JsonKey::nx_event_id: facts_.has_windows = true, set(facts_.event_id, raw); break;
      case JsonKey::nx_source: set(facts_.provider, raw); break;
      case JsonKey::nx_hostname: set(facts_.computer, raw); break;
      case JsonKey::nx_message: set(facts_.windows_message, raw); break;
      case JsonKey::nx_time: set(facts_.windows_time, raw); break;
      default: break;
    }
  }

  void blanks() noexcept {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  bool take(char c) noexcept {
    if (at_ >= end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  const char* at_;
  const char* end_;
  std::string& arena_;
  JsonFacts& facts_;
};

}  // namespace

void append_unescaped(std::string& out, std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    const char c = text[++at];
    switch (c) {
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'r': out += '\r'; break;
      case 'b': out += '\b'; break;
      case 'f': out += '\f'; break;
      case '"':
      case '\\':
      case '/': out += c; break;
      case 'u': {
        const int high = hex4(text.substr(at + 1));
        if (high < 0) {
          out += "\\u";
          break;
        }
        at += 4;
        auto point = static_cast<unsigned>(high);
        if (point >= 0xD800 && point < 0xDC00 && lex::starts_with(lex::from(text, at + 1), "\\u")) {
          const int low = hex4(lex::from(text, at + 3));
          if (low >= 0xDC00 && low < 0xE000) {
            point = 0x10000 + ((point - 0xD800) << 10) + (static_cast<unsigned>(low) - 0xDC00);
            at += 6;
          }
        }
        append_utf8(out, point >= 0xD800 && point < 0xE000 ? 0xFFFD : point);
        break;
      }
      default:
        out += '\\';
        out += c;
    }
  }
}

JsonFacts TolerantJson::read(std::string_view text) {
  constexpr std::size_t kMostUnescaped = std::size_t{1} << 20;
  unescaped_.clear();
  unescaped_.reserve(text.size() < kMostUnescaped ? text.size() : kMostUnescaped);
  JsonFacts facts;
  Walker(text, unescaped_, facts).run();
  return facts;
}

}  // namespace thorlog
