#include "outputs/match_sequences.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxSequences = 32;
constexpr int kMaxDepth = 16;
constexpr int kMaxRepeat = 1000;  // as RE2 has it

using Sequences = std::vector<Sequence>;

ByteSet range(unsigned char first, unsigned char last) noexcept {
  ByteSet set;
  for (unsigned byte = first; byte <= last; ++byte) set.add(static_cast<unsigned char>(byte));
  return set;
}

ByteSet single(char c) noexcept {
  ByteSet set;
  set.add(static_cast<unsigned char>(c));
  return set;
}

// \d \w \s and their opposites, ASCII only as in RE2.
std::optional<ByteSet> perl_class(char letter) noexcept {
  ByteSet set;
  switch (letter | 0x20) {
    case 'd':
      set = range('0', '9');
      break;
    case 'w':
      set = range('0', '9');
      set |= range('a', 'z');
      set |= range('A', 'Z');
      set |= single('_');
      break;
    case 's':
      set = range('\t', '\n');
      set |= range('\f', '\r');
      set |= single(' ');
      break;
    default:
      return std::nullopt;
  }
  return letter < 'a' ? ~set : set;
}

class Flattener {
 public:
  explicit Flattener(std::string_view pattern) : text_(pattern) {}

  std::optional<Sequences> whole() {
    auto all = alternatives();
    if (!all || at_ != text_.size()) return std::nullopt;
    return all;
  }

 private:
  struct Repeat {
    int least = 1, most = 1;
  };

  bool more() const noexcept { return at_ < text_.size(); }
  char peek() const noexcept { return text_[at_]; }
  bool take(char c) noexcept {
    if (!more() || peek() != c) return false;
    ++at_;
    return true;
  }

  std::optional<Sequences> alternatives() {
    if (++depth_ > kMaxDepth) return std::nullopt;
    Sequences all;
    do {
      auto some = concatenation();
      if (!some || all.size() + some->size() > kMaxSequences) return std::nullopt;
      all.insert(all.end(), some->begin(), some->end());
    } while (take('|'));
    --depth_;
    return all;
  }

  std::optional<Sequences> concatenation() {
    Sequences built(1);
    while (more() && peek() != '|' && peek() != ')') {
      if (is_zero_width()) {
        if (more() && is_repeat(peek())) return std::nullopt;
        continue;
      }
      auto next = atom();
      Repeat repeat;
      if (!next || !repetition(repeat)) return std::nullopt;
      if (!append(built, std::move(*next), repeat)) return std::nullopt;
    }
    return built;
  }

  static bool append(Sequences& built, Sequences next, Repeat repeat) {
    const bool once = repeat.least == 1 && repeat.most == 1;
    const bool one_class = next.size() == 1 && next[0].size() == 1 && !next[0][0].opaque && next[0][0].least == 1 &&
                           next[0][0].most == 1;
    if (one_class) {
      next[0][0].least = repeat.least;
      next[0][0].most = repeat.most;
    } else if (!once) {
      // A group, repeated: once as it is when it must come, and who knows what behind it.
      if (repeat.least == 0) next.assign(1, {});
      for (Sequence& sequence : next) sequence.push_back({ByteSet::all(), 0, kNoLimit, true});
    }
    if (built.size() * next.size() > kMaxSequences) return false;
    Sequences product;
    for (const Sequence& first : built) {
      for (const Sequence& second : next) {
        product.push_back(first);
        product.back().insert(product.back().end(), second.begin(), second.end());
      }
    }
    built = std::move(product);
    return true;
  }

  // ^ $ \A \z \b \B: they take no byte.
  bool is_zero_width() noexcept {
    if (take('^') || take('$')) return true;
    if (peek() != '\\' || at_ + 1 >= text_.size()) return false;
    if (std::string_view("AzbB").find(text_[at_ + 1]) == std::string_view::npos) return false;
    at_ += 2;
    return true;
  }

  std::optional<Sequences> atom() {
    if (take('(')) {
      if (take('?') && !take(':')) return std::nullopt;
      auto group = alternatives();
      if (!group || !take(')')) return std::nullopt;
      return group;
    }
    std::optional<ByteSet> bytes;
    if (take('[')) {
      bytes = byte_class();
    } else if (take('\\')) {
      bytes = escaped();
    } else if (take('.')) {
      bytes = ByteSet::all();
    } else if (!is_repeat(peek())) {
      bytes = single(text_[at_++]);
    }
    if (!bytes) return std::nullopt;
    return Sequences{{SequencePart{*bytes, 1, 1, false}}};
  }

  static bool is_repeat(char c) noexcept { return c == '*' || c == '+' || c == '?' || c == '{'; }

  bool repetition(Repeat& repeat) noexcept {
    if (!more() || !is_repeat(peek())) return true;
    const char sign = text_[at_++];
    if (sign == '*') repeat = {0, kNoLimit};
    if (sign == '+') repeat = {1, kNoLimit};
    if (sign == '?') repeat = {0, 1};
    if (sign == '{' && !counts(repeat)) return false;
    take('?');  // lazy: the same texts
    return !more() || !is_repeat(peek());
  }

  // Behind '{'.
  bool counts(Repeat& repeat) noexcept {
    if (!number(repeat.least)) return false;
    repeat.most = repeat.least;
    if (take(',')) {
      repeat.most = kNoLimit;
      if (more() && peek() != '}' && !number(repeat.most)) return false;
    }
    return take('}') && (repeat.most == kNoLimit || repeat.most >= repeat.least);
  }

  bool number(int& value) noexcept {
    const std::size_t begin = at_;
    value = 0;
    while (more() && peek() >= '0' && peek() <= '9' && value <= kMaxRepeat) value = 10 * value + (text_[at_++] - '0');
    return at_ != begin && value <= kMaxRepeat;
  }

  // Behind '\': one byte, or a class.
  std::optional<ByteSet> escaped() noexcept {
    if (!more()) return std::nullopt;
    const char c = text_[at_++];
    const bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
    if (!is_word) return static_cast<unsigned char>(c) < 0x80 ? std::optional(single(c)) : std::nullopt;
    switch (c) {
      case 'n':
        return single('\n');
      case 'r':
        return single('\r');
      case 't':
        return single('\t');
      case 'f':
        return single('\f');
      case 'v':
        return single('\v');
      case 'a':
        return single('\a');
      case 'x':
        return hex_byte();
      default:
        return perl_class(c);
    }
  }

  // \xHH only.
  std::optional<ByteSet> hex_byte() noexcept {
    unsigned value = 0;
    for (int i = 0; i < 2; ++i) {
      if (!more()) return std::nullopt;
      const char c = text_[at_++];
      const char letter = static_cast<char>(c | 0x20);
      if (c >= '0' && c <= '9') {
        value = value * 16 + static_cast<unsigned>(c - '0');
      } else if (letter >= 'a' && letter <= 'f') {
        value = value * 16 + static_cast<unsigned>(letter - 'a' + 10);
      } else {
        return std::nullopt;
      }
    }
    return single(static_cast<char>(value));
  }

  // Behind '['.
  std::optional<ByteSet> byte_class() noexcept {
    const bool negated = take('^');
    ByteSet set;
    bool first = true;
    while (more() && (first || peek() != ']')) {
      first = false;
      if (text_.substr(at_, 2) == "[:") return std::nullopt;
      const std::size_t begin = at_;
      const auto bytes = class_item();
      if (!bytes) return std::nullopt;
      const bool is_range = at_ + 1 < text_.size() && peek() == '-' && text_[at_ + 1] != ']';
      if (!is_range) {
        set |= *bytes;
        continue;
      }
      ++at_;
      const auto last = class_item();
      // Only plain bytes are the ends of a range here; that is what people write.
      if (!last || text_[begin] == '\\' || text_[at_ - 1] == '\\' || text_[begin + 2] == '\\') return std::nullopt;
      const auto low = static_cast<unsigned char>(text_[begin]);
      const auto high = static_cast<unsigned char>(text_[at_ - 1]);
      if (low > high) return std::nullopt;
      set |= range(low, high);
    }
    if (!take(']')) return std::nullopt;
    return negated ? ~set : set;
  }

  std::optional<ByteSet> class_item() noexcept {
    if (take('\\')) return escaped();
    if (!more()) return std::nullopt;
    return single(text_[at_++]);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

std::optional<std::vector<Sequence>> sequences_of(std::string_view pattern) { return Flattener(pattern).whole(); }

}  // namespace thorlog
