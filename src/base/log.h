// The daemon's own log: lines on standard error, with journald's level prefixes ("<6>") when it reads them, else with
// a stamp; or JSON. Any thread. A place that can be hit by outsiders' doing uses log_limited(): one line for each
// place, subject (peer) and minute, with the number of those held back; never a flood.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace thorlog {

enum class Severity : std::uint8_t { debug = 7, info = 6, notice = 5, warning = 4, error = 3, critical = 2 };

struct LogOptions {
  Severity level = Severity::info;
  bool json = false;
  bool journald = false;  // prefixes in place of stamps
};
void configure_log(const LogOptions& options);
// True when standard error is journald's socket (systemd.exec(5): JOURNAL_STREAM).
bool stderr_is_journald() noexcept;

// One line; control characters in `text` are escaped. `subject` names what it is about: "input tcp", "journal".
void log(Severity severity, std::string_view subject, std::string_view text);

// At most one line for each (place, subject) and minute. The count of those held back is said with the next one.
void log_limited(Severity severity, std::string_view place, std::string_view subject, std::string_view text);

// Where lines go in tests instead of standard error; nullptr: standard error again.
using LogCapture = void (*)(Severity, std::string_view line, void* context);
void capture_log(LogCapture capture, void* context);

}  // namespace thorlog
