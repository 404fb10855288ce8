// What the scan watch knows, on disk: STATE/scans/scans.db, SQLite. Scans, runs, assets, detections, and the outbox
// of detections that are not in the journal yet, together with the place in the journal up to which all of it is true
// (specs 3, rules 7 and 8). One writer, on the scan watch's thread; readers have connections of their own
// (scan_queries.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "journal/journal.h"
#include "scanstore/database.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

// How far the store is true.
struct ScanMarks {
  Position seen;     // every record before it was seen
  Position counted;  // and before this one, every count was written too; never behind `seen`
  std::int64_t log_time = 0;
};

// A detection on its way into the journal.
struct DetectionRecord {
  std::string key, json, summary, host, scan_id, group_id;
  Level level = Level::info;
  std::uint32_t flags = 0;
};
// What the journal is to keep of it, but for the time; it looks into `detection`.
Record record_of(const DetectionRecord& detection);

class ScanStore {
 public:
  static std::string path_in(const std::string& state_folder) { return state_folder + "/scans/scans.db"; }

  // Makes it when it is new. One that can't be read, or that belongs to another journal, is set aside (`.bad`,
  // `.other`), which is said in the log: the journal tells its content again. Errors: io, disk_full.
  static Result<std::unique_ptr<ScanStore>> open(FileSystem& files, const std::string& state_folder,
                                                 const std::string& journal_id);
  ~ScanStore();

  // True: nothing was ever committed.
  bool is_new() const noexcept;
  const ScanMarks& marks() const noexcept;

  // One transaction. Between begin() and commit() nothing of it can be seen by others. The first error of the steps
  // in between is that of commit(), which then undoes them all: see it all again, or try later.
  void begin();
  void put_scan(const ScanRow& row);
  void put_run(const ScanRow& row);
  void put_asset(const AssetRow& row);
  void put_state(std::string_view key, std::string_view blob);  // an empty blob removes the row
  // A new finding goes into the outbox, too: true. One whose key is known changes nothing: false.
  bool put_detection(const Detection& detection, std::uint64_t floor_seq);
  // It was read back from the journal: that is its event, and it leaves the outbox.
  void mark_stored(const DetectionRecord& record, RecordId id, std::uint64_t seq, std::int64_t received);
  void acknowledge(std::string_view key, std::int64_t when, std::string_view by);
  Status commit(const ScanMarks& marks);

  // After a start.
  Status load(const std::function<void(std::string_view blob)>& scan,
              const std::function<void(std::string_view blob)>& asset,
              const std::function<void(std::string_view key, std::string_view blob)>& state);
  // Detections that wait for their place in the journal, oldest first.
  Result<std::vector<DetectionRecord>> outbox();
  bool recall(std::string_view host, std::string_view scan_id, std::string& blob);
  // Removes closed scans, their runs, and detections older than that, some at a time. False: nothing is left to do.
  Result<bool> prune(std::int64_t before);

 private:
  struct State;
  explicit ScanStore(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace thorlog
