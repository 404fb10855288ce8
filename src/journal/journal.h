// The journal: what thorlogd has promised to remember (specs.md 1, docs/journal-format.md). Append-only, checksummed,
// segmented. The log thread appends; each consumer reads with a JournalReader of its own and keeps a Cursor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/durability.h"
#include "base/file.h"
#include "journal/batch.h"
#include "thorlog/result.h"

namespace thorlog {

struct JournalOptions {
  std::string folder;  // STATE/journal
  std::uint64_t segment_bytes = 64U << 20;
  std::uint64_t max_bytes = 10ULL << 30;
  Durability durability = Durability::os;
  std::int64_t retain = 86'400'000'000'000;  // ns; acknowledged segments are kept this long while there is room
  std::size_t cache_bytes = 16U << 20;       // of recent batches shared with consumers near the end
  std::string cursors;                       // folder of the cursor files; empty: "cursors" beside `folder`
  bool background = true;                    // false: what the sync thread does happens inside the calls (tests)
};

// A place between two records: the next record to read has this sequence number or a higher one.
struct Position {
  std::uint64_t offset = 0;
  std::uint64_t seq = 0;
};

struct JournalState {            // one consistent snapshot
  Position first;                // oldest record that can still be read
  Position end;                  // next record's place
  Position next_segment;         // first record of the second oldest segment: what drop_oldest outputs skip to
  std::uint64_t synced_seq = 0;  // records before it are as durable as configured
  std::uint64_t stored = 0;   // records since the journal was made (= end.seq - first number, damaged ones included)
  std::uint64_t bytes = 0;    // on disk
  std::uint64_t damaged = 0;  // records lost to damage, found at recovery or while reading
  bool full = false;
  bool failed = false;
};

// Numbers that can't be read any more; what else is missing in a range is damaged.
struct Missing {
  std::uint64_t expired = 0;        // removed after `retain`, or to make room
  std::uint64_t lost_in_crash = 0;  // the tail that a crash took
};

// Whose records these are. internal (detections, audit, life) find room in a reserved segment when the rest is full.
enum class Room : std::uint8_t { inputs, internal };

// The records that were received within some time all lie between these two, among others.
struct TimeRangePlaces {
  Position from;
  std::uint64_t end_seq = 0;
};

class Journal {
 public:
  // Takes the flock of the state folder, recovers, starts a new segment (and the sync thread with durability: disk).
  // Errors say what to do: busy (another thorlogd runs here), config (network file system), io, disk_full.
  static Result<std::unique_ptr<Journal>> open(FileSystem& files, const Clock& clock, JournalOptions options);
  ~Journal();

  // Log thread. Gives each batch its offsets and numbers, writes them, publishes. Errors: disk_full (nothing of these
  // batches is stored, try again when has_space()), io (failed). A batch that was refused may be offered again. The
  // batches of one call must have their place within one segment, so a call should carry a few MiB at most.
  Status append(std::span<const BatchRef> batches, Room room = Room::inputs);
  // False after append() gave disk_full, until tend() found room again (on_progress is called then). Any thread.
  bool has_space() const noexcept;
  // Log time: moves with the steady clock within a life, never runs backwards, not even over a restart. Log thread.
  std::int64_t log_time() const noexcept;
  // Random for each start; part of the life records. Any thread.
  std::uint64_t life() const noexcept;
  // Log thread, now and then (each 100 ms at least): seals, removes segments that may go, notices that space came
  // back. `acknowledged`: the lowest cursor of all outputs; `pinning` is only for the log line that names who holds
  // it up.
  void tend(Position acknowledged, std::string_view pinning);
  // Seals and syncs. After it nothing may be appended.
  Status close();

  std::uint64_t checksum_seed() const noexcept;  // for Batch::make
  std::string uuid() const;                      // the journal_id as text
  JournalState state() const;                    // any thread
  // Why the numbers in [from_seq, to_seq) that no reader was given are missing. Any thread.
  Missing missing(std::uint64_t from_seq, std::uint64_t to_seq) const;
  // The beginning of the segment that holds this offset, or of the oldest one: where to look for a record by its id.
  // Any thread.
  Position place_before(std::uint64_t offset) const;
  // Where to look for what was received between the two (ns since 1970, both included): whole segments. Any thread.
  TimeRangePlaces places_of(std::int64_t since, std::int64_t until) const;
  // Called on the log thread after each publish and when space came back, and on the sync thread when synced_seq
  // moved. Set it before the first append.
  void on_progress(std::function<void()> wake);

  // The number of a name (of an input), remembered for ever in journal/NAMES; 0 is "internal". Any thread, rare.
  Result<std::uint16_t> number_of(std::string_view name);
  std::string name_of(std::uint16_t number) const;

 private:
  friend class JournalReader;
  friend class Cursor;
  struct State;
  explicit Journal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Reads from a position on (its seq counts; the offset is a hint): from the shared recent batches when near the end,
// else from the disk in large reads. One consumer's thread. The journal must outlive it.
class JournalReader {
 public:
  JournalReader(Journal& journal, Position from);
  ~JournalReader();

  // The next batch that holds records at or after the position; empty when everything was read. The first batch after
  // the start or seek(to) may begin before it: skip records with seq() < to.seq. What can't be read any more
  // (damaged, expired, lost in a crash: Journal::missing) is skipped: a jump in seq. Errors: io; the next call tries
  // again.
  Result<BatchRef> next();
  // Behind the last batch given, or behind what was skipped at the end.
  Position position() const noexcept;
  void seek(Position to);
  // Only records that are as durable as configured are given when true.
  void only_synced(bool on);
  // For who wants a batch or two: smaller reads.
  void read_little();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace thorlog
