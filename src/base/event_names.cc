#include <array>

#include "thorlog/event.h"

namespace thorlog {

std::string_view name_of(Kind kind) noexcept {
  static constexpr std::array<std::string_view, 8> kNames = {"syslog", "thor",      "agent", "management",
                                                             "os",     "detection", "audit", "life"};
  const auto i = static_cast<std::size_t>(kind);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

std::string_view name_of(Format format) noexcept {
  static constexpr std::array<std::string_view, 8> kNames = {"",      "text",  "keyvalue", "cef",
                                                             "json1", "json2", "json3",    "agent"};
  const auto i = static_cast<std::size_t>(format);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

std::string_view name_of(Level level) noexcept {
  static constexpr std::array<std::string_view, 7> kNames = {"",      "debug",   "info", "notice",
                                                             "error", "warning", "alert"};
  const auto i = static_cast<std::size_t>(level);
  return i < kNames.size() ? kNames[i] : std::string_view();
}

std::string_view flag_name(int bit) noexcept {
  static constexpr std::array<std::string_view, flag::count> kNames = {
      "joined",         "incomplete", "truncated", "oversize", "invalid_utf8",   "ambiguous",    "duplicate_head",
      "lossy_possible", "gap",        "orphan",    "split",    "host_truncated", "unterminated", "json_invalid",
      "replayed",       "clock_skew"};
  return bit >= 0 && bit < flag::count ? kNames[static_cast<std::size_t>(bit)] : std::string_view();
}

}  // namespace thorlog
