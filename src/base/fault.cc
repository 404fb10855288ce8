// Fault points of the real file system: off unless THORLOG_FAULT is set, one predictable branch then.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>

#include "base/file.h"
#include "base/log.h"

namespace thorlog {
namespace {

enum class Action : std::uint8_t { none, crash, eio, enospc };

struct Armed {
  std::atomic<std::uint64_t> left{0};
  std::atomic<Action> action{Action::none};
};

constexpr std::size_t kPoints = static_cast<std::size_t>(FaultPoint::count);
constexpr std::array<std::string_view, kPoints> kNames = {
    "none",          "seg_create",    "seg_fallocate", "seg_header",  "dir_sync",    "batch_write", "batch_short",
    "sync",          "publish",       "seal",          "cursor_slot", "cursor_sync", "ack_peer",    "park_write",
    "outbox_commit", "outbox_append", "outbox_mark",   "unlink",      "ledger_mark", "rename_ok"};

std::array<Armed, kPoints> armed;
std::atomic<bool> any_armed{false};

void arm(std::string_view entry) {
  const std::size_t first = entry.find(':');
  const std::size_t second = entry.find(':', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return;
  const std::string_view name = entry.substr(0, first);
  const std::string_view action = entry.substr(second + 1);
  std::uint64_t count = 0;
  std::from_chars(entry.data() + first + 1, entry.data() + second, count);
  for (std::size_t i = 0; i < kPoints; ++i) {
    if (kNames[i] != name) continue;
    armed[i].action = action == "eio" ? Action::eio : action == "enospc" ? Action::enospc : Action::crash;
    armed[i].left = count;
    any_armed = true;
  }
}

}  // namespace

std::string_view name_of(FaultPoint point) noexcept { return kNames[static_cast<std::size_t>(point)]; }

bool faults_armed() noexcept { return any_armed.load(std::memory_order_relaxed); }

void arm_faults_from_environment() {
  const char* text = std::getenv("THORLOG_FAULT");
  if (text == nullptr) return;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    arm(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  log(Severity::warning, "faults", fmt::format("armed from the environment: {}", text));
}

Status hit_fault(FaultPoint point) {
  if (!any_armed.load(std::memory_order_relaxed)) return ok();
  Armed& here = armed[static_cast<std::size_t>(point)];
  const Action action = here.action;
  if (action == Action::none || here.left.load() == 0 || --here.left != 0) return ok();
  switch (action) {
    case Action::crash:
      std::raise(SIGKILL);
      break;
    case Action::eio:
      return fail({Errc::io, fmt::format("fault {}", name_of(point)), EIO});
    case Action::enospc:
      return fail({Errc::disk_full, fmt::format("fault {}", name_of(point)), ENOSPC});
    case Action::none:
      break;
  }
  return ok();
}

}  // namespace thorlog
