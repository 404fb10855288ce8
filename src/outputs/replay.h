// A replay as values: what was asked for, and how far it has got. Kept in STATE/replays/OUTPUT.json, so that it goes
// on after a restart. Any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "journal/journal.h"

namespace thorlog {

struct ReplayRequest {
  std::int64_t since = 0;  // of `received`, ns since 1970
  std::int64_t until = std::numeric_limits<std::int64_t>::max();
  std::string scan;           // scan id; empty: any
  std::string asset;          // asset id or host name, compared in lower case; empty: any
  std::uint64_t rate = 5000;  // records a second at most
};

enum class ReplayState : std::uint8_t { none, running, done, cancelled };
std::string_view name_of(ReplayState state) noexcept;

struct ReplayProgress {
  ReplayState state = ReplayState::none;
  ReplayRequest request;
  std::uint64_t first_seq = 0;  // it began here, ...
  std::uint64_t end_seq = 0;    // ... ends here, ...
  Position position;            // ... and what is before this place has arrived, or was not asked for
  std::uint64_t sent = 0;       // handed to the target; some may be sent again after a broken connection
  std::uint64_t acknowledged = 0;
  std::uint64_t refused = 0;  // by the target, for good; they are not parked: they lie in the journal
  std::string answer;         // the target's last word on one of those
  std::int64_t started = 0;   // wall clock
  std::int64_t ended = 0;
  // Dead letters that wait for their next try, and what became of those that had one, since the process started.
  std::uint64_t letters_waiting = 0;
  std::uint64_t letters_delivered = 0;
  std::uint64_t letters_refused = 0;
};

std::string replay_json(const ReplayProgress& progress);
// Nothing: it makes no sense.
std::optional<ReplayProgress> parse_replay(std::string_view json);

}  // namespace thorlog
