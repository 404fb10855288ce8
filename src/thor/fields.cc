// The fields of a line, for outputs that ask for them. Not on the hot path: it reads the line once more.
#include <charconv>
#include <string>
#include <unordered_map>
#include <vector>

#include "thor/cef.h"
#include "thor/colons.h"
#include "thor/keyvalue.h"
#include "thor/lex.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

// Tells keys apart that come again.
class Names {
 public:
  explicit Names(const FieldSink& sink) : sink_(sink) {}

  void give(std::string_view key, std::string_view value, bool json) {
    if (given_ == kMostFields) return;
    ++given_;
    const auto [first, fresh] = seen_.try_emplace(std::string(key), 1U);
    if (fresh) {
      sink_(key, value, json);
      return;
    }
    std::string name;
    do {  // a line may have a KEY_2 of its own
      name = std::string(key) + "_" + std::to_string(++first->second);
    } while (seen_.count(name) != 0);
    sink_(name, value, json);
    seen_.emplace(std::move(name), 1U);
  }

 private:
  const FieldSink& sink_;
  std::size_t given_ = 0;
  std::unordered_map<std::string, unsigned> seen_;
};

std::string_view behind_product(std::string_view body) noexcept {
  if (!lex::starts_with(body, "THOR")) return body;
  const std::size_t colon = body.find(": ");
  return colon == std::string_view::npos ? std::string_view(body.data(), 0) : lex::from(body, colon + 2);
}

std::string_view behind_level(std::string_view body) noexcept {
  const lex::LevelWord level = lex::level_word(body);
  if (level.length == 0) return body;
  body = lex::from(body, level.length);
  if (lex::starts_with(body, ": ")) return lex::from(body, 2);
  return lex::starts_with(body, " ") ? lex::from(body, 1) : body;
}

// A key is preceded by a blank or is first, and followed by a colon and a blank or the end (domain notes 1.6).
// Unlike the end of MESSAGE any such word counts: plugins bring their own.
void text_fields(std::string_view fields, const Event& event, Names& names) {
  std::string copy(fields);  // KeyColons reads ahead of the end
  const std::size_t size = copy.size();
  copy.append(64, '\0');
  const std::string_view text(copy.data(), size);
  // Inside MESSAGE only what the parser took for its end is a key.
  const char* message_end = nullptr;
  if (event.message.data() >= fields.data() && event.message.data() <= fields.data() + fields.size())
    message_end = text.data() + (event.message.data() - fields.data()) + event.message.size();

  std::string_view key;
  const char* value = text.data();
  const auto give = [&](const char* end) {
    if (!key.empty()) names.give(key, {value, static_cast<std::size_t>(end > value ? end - value : 0)}, false);
  };
  KeyColons colons(text);
  const char* const end = text.data() + text.size();
  for (const char* colon = colons.next(); colon != end; colon = colons.next()) {
    const char* at = colon;
    while (at > text.data() && lex::is_key(at[-1])) --at;
    if (at == colon || !lex::is_upper(*at) || (at != text.data() && at[-1] != ' ')) continue;
    if (key == "MESSAGE" && message_end != nullptr && at < message_end) continue;
    give(at == text.data() ? at : at - 1);
    key = {at, static_cast<std::size_t>(colon - at)};
    value = colon + 2 < end ? colon + 2 : end;
  }
  give(end);
}

void keyvalue_fields(std::string_view fields, Names& names) {
  KeyValuePairs pairs(fields);
  for (KeyValuePairs::Pair pair; pairs.next(pair);) names.give(pair.key, pair.value, false);
}

void cef_fields(std::string_view body, Names& names) {
  static constexpr std::string_view kHeader[] = {"version",      "vendor", "product", "device_version",
                                                 "signature_id", "name",   "severity"};
  CefFields cef;
  const bool whole = cef.split(body);
  std::string plain;
  const auto give = [&](std::string_view key, std::string_view value) {
    plain.clear();
    append_cef_unescaped(plain, value);
    names.give(key, plain, false);
  };
  for (std::size_t n = 0; n < cef.header.size(); ++n)
    if (cef.header[n].data() != nullptr) give(kHeader[n], cef.header[n]);
  std::string_view key;
  std::string_view value;
  while (whole && cef.next(key, value)) give(key, value);
}

// The members of the object as they stand, as far as it is intact.
class Members {
 public:
  Members(std::string_view text, Names& names) noexcept : text_(text), names_(names) {}

  void give() {
    if (!take('{')) return;
    for (blanks(); at_ < text_.size() && text_[at_] == '"'; blanks()) {
      const std::string_view key = value();
      blanks();
      if (key.size() < 2 || !take(':')) return;
      blanks();
      const std::string_view member = value();
      if (member.empty()) return;
      names_.give(key.substr(1, key.size() - 2), member, true);
      blanks();
      if (!take(',')) return;
    }
  }

 private:
  // One JSON value from here on; empty when it does not end.
  std::string_view value() noexcept {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        if (!skip_string()) return {};
      } else if (c == '{' || c == '[') {
        ++depth;
        ++at_;
        continue;
      } else if (c == '}' || c == ']') {
        if (depth == 0) break;
        --depth;
        ++at_;
      } else if (depth == 0 && (c == ',' || c == ':' || c == ' ' || c == '\t')) {
        break;
      } else {
        ++at_;
        if (depth == 0) continue;  // a word goes on
      }
      if (depth == 0) return text_.substr(begin, at_ - begin);
    }
    return depth == 0 && at_ < text_.size() ? text_.substr(begin, at_ - begin) : std::string_view();
  }

  bool skip_string() noexcept {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == '"') {
        ++at_;
        return true;
      }
    }
    at_ = text_.size();
    return false;
  }
  void blanks() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool take(char c) noexcept {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  std::string_view text_;
  Names& names_;
  std::size_t at_ = 0;
};

// THOR's part of the line, also behind an RFC 5424 header.
std::string_view body_of(const Event& event) noexcept {
  const Start start = test_start(event.raw);
  if (start.rule != StartRule::s6) return lex::from(event.raw, start.body_at);
  std::string_view rest = lex::from(event.raw, start.body_at);
  for (int word = 0; word < 3; ++word) rest = lex::from(rest, std::min(rest.find(' '), rest.size() - 1) + 1);
  const std::string_view data = event.structured_data;
  rest = lex::from(rest, data.empty() ? 1 : data.size());
  if (lex::starts_with(rest, " ")) rest = lex::from(rest, 1);
  if (lex::starts_with(rest, "\xEF\xBB\xBF")) rest = lex::from(rest, 3);
  return lex::from(rest, test_start(rest).body_at);
}

}  // namespace

void for_each_field(const Event& event, const FieldSink& sink) {
  Names names(sink);
  const std::string_view body = body_of(event);
  switch (event.format) {
    case Format::text:
      text_fields(behind_level(behind_product(body)), event, names);
      break;
    case Format::keyvalue:
      keyvalue_fields(behind_level(behind_product(body)), names);
      break;
    case Format::cef:
      cef_fields(body, names);
      break;
    case Format::json1:
    case Format::json2:
    case Format::json3:
    case Format::agent:
    case Format::none: {
      const std::size_t brace = body.find('{');
      const bool object = event.format == Format::none ? event.kind != Kind::syslog : true;
      if (object && brace != std::string_view::npos) Members(lex::from(body, brace), names).give();
      break;
    }
  }
}

}  // namespace thorlog
