// Lines that say that a machine starts or stops (domain notes 6). Kind os is for evidence only; what else a kernel or
// a service writes is syslog.
#include <algorithm>

#include "thor/lex.h"
#include "thor/parse_work.h"

namespace thorlog {
namespace {

using lex::starts_with;

// Without "[    0.000000] ", which journald leaves out.
std::string_view without_uptime(std::string_view text) noexcept {
  if (!starts_with(text, "[")) return text;
  std::size_t at = 1;
  while (at < text.size() && (lex::is_digit(text[at]) || text[at] == '.' || text[at] == ' ')) ++at;
  return starts_with(lex::from(text, at), "] ") ? lex::from(text, at + 2) : text;
}

bool begins_with_one_of(std::string_view text, std::initializer_list<std::string_view> heads) noexcept {
  return std::any_of(heads.begin(), heads.end(), [text](std::string_view head) { return starts_with(text, head); });
}

bool is_target(std::string_view text) noexcept {
  if (!starts_with(text, "Reached target ")) return false;
  return begins_with_one_of(
      lex::from(text, 15), {"System Reboot", "System Shutdown", "System Power Off", "System Halt", "Reboot via kexec",
                            "reboot.target", "shutdown.target", "poweroff.target", "halt.target", "kexec.target",
                            "Shutdown", "Reboot", "Power-Off", "Halt"});
}

bool is_rsyslog(std::string_view text) noexcept {
  if (!starts_with(text, "[origin software=\"rsyslogd\"")) return false;
  const std::size_t end = text.find("] ");
  return end != std::string_view::npos &&
         begins_with_one_of(lex::from(text, end + 2), {"exiting on signal", "start"});
}

}  // namespace

bool is_os_evidence(const Event& event) noexcept {
  const std::string_view program = event.app_name;
  const std::string_view text = event.message;
  if (program.empty()) return false;
  switch (program[0]) {
    case 'k':
      return program == "kernel" && begins_with_one_of(without_uptime(text), {"Linux version ", "Command line: "});
    case 's':
      if (program == "systemd") return is_target(text);
      if (program == "systemd-logind")
        return begins_with_one_of(text, {"System is rebooting", "System is powering down", "System is halting",
                                         "System is going down", "The system will "});
      if (program == "systemd-shutdown") return true;
      if (program == "systemd-journald") return begins_with_one_of(text, {"Journal started", "Journal stopped"});
      return program == "shutdown" && starts_with(text, "shutting down for");
    case 'r':
      return program == "rsyslogd" && is_rsyslog(text);
    // NXLog's BSD form has no event id: whatever these providers of Windows say is looked at.
    case 'E':
      return program == "EventLog" || program == "Eventlog";
    case 'U':
      return program == "User32" || program == "USER32";
    case 'B':
      return program == "BugCheck";
    case 'M':
      return starts_with(program, "Microsoft-Windows-");
    default:
      return false;
  }
}

}  // namespace thorlog
