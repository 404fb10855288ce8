// A cursor: how far one output has got, and its books for its whole life. STATE/cursors/NAME.cur, two 4 KiB slots
// written in turn, the highest valid generation wins (specs.md 1). Owned by the output's thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/file.h"
#include "journal/journal.h"

namespace thorlog {

// Reasons for which an output leaves a record out; the order is stored, add at the end.
enum class DropReason : std::uint8_t {
  expired,
  damaged,
  removed,
  lost_in_crash,
  parked,
  full,
  max_lag,
  oversize,
  count
};
std::string_view name_of(DropReason reason) noexcept;

struct CursorBooks {
  std::uint64_t start_seq = 0;  // stored since its start = acknowledged + filtered + pending + dropped
  std::uint64_t acknowledged = 0;
  std::uint64_t filtered = 0;
  std::array<std::uint64_t, static_cast<std::size_t>(DropReason::count)> dropped{};
  std::uint64_t dropped_total() const noexcept;
};

class Cursor {
 public:
  enum class Start : std::uint8_t { now, oldest };

  // Loads it, or makes it when new. Lost, corrupt, ahead or behind is said in the log and counted as specified.
  static Result<std::unique_ptr<Cursor>> open(FileSystem& files, const Clock& clock, const std::string& folder,
                                              const std::string& output, const Journal& journal, Start start);

  Position position() const noexcept;  // everything before it is settled
  const CursorBooks& books() const noexcept;

  // Settles everything before `to`: of these records `acknowledged` were delivered, `filtered` left out by match, the
  // rest of the numbers in between (damaged or missing) dropped with `reason`. Memory only; save() writes.
  void settle(Position to, std::uint64_t acknowledged, std::uint64_t filtered);
  // As settle, with records dropped for one reason.
  void drop(Position to, DropReason reason, std::uint64_t records);

  // Writes a slot when something changed and 10 ms have passed since the last time; syncs each second; `now` forces
  // both.
  Status save(bool now = false);

 private:
  struct State;
  explicit Cursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;

 public:
  ~Cursor();
};

}  // namespace thorlog
