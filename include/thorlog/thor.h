// What a line is: the start test, then its meaning. Pure and bounded; one LineParser for each thread.
// Source: domain notes 1 (formats), 2.4 (start test), 3 (identity), 4 (agent lines), 6 (OS evidence).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "thorlog/event.h"

namespace thorlog {

// Which rule says that the first bytes begin a message (domain notes 2.4).
enum class StartRule : std::uint8_t { none, s1, s1b, s2, s3, s4, s5, s6, s7 };

// The outcome of the start test. Offsets into the tested bytes, so that they hold for a longer copy of the same line.
struct Start {
  StartRule rule = StartRule::none;
  std::uint8_t priority = kNoPriority;
  // The header: where the stamp, the host token and the message behind it are; zero length: not there.
  std::uint16_t stamp_at = 0, stamp_length = 0;
  std::uint16_t extra_at = 0, extra_length = 0;  // a relay's token between stamp and host (H12)
  std::uint16_t host_at = 0, host_length = 0;    // the token as it stands, "host/ip" included
  std::uint16_t body_at = 0;                     // first byte behind the header: "THOR: ", "CEF:", the tag, "{"

  bool is_start() const noexcept { return rule != StartRule::none; }
  // Strong starts end a held head of cut size; weak ones may be text of a value.
  bool is_strong() const noexcept {
    return rule == StartRule::s1 || rule == StartRule::s2 || rule == StartRule::s3 || rule == StartRule::s4 ||
           rule == StartRule::s6;
  }
};

// Linear in the header only: never looks further than about 400 bytes. `bytes` may be any bytes.
Start test_start(std::string_view bytes) noexcept;

// A zone for stamps without one. Made once from the configuration ("UTC", "+02:00", "Europe/Berlin").
class TimeZone {
 public:
  // nullptr when the name is unknown.
  static std::unique_ptr<TimeZone> make(std::string_view name);
  virtual ~TimeZone() = default;
  // Nanoseconds since 1970 in UTC of a local time given as if it were UTC.
  virtual std::int64_t to_utc(std::int64_t local) const noexcept = 0;
};

// What a stream has taught about where its scan id stands, and which scan is open on it (specs 2, "Scan id").
// One for each stream and header host; 128 bytes at most; copied ids longer than its room are not remembered.
class ScanMemory {
 public:
  std::string_view open_scan() const noexcept { return {id_, length_}; }
  void remember(std::string_view id) noexcept;
  void learn_position(std::uint8_t position) noexcept { position_ = position; }
  // 0: not learnt; 1 after MODULE, 2 after MESSAGE, 3 last, 4: this THOR writes none (--noscanid).
  std::uint8_t position() const noexcept { return position_; }

 private:
  std::uint8_t length_ = 0;
  std::uint8_t position_ = 0;
  char id_[118] = {};  // usual ones share a cache line with the rest
};

struct ParseContext {
  std::int64_t received = 0;             // ns since 1970: year-less stamps take the year nearest to it
  const TimeZone* zone = nullptr;        // nullptr: UTC
  const TimeZone* agent_zone = nullptr;  // of agent lines without a zone of their own
  bool short_hostname = true;            // canonical host = before the first dot
  bool cut = false;                      // the line's end is missing: its last token is no scan id
  ScanMemory* memory = nullptr;          // may be null
  std::string_view peer_host;            // the peer's address, for lines that name no host
};

class LineParser {
 public:
  LineParser();
  ~LineParser();
  LineParser(const LineParser&) = delete;
  LineParser& operator=(const LineParser&) = delete;

  // Fills `event` (all of it but group_id). `raw` needs kReadAhead readable bytes behind it. Views of values that had
  // to be unescaped or lower-cased point into this parser and are valid until its next call. Never fails: a line that
  // is nothing known is of kind syslog.
  void parse(std::string_view raw, const Start& start, const ParseContext& context, Event& event);

 private:
  struct Scratch;
  std::unique_ptr<Scratch> scratch_;
};

// The THOR fields of a line in order, the first kMostFields of them, repeated keys as KEY_2, KEY_3; key and value are
// valid during the call only. `value_is_json` says that the value is a JSON value as it stands in the line (objects,
// numbers, escaped strings).
using FieldSink = std::function<void(std::string_view key, std::string_view value, bool value_is_json)>;
inline constexpr std::size_t kMostFields = 4096;  // a hostile line can hold a million
void for_each_field(const Event& event, const FieldSink& sink);

}  // namespace thorlog
