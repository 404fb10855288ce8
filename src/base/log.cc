#include "base/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <mutex>
#include <unordered_map>

namespace thorlog {
namespace {

constexpr std::int64_t kQuietSeconds = 60;
constexpr std::size_t kMaxPlaces = 4096;  // subjects come from outside (peers): bounded

struct Held {
  std::int64_t since = 0;
  std::uint64_t count = 0;
};

struct Logger {
  std::mutex mutex;  // guards everything here, and keeps lines whole
  LogOptions options;
  LogCapture capture = nullptr;
  void* context = nullptr;
  std::unordered_map<std::string, Held> held;
};

Logger& logger() {
  static Logger instance;
  return instance;
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::debug:
      return "debug";
    case Severity::info:
      return "info";
    case Severity::notice:
      return "notice";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
    case Severity::critical:
      return "critical";
  }
  return "info";
}

// One physical line and nothing that a terminal would act on, whatever a peer put into a name.
void append_printable(fmt::memory_buffer& out, std::string_view text, bool json) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      if (json) {
        fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
      } else {
        fmt::format_to(std::back_inserter(out), "\\x{:02X}", byte);
      }
    } else {
      if (json && (c == '"' || c == '\\')) out.push_back('\\');
      out.push_back(c);
    }
  }
}

void append(fmt::memory_buffer& out, std::string_view text) { out.append(text.data(), text.data() + text.size()); }

void append_now(fmt::memory_buffer& out) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  char stamp[40];
  const std::size_t length = std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  append(out, {stamp, length});
  fmt::format_to(std::back_inserter(out), ".{:03}Z", now.tv_nsec / 1'000'000);
}

void write_line(Logger& to, Severity severity, std::string_view subject, std::string_view text) {
  fmt::memory_buffer out;
  if (to.options.journald) fmt::format_to(std::back_inserter(out), "<{}>", static_cast<int>(severity));
  if (to.options.json) {
    append(out, "{\"time\":\"");
    append_now(out);
    fmt::format_to(std::back_inserter(out), "\",\"level\":\"{}\",\"subject\":\"", name_of(severity));
    append_printable(out, subject, true);
    append(out, "\",\"message\":\"");
    append_printable(out, text, true);
    append(out, "\"}");
  } else {
    if (!to.options.journald) {
      append_now(out);
      fmt::format_to(std::back_inserter(out), " {:<8} ", name_of(severity));
    }
    append_printable(out, subject, false);
    append(out, ": ");
    append_printable(out, text, false);
  }
  if (to.capture != nullptr) {
    to.capture(severity, {out.data(), out.size()}, to.context);
    return;
  }
  out.push_back('\n');
  // A log that can't be written has nobody to tell.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, out.data(), out.size());
}

std::int64_t seconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

}  // namespace

void configure_log(const LogOptions& options) {
  Logger& to = logger();
  const std::lock_guard lock(to.mutex);
  to.options = options;
}

bool stderr_is_journald() noexcept {
  const char* stream = std::getenv("JOURNAL_STREAM");
  if (stream == nullptr) return false;
  struct stat st {};
  if (::fstat(STDERR_FILENO, &st) != 0) return false;
  return fmt::format("{}:{}", st.st_dev, st.st_ino) == stream;
}

void log(Severity severity, std::string_view subject, std::string_view text) {
  Logger& to = logger();
  const std::lock_guard lock(to.mutex);
  if (severity > to.options.level) return;
  write_line(to, severity, subject, text);
}

void log_limited(Severity severity, std::string_view place, std::string_view subject, std::string_view text) {
  Logger& to = logger();
  const std::lock_guard lock(to.mutex);
  if (severity > to.options.level) return;
  if (to.held.size() >= kMaxPlaces) to.held.clear();
  Held& held = to.held[fmt::format("{}\n{}", place, subject)];
  const std::int64_t now = seconds_now();
  if (held.since != 0 && now - held.since < kQuietSeconds) {
    ++held.count;
    return;
  }
  if (held.count > 0) {
    write_line(to, severity, subject, fmt::format("{} ({} more like this in the last minutes)", text, held.count));
  } else {
    write_line(to, severity, subject, text);
  }
  held = {now, 0};
}

void capture_log(LogCapture capture, void* context) {
  Logger& to = logger();
  const std::lock_guard lock(to.mutex);
  to.capture = capture;
  to.context = context;
}

}  // namespace thorlog
