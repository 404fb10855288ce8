#include "wire/octet_count.h"

#include <array>
#include <cstring>

namespace thorlog {
namespace {

constexpr std::size_t kMostDigits = 10;
constexpr std::size_t kLongestWord = 300;  // of a header

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_upper(char c) noexcept { return c >= 'A' && c <= 'Z'; }

// Steps through bytes that may end too early. `short_of` says that a step failed for want of bytes only.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  bool short_of() const noexcept { return short_of_; }

  bool word(std::string_view wanted) noexcept {
    const std::size_t n = wanted.size() < left() ? wanted.size() : left();
    if (bytes_.compare(at_, n, wanted, 0, n) != 0) return false;
    if (n < wanted.size()) return lack();
    at_ += n;
    return true;
  }
  // Each '0' of the pattern is any digit, other characters stand for themselves.
  bool pattern(std::string_view wanted) noexcept {
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (i >= left()) return lack();
      const char c = bytes_[at_ + i];
      if (wanted[i] == '0' ? !is_digit(c) : c != wanted[i]) return false;
    }
    at_ += wanted.size();
    return true;
  }
  // A word without blanks and the blank behind it.
  bool token() noexcept {
    for (std::size_t i = 0; i < kLongestWord; ++i) {
      if (i >= left()) return lack();
      if (bytes_[at_ + i] != ' ') continue;
      if (i == 0) return false;
      at_ += i + 1;
      return true;
    }
    return false;
  }
  bool one_of(const char* set) noexcept {
    if (left() == 0) return lack();
    if (std::strchr(set, bytes_[at_]) == nullptr || bytes_[at_] == '\0') return false;
    ++at_;
    return true;
  }
  template <class Test>
  std::size_t run(Test test) noexcept {
    std::size_t n = 0;
    while (n < left() && n < kLongestWord && test(bytes_[at_ + n])) ++n;
    at_ += n;
    if (left() == 0) short_of_ = true;
    return n;
  }
  // Tries one way to read on; goes back where it fails.
  template <class Way>
  bool attempt(Way way) noexcept {
    const std::size_t before = at_;
    if (way()) return true;
    at_ = before;
    return false;
  }

 private:
  std::size_t left() const noexcept { return bytes_.size() - at_; }
  bool lack() noexcept {
    short_of_ = true;
    return false;
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
  bool short_of_ = false;
};

bool bsd_stamp(Reader& in) noexcept {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan ", "Feb ", "Mar ", "Apr ", "May ", "Jun ",
                                                               "Jul ", "Aug ", "Sep ", "Oct ", "Nov ", "Dec "};
  for (const std::string_view month : kMonths) {
    if (!in.attempt([&] { return in.word(month); })) continue;
    for (const std::string_view rest : {" 0 00:00:00 ", "00 00:00:00 ", "0 00:00:00 "})
      if (in.attempt([&] { return in.pattern(rest); })) return true;
    return false;
  }
  return false;
}

bool iso_stamp(Reader& in) noexcept {
  if (!in.pattern("0000-00-00T00:00:00")) return false;
  in.attempt([&] { return in.word(".") && in.run(is_digit) > 0; });
  return in.attempt([&] { return in.word("Z "); }) || in.attempt([&] { return in.pattern("+00:00 "); }) ||
         in.attempt([&] { return in.pattern("-00:00 "); });
}

bool level(Reader& in) noexcept {
  for (const std::string_view name :
       {"Info: ", "Notice: ", "Warning: ", "Error: ", "Alert: ", "Alarm: ", "Debug: ", "Fatal: "})
    if (in.attempt([&] { return in.word(name); })) return true;
  return false;
}

bool thor(Reader& in) noexcept {
  const bool product =
      in.attempt([&] { return in.word("THOR: "); }) || in.attempt([&] { return in.word("THOR : "); });
  return product && (in.attempt([&] { return in.word("{"); }) || level(in));
}

bool cef(Reader& in) noexcept {
  if (!in.word("CEF:")) return false;
  in.attempt([&] { return in.word(" "); });
  return in.pattern("0|Nextron");
}

bool agent(Reader& in) noexcept {
  in.attempt([&] { return in.pattern("0000/00/00 00:00:00 "); });
  return in.run(is_upper) > 0 && in.word("_") &&
         in.run([](char c) { return is_upper(c) || is_digit(c) || c == '_'; }) > 0 && in.word(": ") && level(in);
}

// S1 to S4 without a priority (domain notes 2.4).
bool begins_message(Reader& in) noexcept {
  if (in.attempt([&] { return thor(in); }) || in.attempt([&] { return cef(in); }) ||
      in.attempt([&] { return agent(in); }))
    return true;
  if (!in.attempt([&] { return bsd_stamp(in); }) && !in.attempt([&] { return iso_stamp(in); })) return false;
  if (!in.token()) return false;
  if (in.attempt([&] { return thor(in); }) || in.attempt([&] { return cef(in); }) ||
      in.attempt([&] { return agent(in); }))
    return true;
  return in.token() && thor(in);
}

bool priority(Reader& in) noexcept {
  if (!in.word("<")) return false;
  return in.attempt([&] { return in.pattern("000>"); }) || in.attempt([&] { return in.pattern("00>"); }) ||
         in.attempt([&] { return in.pattern("0>"); });
}

}  // namespace

OctetCount read_octet_count(std::string_view bytes, bool any_content) noexcept {
  OctetCount found;
  std::size_t digits = 0;
  for (; digits < bytes.size() && is_digit(bytes[digits]); ++digits) {
    if (digits == kMostDigits || bytes[0] == '0') return found;
    found.value = found.value * 10 + static_cast<std::uint64_t>(bytes[digits] - '0');
  }
  if (digits == 0 && !bytes.empty()) return found;
  if (digits == bytes.size()) {
    found.verdict = OctetCount::Verdict::more;
    return found;
  }
  if (bytes[digits] != ' ') return found;
  found.prefix = digits + 1;
  if (any_content) {
    found.verdict = OctetCount::Verdict::count;
    return found;
  }

  // What begins a message must stand within the counted bytes.
  std::string_view content = bytes.substr(found.prefix);
  if (content.size() > found.value) content = content.substr(0, static_cast<std::size_t>(found.value));
  Reader in(content);
  bool more = false;
  const auto is = [&](bool yes) {
    more = more || in.short_of();
    return yes;
  };
  found.priority = is(in.attempt([&] { return priority(in); }));
  if (found.priority || is(in.attempt([&] { return in.word("{\""); })) ||
      is(in.attempt([&] { return begins_message(in); }))) {
    found.verdict = OctetCount::Verdict::count;
  } else if (more && content.size() < found.value) {
    found.verdict = OctetCount::Verdict::more;
  }
  return found;
}

}  // namespace thorlog
