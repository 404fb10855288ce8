#include "wire/encode_json_text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "wire/clean_copy.h"
#include "wire/digits.h"
#include "wire/utf8.h"

namespace thorlog {
namespace {

// A string is escaped in chunks: room is made for the worst of one only (six bytes for each).
constexpr std::size_t kChunk = 4096;

struct AsciiEscape {
  char text[7];
  std::uint8_t length;
};

constexpr auto kEscapes = [] {
  std::array<AsciiEscape, 128> table{};
  for (std::size_t i = 0; i < 128; ++i) {
    table[i] = {{static_cast<char>(i)}, 1};
    if (i < 0x20) table[i] = {{'\\', 'u', '0', '0', kLowerHex[i >> 4], kLowerHex[i & 15]}, 6};
  }
  const auto two = [&table](char byte, char letter) { table[static_cast<std::size_t>(byte)] = {{'\\', letter}, 2}; };
  two('"', '"');
  two('\\', '\\');
  two('\n', 'n');
  two('\r', 'r');
  two('\t', 't');
  two('\b', 'b');
  two('\f', 'f');
  return table;
}();
static_assert(sizeof(AsciiEscape) == 8);  // copied whole

// Escapes up to `stop`; a character that begins before it may reach past it, but not past `end`.
char* put_escaped(char* to, const char*& from, const char* stop, const char* end, bool& valid) noexcept {
  while (from < stop) {
    copy_clean<JsonSpecial>(from, stop, to);
    if (from == stop) break;
    const auto byte = static_cast<unsigned char>(*from);
    if (byte < 0x80) {
      const AsciiEscape& escape = kEscapes[byte];
      std::memcpy(to, &escape, sizeof escape);
      to += escape.length;
      ++from;
      continue;
    }
    const Utf8Step step = utf8_step(from, end);
    const std::size_t length = step.valid ? step.length : kReplacement.size();
    std::memcpy(to, step.valid ? from : kReplacement.data(), length);
    valid = valid && step.valid;
    to += length;
    from += step.length;
  }
  return to;
}

// Checks a value by hand, byte for byte: the values are small and few, and this library links no JSON parser.
class JsonCheck {
 public:
  explicit JsonCheck(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool whole() noexcept {
    skip_blanks();
    if (!value()) return false;
    skip_blanks();
    return at_ == end_;
  }

 private:
  static constexpr int kMaxDepth = 64;

  bool more() const noexcept { return at_ != end_; }
  bool take(char wanted) noexcept {
    if (!more() || *at_ != wanted) return false;
    ++at_;
    return true;
  }
  void skip_blanks() noexcept {
    while (more() && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool value() noexcept {
    if (!more()) return false;
    switch (*at_) {
      case '{':
        return nested('}', true);
      case '[':
        return nested(']', false);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool nested(char closing, bool with_keys) noexcept {
    if (++depth_ > kMaxDepth) return false;
    ++at_;
    skip_blanks();
    if (!take(closing)) {
      for (;;) {
        if (with_keys && !key()) return false;
        if (!value()) return false;
        skip_blanks();
        if (take(closing)) break;
        if (!take(',')) return false;
        skip_blanks();
      }
    }
    --depth_;
    return true;
  }

  bool key() noexcept {
    if (!more() || *at_ != '"' || !string()) return false;
    skip_blanks();
    if (!take(':')) return false;
    skip_blanks();
    return true;
  }

  bool string() noexcept {
    ++at_;
    while (more()) {
      const auto byte = static_cast<unsigned char>(*at_);
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) return false;
      if (byte == '\\') {
        if (!escape()) return false;
        continue;
      }
      const Utf8Step step = utf8_step(at_, end_);
      if (!step.valid) return false;
      at_ += step.length;
    }
    return false;
  }

  bool escape() noexcept {
    ++at_;
    if (!more()) return false;
    const char letter = *at_++;
    if (letter != 'u') return std::string_view("\"\\/bfnrt").find(letter) != std::string_view::npos;
    for (int i = 0; i < 4; ++i) {
      if (!more()) return false;
      const char c = *at_++;
      if (!is_digit(c) && !(c >= 'a' && c <= 'f') && !(c >= 'A' && c <= 'F')) return false;
    }
    return true;
  }

  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  bool digits() noexcept {
    if (!more() || !is_digit(*at_)) return false;
    while (more() && is_digit(*at_)) ++at_;
    return true;
  }
  bool number() noexcept {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }
  bool word(std::string_view wanted) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < wanted.size()) return false;
    if (std::string_view(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }

  const char* at_;
  const char* end_;
  int depth_ = 0;
};

}  // namespace

char* put_json_string(char* to, std::string_view bytes, bool& valid) noexcept {
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  *to++ = '"';
  to = put_escaped(to, from, end, end, valid);
  *to++ = '"';
  return to;
}

bool append_json_string(ByteBuffer& out, std::string_view bytes) {
  bool valid = true;
  const char* from = bytes.data();
  const char* const end = from + bytes.size();
  out.push_back('"');
  while (from < end) {
    const char* const stop = from + std::min(static_cast<std::size_t>(end - from), kChunk);
    char* const to = out.reserve(json_string_room(static_cast<std::size_t>(stop - from)));
    out.commit_to(put_escaped(to, from, stop, end, valid));
  }
  out.push_back('"');
  return valid;
}

bool append_json_value(ByteBuffer& out, std::string_view value) {
  if (!JsonCheck(value).whole()) return false;
  char* to = out.reserve(value.size());
  // Inside strings there is no control left after the check.
  for (const char c : value) *to++ = static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  out.commit_to(to);
  return true;
}

void append_base64(ByteBuffer& out, std::string_view bytes) {
  static constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  char* to = out.reserve((bytes.size() + 2) / 3 * 4);
  const auto byte = [&bytes](std::size_t i) -> std::uint32_t { return static_cast<unsigned char>(bytes[i]); };
  const auto put = [&to](std::uint32_t six_bits) { *to++ = kLetters[six_bits & 63U]; };
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    put(three >> 18);
    put(three >> 12);
    put(three >> 6);
    put(three);
  }
  const std::size_t left = bytes.size() - i;
  if (left != 0) {
    const std::uint32_t rest = byte(i) << 16 | (left == 2 ? byte(i + 1) << 8 : 0);
    put(rest >> 18);
    put(rest >> 12);
    if (left == 2)
      put(rest >> 6);
    else
      *to++ = '=';
    *to++ = '=';
  }
  out.commit_to(to);
}

}  // namespace thorlog
