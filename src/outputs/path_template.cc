#include "outputs/path_template.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <chrono>

namespace thorlog {
namespace {

constexpr std::size_t kMaxName = 64;        // of one value
constexpr std::size_t kHashLength = 17;     // '_' and 16 digits
constexpr std::size_t kMaxComponent = 200;  // of the 255 that file systems take; rotation adds to it
constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr std::string_view kNothing = "_none";
constexpr std::string_view kOverflow = "_overflow";

constexpr std::array<bool, 256> safe_bytes() {
  std::array<bool, 256> safe{};
  for (unsigned c = 'a'; c <= 'z'; ++c) safe[c] = true;
  for (unsigned c = '0'; c <= '9'; ++c) safe[c] = true;
  safe['.'] = safe['_'] = safe['-'] = true;
  return safe;
}
constexpr auto kSafe = safe_bytes();

bool is_safe(std::string_view value) noexcept {
  if (value.empty() || value.size() > kMaxName || value[0] == '.') return false;
  for (const char c : value) {
    if (!kSafe[static_cast<unsigned char>(c)]) return false;
  }
  return true;
}

bool looks_rotated(std::string_view value) noexcept {
  if (value.ends_with(".gz") || value.find(".rotating-") != std::string_view::npos) return true;
  const std::size_t digits = value.find_last_not_of("0123456789");
  return digits != std::string_view::npos && value[digits] == '.' && digits + 1 < value.size();
}

}  // namespace

void append_safe_name(std::string& out, std::string_view value, bool no_number_at_end) {
  if (value.empty()) {
    out += kNothing;
    return;
  }
  if (is_safe(value) && !(no_number_at_end && looks_rotated(value))) {
    out += value;
    return;
  }
  for (std::size_t i = 0; i < std::min(value.size(), kMaxName - kHashLength); ++i) {
    const char c = value[i];
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    const bool keep = kSafe[static_cast<unsigned char>(lower)] && (i != 0 || lower != '.');
    out += keep ? lower : '_';
  }
  out += '_';
  XXH64_hash_t hash = XXH3_64bits(value.data(), value.size());
  for (int i = 0; i < 16; ++i, hash <<= 4) out += "0123456789abcdef"[hash >> 60];
}

Result<PathTemplate> PathTemplate::parse(std::string_view path) {
  const auto wrong = [path](const std::string& what) {
    return fail({Errc::config, fmt::format("the path \"{}\": {}", path, what), 0});
  };
  if (path.empty() || path.back() == '/') return wrong("it names no file");
  PathTemplate result;
  const std::size_t first = std::min(path.find('{'), path.size());
  const std::size_t slash = path.substr(0, first).rfind('/');
  result.root_ = slash == std::string_view::npos ? std::string_view(".") : path.substr(0, slash == 0 ? 1 : slash);
  std::string_view rest = slash == std::string_view::npos ? path : path.substr(slash + 1);
  if (fmt::format("/{}/", rest).find("/../") != std::string::npos) return wrong("\"..\" behind a placeholder");

  constexpr std::array<std::pair<std::string_view, Field>, 7> kFields = {{{"asset", Field::asset},
                                                                          {"host", Field::host},
                                                                          {"scan_id", Field::scan_id},
                                                                          {"group_id", Field::group_id},
                                                                          {"input", Field::input},
                                                                          {"kind", Field::kind},
                                                                          {"date", Field::date}}};
  while (!rest.empty()) {
    const std::size_t open = std::min(rest.find('{'), rest.size());
    if (open != 0) result.parts_.push_back({Field::text, std::string(rest.substr(0, open))});
    rest.remove_prefix(open);
    if (rest.empty()) break;
    const std::size_t close = rest.find('}');
    if (close == std::string_view::npos) return wrong("a '{' without its '}'");
    const std::string_view name = rest.substr(1, close - 1);
    const auto* known = std::find_if(kFields.begin(), kFields.end(), [&](const auto& f) { return f.first == name; });
    if (known == kFields.end()) return wrong(fmt::format("there is no placeholder {{{}}}", name));
    result.parts_.push_back({known->second, {}});
    if (known->second != Field::date) result.literal_ = false;
    if (known->second == Field::asset) result.needs_asset_ = true;
    rest.remove_prefix(close + 1);
  }
  result.parts_.back().last = true;
  if (auto lengths = result.check_lengths(); !lengths) return wrong(lengths.error().doing);
  return result;
}

Status PathTemplate::check_lengths() const {
  std::size_t length = 0;
  for (const Part& part : parts_) {
    if (part.field != Field::text) length += part.field == Field::date ? 10 : kMaxName;
    for (const char c : part.text) length = c == '/' ? 0 : length + 1;
    if (length > kMaxComponent) return fail({Errc::config, "a name in it could become too long", 0});
  }
  return ok();
}

void PathTemplate::expand(const StoredRecord& record, std::string& out) {
  out.clear();
  set_day(record.record.received);
  for (const Part& part : parts_) append_part(part, record, false, out);
}

void PathTemplate::expand_overflow(const StoredRecord& record, std::string& out) {
  out.clear();
  set_day(record.record.received);
  for (const Part& part : parts_) append_part(part, record, true, out);
}

bool PathTemplate::may_differ(const StoredRecord& record) const noexcept {
  if (!literal_) return true;
  const std::int64_t start = day_ * kDay;
  return day_ < 0 || record.record.received < start || record.record.received >= start + kDay;
}

void PathTemplate::append_part(const Part& part, const StoredRecord& record, bool overflow, std::string& out) {
  const Event& event = record.record.event;
  const auto value = [&](std::string_view text) {
    if (overflow) text = kOverflow;
    append_safe_name(out, text, part.last);
  };
  switch (part.field) {
    case Field::text:
      out += part.text;
      break;
    case Field::asset:
      value(record.asset_or_host());
      break;
    case Field::host:
      value(event.host);
      break;
    case Field::scan_id:
      value(event.scan_id);
      break;
    case Field::group_id:
      value(event.group_id);
      break;
    case Field::input:
      append_safe_name(out, record.input_name, part.last);
      break;
    case Field::kind:
      out += thorlog::name_of(event.kind);
      break;
    case Field::date:
      out += date_;
      break;
  }
}

void PathTemplate::set_day(std::int64_t received) noexcept {
  const std::int64_t day = received >= 0 ? received / kDay : 0;
  if (day == day_) return;
  day_ = day;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  date_ = text.data();
}

}  // namespace thorlog
