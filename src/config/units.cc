#include "config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <vector>

namespace thorlog {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr Unit kSizeUnits[] = {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}};
constexpr Unit kTimeUnits[] = {{"d", 86'400'000'000'000},
                               {"h", 3'600'000'000'000},
                               {"m", 60'000'000'000},
                               {"s", 1'000'000'000},
                               {"ms", 1'000'000},
                               {"us", 1'000},
                               {"ns", 1}};

struct Split {
  std::uint64_t number;
  std::string_view unit;
};
std::optional<Split> split_unit(std::string_view text) noexcept {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  return Split{value, text.substr(static_cast<std::size_t>(end - text.data()))};
}

std::optional<std::uint64_t> times(std::uint64_t a, std::uint64_t b, std::uint64_t limit) noexcept {
  if (b != 0 && a > limit / b) return std::nullopt;
  return a * b;
}

// What is left of a name when case and separators don't count: "Max-Connections" is meant as max_connections.
std::string folded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '_' || c == '-' || c == ' ' || c == '.') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

// Insertions, deletions, replacements, and swapped neighbours count one each (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(now);
  }
  return last[b.size()];
}

}  // namespace

std::optional<std::uint64_t> parse_size(std::string_view text) noexcept {
  const auto split = split_unit(text);
  if (!split) return std::nullopt;
  if (split->unit.empty()) return split->number;
  for (const auto& unit : kSizeUnits)
    if (unit.name == split->unit) return times(split->number, unit.factor, std::numeric_limits<std::uint64_t>::max());
  return std::nullopt;
}

std::string size_text(std::uint64_t bytes) {
  for (const auto& unit : kSizeUnits)
    if (bytes != 0 && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  return fmt::format("{}", bytes);
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept {
  const auto split = split_unit(text);
  if (!split) return std::nullopt;
  if (split->unit.empty() && split->number == 0) return std::chrono::nanoseconds(0);
  for (const auto& unit : kTimeUnits) {
    if (unit.name != split->unit) continue;
    const auto value = times(split->number, unit.factor, std::numeric_limits<std::int64_t>::max());
    if (!value) return std::nullopt;
    return std::chrono::nanoseconds(static_cast<std::int64_t>(*value));
  }
  return std::nullopt;
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const auto count = duration.count();
  if (count <= 0) return "0";
  // 24h reads better than 1d, and 60s better than 1m.
  for (const auto& unit : kTimeUnits) {
    const auto factor = static_cast<std::int64_t>(unit.factor);
    if (count % factor == 0 && (count > factor || (unit.name != "d" && unit.name != "m")))
      return fmt::format("{}{}", count / factor, unit.name);
  }
  return fmt::format("{}ns", count);
}

std::optional<std::uint64_t> parse_number(std::string_view text) noexcept {
  const auto split = split_unit(text);
  if (!split || !split->unit.empty()) return std::nullopt;
  return split->number;
}

std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known) {
  if (given.empty() || given.size() > 64) return {};
  const std::string meant = folded(given);
  std::string_view best;
  for (const auto name : known) {  // "warn" is meant as warning, unless there is another that begins so
    if (meant.size() < 3 || !folded(name).starts_with(meant)) continue;
    if (folded(name) == meant) return name;
    best = best.empty() ? name : std::string_view("?");
  }
  if (!best.empty() && best != "?") return best;
  best = {};
  std::size_t best_distance = std::max<std::size_t>(1, given.size() / 3) + 1;  // one slip in three letters
  for (const auto name : known) {
    const auto distance = edit_distance(meant, folded(name));
    if (distance >= best_distance) continue;
    best = name;
    best_distance = distance;
  }
  return best;
}

std::string one_of(std::span<const std::string_view> names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text;
}

std::string yaml_scalar(std::string_view text) {
  bool plain = !text.empty() && text != "null" && text != "Null" && text != "NULL";
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    plain = plain && (letter || c == '_' || c == '/' || c == '.' || c == '-');
  }
  // A version such as 1.2 reads as text to us, but as a number to others.
  if (plain && ((text[0] >= 'A' && text[0] <= 'Z') || (text[0] >= 'a' && text[0] <= 'z') || text[0] == '/'))
    return std::string(text);
  if (plain && parse_size(text)) return std::string(text);
  if (plain && parse_duration(text)) return std::string(text);
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 32) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace thorlog
