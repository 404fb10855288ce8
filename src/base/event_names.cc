// The contract's names of kinds, formats, levels and flags.
#include <array>

#include "thorlog/event.h"

namespace thorlog {
namespace {

constexpr std::array<std::string_view, 8> kKinds = {"syslog", "thor",      "agent", "management",
                                                    "os",     "detection", "audit", "life"};
constexpr std::array<std::string_view, 8> kFormats = {"",      "text",  "keyvalue", "cef",
                                                      "json1", "json2", "json3",    "agent"};
constexpr std::array<std::string_view, 7> kLevels = {"", "debug", "info", "notice", "error", "warning", "alert"};
constexpr std::array<std::string_view, flag::count> kFlags = {
    "joined",         "incomplete",     "truncated", "oversize",  "invalid_utf8", "ambiguous",
    "duplicate_head", "lossy_possible", "gap",       "orphan",    "split",        "host_truncated",
    "unterminated",   "json_invalid",   "replayed",  "clock_skew"};

// A value from a damaged journal may be none of ours: no name.
template <std::size_t n>
std::string_view at(const std::array<std::string_view, n>& names, std::size_t index) noexcept {
  return index < n ? names[index] : std::string_view();
}

}  // namespace

std::string_view name_of(Kind kind) noexcept { return at(kKinds, static_cast<std::size_t>(kind)); }
std::string_view name_of(Format format) noexcept { return at(kFormats, static_cast<std::size_t>(format)); }
std::string_view name_of(Level level) noexcept { return at(kLevels, static_cast<std::size_t>(level)); }
std::string_view flag_name(int bit) noexcept {
  return bit < 0 ? std::string_view() : at(kFlags, static_cast<std::size_t>(bit));
}

}  // namespace thorlog
