// Zones by name. The transitions of a zone are read once, so that a conversion is a search in a small table and can
// neither fail nor lock.
#include <date/tz.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "thor/lex.h"
#include "thor/stamp.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

class FixedZone final : public TimeZone {
 public:
  explicit FixedZone(std::int64_t offset) noexcept : offset_(offset) {}
  std::int64_t to_utc(std::int64_t local) const noexcept override { return local - offset_; }

 private:
  std::int64_t offset_;  // ns, east of Greenwich is positive
};

class NamedZone final : public TimeZone {
 public:
  explicit NamedZone(const date::time_zone& zone) {
    using std::chrono::seconds;
    constexpr int kFirst = 1970;
    constexpr int kLast = 2100;
    const date::sys_seconds last = date::sys_days(date::year(kLast) / 1 / 1);
    date::sys_info info = zone.get_info(date::sys_seconds(date::sys_days(date::year(kFirst) / 1 / 1)));
    seconds before = info.offset;
    spans_.push_back({std::numeric_limits<std::int64_t>::min(), before.count() * kSecond});
    while (info.end < last) {
      const date::sys_seconds begin = info.end;
      info = zone.get_info(begin);
      // An hour that is there twice is the first of the two, one that is left out counts on from the one before.
      const seconds local = begin.time_since_epoch() + std::max(before, info.offset);
      spans_.push_back({local.count() * kSecond, info.offset.count() * kSecond});
      before = info.offset;
    }
  }

  std::int64_t to_utc(std::int64_t local) const noexcept override {
    const auto after = std::upper_bound(spans_.begin() + 1, spans_.end(), local,
                                        [](std::int64_t time, const Span& span) { return time < span.begin; });
    return local - std::prev(after)->offset;
  }

 private:
  struct Span {
    std::int64_t begin;   // local ns since 1970
    std::int64_t offset;  // ns
  };
  std::vector<Span> spans_;
};

// "+02:00", "-0530"; kNoTime when it is none.
std::int64_t offset_of(std::string_view name) noexcept {
  if (name.size() < 5 || (name[0] != '+' && name[0] != '-')) return kNoTime;
  const std::size_t minutes_at = name[3] == ':' ? 4 : 3;
  if (name.size() != minutes_at + 2) return kNoTime;
  for (const std::size_t at : {std::size_t{1}, std::size_t{2}, minutes_at, minutes_at + 1})
    if (!lex::is_digit(name[at])) return kNoTime;
  const int hours = (name[1] - '0') * 10 + name[2] - '0';
  const int minutes = (name[minutes_at] - '0') * 10 + name[minutes_at + 1] - '0';
  if (hours > 14 || minutes > 59) return kNoTime;
  const std::int64_t offset = (hours * 3600 + minutes * 60) * kSecond;
  return name[0] == '-' ? -offset : offset;
}

}  // namespace

std::unique_ptr<TimeZone> TimeZone::make(std::string_view name) {
  if (name == "UTC" || name == "Z") return std::make_unique<FixedZone>(0);
  if (const std::int64_t offset = offset_of(name); offset != kNoTime) return std::make_unique<FixedZone>(offset);
  try {  // the library's only way to say that it knows no such zone, or has no data
    return std::make_unique<NamedZone>(*date::locate_zone(std::string(name)));
  } catch (const std::exception&) {
    return nullptr;
  }
}

}  // namespace thorlog
