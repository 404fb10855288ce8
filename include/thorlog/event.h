// The event: one line as the rest of the program sees it. `raw` is never altered or cut; the text fields are views
// into it where they can be, else into memory of whoever made the event (parser or record decoder), valid as long as
// that says. Plain values, no ownership, any thread.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace thorlog {

enum class Kind : std::uint8_t { syslog, thor, agent, management, os, detection, audit, life };
enum class Format : std::uint8_t { none, text, keyvalue, cef, json1, json2, json3, agent };
// Ordered as THOR orders them; none: the line has no level of its own.
enum class Level : std::uint8_t { none, debug, info, notice, error, warning, alert };

// Names as in the contract ("json1", "alert"); empty for Format::none and Level::none.
std::string_view name_of(Kind kind) noexcept;
std::string_view name_of(Format format) noexcept;
std::string_view name_of(Level level) noexcept;

// What is doubtful about a line, or how it was joined. The bits are stored in the journal: add, never renumber.
namespace flag {
inline constexpr std::uint32_t joined = 1U << 0;      // made of several pieces
inline constexpr std::uint32_t incomplete = 1U << 1;  // begun and proven unfinished
inline constexpr std::uint32_t truncated = 1U << 2;   // known to be cut, nothing follows
inline constexpr std::uint32_t oversize = 1U << 3;    // longer than max_message, kept in pieces
inline constexpr std::uint32_t invalid_utf8 = 1U << 4;
inline constexpr std::uint32_t ambiguous = 1U << 5;        // could be read in two ways; never drives the scan watch
inline constexpr std::uint32_t duplicate_head = 1U << 6;   // a broken relay repeated it; the copies count as joined
inline constexpr std::uint32_t lossy_possible = 1U << 7;   // what joined or cut it may have lost bytes
inline constexpr std::uint32_t gap = 1U << 8;              // bytes are known to be missing inside
inline constexpr std::uint32_t orphan = 1U << 9;           // a continuation without a head
inline constexpr std::uint32_t split = 1U << 10;           // one of several records cut from one frame
inline constexpr std::uint32_t host_truncated = 1U << 11;  // the host name was cut (rsyslog's 32 characters)
inline constexpr std::uint32_t unterminated = 1U << 12;    // the connection ended, or idled, inside the line
inline constexpr std::uint32_t json_invalid = 1U << 13;
inline constexpr std::uint32_t replayed = 1U << 14;
inline constexpr std::uint32_t clock_skew = 1U << 15;  // stamp and receipt differ by more than a day
inline constexpr int count = 16;
}  // namespace flag
// The contract's name of the flag with this bit number (0 to flag::count - 1).
std::string_view flag_name(int bit) noexcept;

inline constexpr std::uint8_t kNoPriority = 255;  // valid priorities are 0 to 191 (RFC 5424, 6.2.1)
inline constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

struct Event {
  std::string_view raw;  // the whole (reassembled) line without transport framing

  Kind kind = Kind::syslog;
  Format format = Format::none;
  Level level = Level::none;
  std::uint8_t priority = kNoPriority;  // facility * 8 + severity, from the line's own <PRI>
  std::uint32_t flags = 0;              // flag:: bits

  std::int64_t timestamp = kNoTime;  // the line's own stamp, nanoseconds since 1970 in UTC
  double score = std::numeric_limits<double>::quiet_NaN();
  bool has_score() const noexcept { return !std::isnan(score); }

  // Empty: unknown.
  std::string_view host;  // as the line says it
  std::string_view ip;
  std::string_view app_name;
  std::string_view procid;
  std::string_view msgid;
  std::string_view structured_data;
  std::string_view module;
  std::string_view message;
  std::string_view scan_id;
  std::string_view uid;

  std::string_view
      canonical_host;  // lower case, before the first dot: the key of all state, routing and partitioning
  std::string_view group_id;
};

}  // namespace thorlog
