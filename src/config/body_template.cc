#include "config/body_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "config/reader.h"
#include "config/units.h"

namespace thorlog {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(BodyField::count)> kNames = {
    "event", "id",    "journal_id", "seq",   "received", "timestamp",  "input",   "peer",   "kind",    "format",
    "host",  "ip",    "app_name",   "asset", "scan_id",  "group_id",   "level",   "module", "message", "score",
    "uid",   "parts", "raw",        "type",  "cause",    "confidence", "summary", "key",    "title"};

bool is_long(BodyField field) noexcept {
  return field == BodyField::event || field == BodyField::raw || field == BodyField::message;
}
bool is_name_char(char c) noexcept { return (c >= 'a' && c <= 'z') || c == '_'; }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_hex(char c) noexcept { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// A JSON reader that takes fields for values, and in strings.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  // Empty: it is fine.
  std::string run(std::vector<BodyTemplate::Piece>& pieces) {
    pieces_ = &pieces;
    const bool whole = value(0) && (blanks(), at_ == text_.size() || stop("nothing may follow the value"));
    if (!whole) return fmt::format("line {}: {}", 1 + std::count(text_.begin(), text_.begin() + bad(), '\n'), why_);
    literal(at_);
    pieces.push_back({std::move(open_), BodyField::count, false});
    return {};
  }

 private:
  std::ptrdiff_t bad() const noexcept { return static_cast<std::ptrdiff_t>(std::min(at_, text_.size())); }
  bool stop(std::string why) {
    why_ = std::move(why);
    return false;
  }
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blanks() noexcept {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  void literal(std::size_t to) {
    open_.append(text_.substr(done_, to - done_));
    done_ = to;
  }

  // The name of a field at the '{' here, empty when it is none.
  std::string_view field_name() const noexcept {
    std::size_t end = at_ + 1;
    while (end < text_.size() && is_name_char(text_[end])) ++end;
    if (end == at_ + 1 || end >= text_.size() || text_[end] != '}') return {};
    return text_.substr(at_ + 1, end - at_ - 1);
  }

  bool field(std::string_view name, bool in_string) {
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    if (found == kNames.end()) {
      const auto near = nearest_name(name, kNames);
      return stop(near.empty() ? fmt::format("unknown field '{}': use {}", name.substr(0, 40),
                                             one_of({kNames.begin(), kNames.end()}))
                               : fmt::format("unknown field '{}': did you mean '{}'?", name.substr(0, 40), near));
    }
    const auto which = static_cast<BodyField>(found - kNames.begin());
    if (in_string && which == BodyField::event)
      return stop("{event} is a whole object: it can't stand inside a string");
    if (!in_string && is_long(which) && ++long_fields_ > BodyTemplate::kMaxLong)
      return stop(
          fmt::format("more than {} of {{event}}, {{raw}} and {{message}} as values", BodyTemplate::kMaxLong));
    if (++fields_ > BodyTemplate::kMaxFields)
      return stop(fmt::format("more than {} fields", BodyTemplate::kMaxFields));
    literal(at_);
    at_ += name.size() + 2;
    done_ = at_;
    pieces_->push_back({std::exchange(open_, {}), which, in_string});
    return true;
  }

  bool value(int depth) {
    blanks();
    if (depth > BodyTemplate::kMaxDepth) return stop("nested too deep");
    switch (peek()) {
      case '{':
        if (const auto name = field_name(); !name.empty()) return field(name, false);
        return members(depth, '}');
      case '[':
        return members(depth, ']');
      case '"':
        return string(true);
      default:
        return word();
    }
  }

  // An object or array, by its end.
  bool members(int depth, char end) {
    ++at_;
    blanks();
    if (peek() == end) return ++at_, true;
    for (;;) {
      blanks();
      if (end == '}') {
        if (peek() != '"') return stop("a key in quotes is expected here");
        if (!string(false)) return false;
        blanks();
        if (peek() != ':') return stop("':' is expected here");
        ++at_;
      }
      if (!value(depth + 1)) return false;
      blanks();
      if (peek() == end) return ++at_, true;
      if (peek() != ',') return stop(fmt::format("',' or '{}' is expected here", end));
      ++at_;
    }
  }

  bool string(bool may_have_fields) {
    for (++at_; at_ < text_.size();) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return stop("a string has no line ends or control characters");
      if (c == '\\') {
        if (!escape()) return false;
      } else if (c == '{' && text_.substr(at_).starts_with("{{")) {
        literal(at_ + 1);
        at_ += 2;
        done_ = at_;
      } else if (const auto name = c == '{' ? field_name() : std::string_view{}; !name.empty()) {
        if (!may_have_fields) return stop("a key can't hold a field");
        if (!field(name, true)) return false;
      } else {
        ++at_;
      }
    }
    return stop("a string has no end");
  }

  bool escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == 'u') {
      const auto digits = text_.substr(at_ + 2, 4);
      if (digits.size() < 4 || !std::all_of(digits.begin(), digits.end(), is_hex))
        return stop("\\u needs four digits");
      at_ += 6;
      return true;
    }
    if (c == '\0' || std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos)
      return stop("an unknown escape");
    at_ += 2;
    return true;
  }

  bool word() {
    for (const std::string_view known : {"true", "false", "null"}) {
      if (!text_.substr(at_).starts_with(known)) continue;
      at_ += known.size();
      return true;
    }
    return number() || stop("a value is expected here: \"text\", a number, {field}, an object or a list");
  }

  bool digits() noexcept {
    const std::size_t begin = at_;
    while (is_digit(peek())) ++at_;
    return at_ > begin;
  }
  bool number() noexcept {
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const std::size_t begin = at_;
    if (!digits() || (zero && at_ - begin > 1)) return false;
    if (peek() == '.' && (++at_, !digits())) return false;
    if (peek() != 'e' && peek() != 'E') return true;
    ++at_;
    if (peek() == '+' || peek() == '-') ++at_;
    return digits();
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t done_ = 0;  // up to here the text is in pieces or in open_
  std::string open_;
  std::string why_;
  std::vector<BodyTemplate::Piece>* pieces_ = nullptr;
  std::size_t fields_ = 0;
  std::size_t long_fields_ = 0;
};

// RFC 3629: the receiver must get valid JSON. Byte by byte is fine for a file that is read once.
bool is_utf8(std::string_view text) noexcept {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char first = byte(at++);
    if (first < 0x80) continue;
    if (first < 0xC2 || first > 0xF4) return false;
    const int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    const unsigned char low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (int i = 0; i < more; ++i, ++at) {
      if (at >= text.size() || byte(at) < (i == 0 ? low : 0x80) || byte(at) > (i == 0 ? high : 0xBF)) return false;
    }
  }
  return true;
}

}  // namespace

std::string_view name_of(BodyField field) noexcept {
  return field < BodyField::count ? kNames[static_cast<std::size_t>(field)] : std::string_view{};
}

Result<BodyTemplate> BodyTemplate::parse(std::string text) {
  if (text.size() > kMaxBytes) return fail({Errc::config, fmt::format("is longer than {}", size_text(kMaxBytes))});
  if (!is_utf8(text)) return fail({Errc::config, "is no UTF-8"});
  BodyTemplate made;
  if (auto why = Parser(text).run(made.pieces_); !why.empty()) return fail({Errc::config, std::move(why)});
  return made;
}

Result<BodyTemplate> read_body_template(const std::string& path) {
  auto text = read_text_file(path, BodyTemplate::kMaxBytes);
  if (!text) return fail({Errc::config, fmt::format("'{}' {}", path, text.error().doing)});
  auto made = BodyTemplate::parse(*std::move(text));
  if (!made) return fail({Errc::config, fmt::format("'{}': {}", path, made.error().doing)});
  return made;
}

}  // namespace thorlog
