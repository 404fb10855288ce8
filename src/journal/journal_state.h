// The insides of the journal: journal.cc opens and closes it, append.cc fills it, room.cc finds room.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "journal/journal.h"
#include "journal/keeper.h"
#include "journal/layout.h"
#include "journal/names.h"
#include "journal/next_segment.h"
#include "journal/recovery.h"
#include "journal/segment.h"
#include "journal/shared_log.h"
#include "journal/written_pages.h"

namespace thorlog {

struct Journal::State {
  State(FileSystem& file_system, const Clock& the_clock, JournalOptions the_options);

  // journal.cc, before the first append.
  Status open();
  Status prepare_folders();
  Status load_identity();
  Status make_identity(const Uuid& uuid);
  Status recover_segments();
  Status start();
  Status close();

  // append.cc, log thread.
  Status append(std::span<const BatchRef> batches, Room room);
  Status write(std::span<const BatchRef> batches, Room room);
  Status write_failed(std::span<const BatchRef> batches, Room room, Error error);
  void remember_unsynced(std::span<const BatchRef> batches);
  void recycle_pages();
  Status begin_segment(MadeSegment made);
  void seal_open();
  void seal(std::shared_ptr<Segment> sealing, std::shared_ptr<File> its_file, std::uint64_t from);
  SegmentHeader next_header(std::uint64_t bytes) const;
  std::int64_t log_time() const noexcept;

  // trouble.cc, log thread.
  void tell_trouble(const Error& error, std::shared_ptr<File> of = nullptr);  // any thread
  Status first_trouble(const std::string& why);
  Status leave_failed_file();
  Status leave_failed_file_now();
  Result<MadeSegment> make_replacement(Position good, std::uint64_t replaced_base, std::uint64_t bytes);
  Status move_to(MadeSegment made, Position good);
  void seal_skipped();

  // room.cc, log thread.
  Status make_room(std::uint64_t batch_bytes, Room room);
  Result<MadeSegment> next_made_segment(std::uint64_t bytes);
  Status refuse();
  void tend(Position acknowledged, std::string_view pinning);
  void remove_expired();
  void remove_empty();
  void remove_file(const std::string& path);
  bool remove_acknowledged();
  bool fits_in_limit(std::uint64_t bytes) const;
  void make_ready();
  void update_books();
  void say_full(std::string_view pinning) const;

  // Sync thread.
  void write_back(const WrittenPages& pages);
  void forget_when_passed(WrittenPages pages);
  void on_synced(const Status& status, Position upto);
  void set_failed(const Error& error);
  void wake_up() const;

  FileSystem& files;
  const Clock& clock;
  JournalOptions options;
  std::string partition_folder;
  std::string quarantine;
  std::uint64_t offset_floor = 0;  // from the cursors: offsets and numbers up to here may have been given out
  std::uint64_t seq_floor = 0;

  std::unique_ptr<FolderLock> lock;
  Uuid id{};
  Checksum checksum;
  std::uint64_t life = 0;
  Uuid boot{};
  std::unique_ptr<Names> names;
  std::function<void()> wake;
  std::atomic<bool> full{false};
  std::atomic<bool> failed{false};
  std::atomic<bool> in_trouble{false};  // a sync or write failed: the log thread must go on in another file
  std::mutex trouble_mutex;             // guards what follows
  std::string trouble;
  std::shared_ptr<File> failed_file;  // the one it is about, where that may be the open one
  struct Unsealed {
    std::shared_ptr<Segment> segment;
    std::shared_ptr<File> file;
  };
  std::vector<Unsealed> skipped_seals;  // that came up while nothing was synced
  SharedLog shared;

  // Log thread only.
  std::shared_ptr<Segment> segment;  // the open one; none while there is no room for one
  std::shared_ptr<File> file;        // of it
  std::uint64_t pages_from = 0;      // in the file: from here on nothing was written back yet
  std::uint64_t next_base = 0;       // of the segment after it
  std::uint64_t next_seq = kFirstSeq;
  std::uint64_t log_end_seq = kFirstSeq;  // at recovery, before jumping over the cursors' numbers
  std::int64_t last_stored = 0;
  std::int64_t log_time_base = 0;  // log time = base + steady clock
  std::uint64_t acknowledged_seq = 0;
  std::int64_t retry_at = 0;       // steady; after the disk was full
  std::uint64_t wanted_bytes = 0;  // of the segment that could not be had
  std::deque<BatchRef> unsynced;   // durability disk: in memory until they are on the disk
  std::uint64_t unsynced_bytes = 0;
  std::optional<std::int64_t> left_file_at;  // steady; when a file was given up last
  bool open_file_failed = false;             // a write to it did
  bool moving = false;                       // it is given up, and there is no room yet for another one
  bool closed = false;
  std::vector<iovec> parts;

  PagesToForget pages_to_forget;  // keeper's thread only

  // Last: their thread uses the rest, so they go first.
  std::unique_ptr<Keeper> keeper;
  std::unique_ptr<NextSegment> next;
};

}  // namespace thorlog
