#include "thor/json_tolerant.h"

#include <charconv>
#include <cstring>

#include "thor/json_keys.h"
#include "thor/lex.h"
#include "thor/parse_work.h"
#include "wire/utf8.h"

namespace thorlog {
namespace {

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
    if (!members(JsonPlace::top)) return;
    blanks();
    facts_.valid = at_ == end_;
  }

 private:
  // The members of an object whose brace is behind us. False: broken or ended.
  bool members(JsonPlace place) {
    blanks();
    if (take('}')) return true;
    for (;;) {
      std::string_view key;
      blanks();
      if (!string(key)) return false;
      blanks();
      if (!take(':')) return false;
      blanks();
      if (!value(json_member(place, key))) return false;
      blanks();
      if (take('}')) return true;
      if (!take(',')) return false;
    }
  }

  bool value(const JsonMember& member) {
    if (at_ >= end_) return false;
    if (*at_ == '{' && member.kind == JsonMember::object) {
      ++at_;
      if (member.seen != nullptr) facts_.*member.seen = true;
      return members(member.place);
    }
    if (*at_ == '{' || *at_ == '[') return skip();
    std::string_view raw;
    if (*at_ == '"') {
      if (!string(raw)) return false;
    } else if (!scalar(raw)) {
      return false;
    }
    if (*(at_ - 1) == '"' || raw[0] == '-' || lex::is_digit(raw[0])) fact(member, raw);
    return true;
  }

  void fact(const JsonMember& member, std::string_view raw) {
    switch (member.kind) {
      case JsonMember::text:
        if ((facts_.*member.fact).data() == nullptr) facts_.*member.fact = plain(raw);
        break;
      case JsonMember::log_version:
        facts_.log_version = json_version(raw);
        break;
      case JsonMember::version:
        facts_.version = json_version(raw);
        break;
      case JsonMember::score:
        facts_.score = number_of(raw);
        break;
      case JsonMember::object:
      case JsonMember::none:
        return;
    }
    if (member.seen != nullptr) facts_.*member.seen = true;
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
    while (at_ < end_ && (lex::is_letter(*at_) || lex::is_digit(*at_) || *at_ == '-' || *at_ == '+' || *at_ == '.'))
      ++at_;
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
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case 'r':
        out += '\r';
        break;
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case '"':
      case '\\':
      case '/':
        out += c;
        break;
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
