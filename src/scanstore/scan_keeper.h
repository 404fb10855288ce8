// Drives the scan watch over the journal and keeps what it finds: batches in, commits to the store, detections into
// the journal exactly once (specs 3, rules 7 and 8). No thread, no wait: the pipeline's scan thread calls it, and so
// do tests.
//
// How a detection gets into the journal once: it is committed to the store's outbox together with the cursor that is
// behind its cause; then it is handed to the log thread; when its record is read back here, the outbox lets go of it.
// After a restart nothing is handed over before everything that was in the journal has been read: a record that is
// there takes its entry out of the outbox first. (Reading begins at the committed cursor. A record that lies before
// it was read and marked by an earlier commit, so the outbox's floor is never behind the cursor.)
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"
#include "scanstore/scan_store.h"
#include "thorlog/identity.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

// One look at the watch, for metrics and status. Any thread gets a copy.
struct ScanWatchView {
  bool running = false;
  ScanWatchCounters counters;
  Position position;         // read up to here
  std::uint64_t outbox = 0;  // detections that are not in the journal yet
  std::string trouble;       // why nothing is committed; empty: all is well
};

class ScanKeeper final : private ScanSink {
 public:
  struct Environment {
    Journal& journal;
    const Clock& clock;
    ScanStore& store;
    std::function<void(DetectionRecord)> append;         // hands it to the log thread
    std::function<void(const std::string& key)> stored;  // it was read back
    std::function<std::shared_ptr<const AssetTable>()> assets;
    std::function<bool(std::uint16_t input)> trusted;  // the input says trust: thorlogd
  };
  ScanKeeper(Environment environment, const ScanOptions& options, std::shared_ptr<const RuleSet> rules);
  ~ScanKeeper() override;

  // Once: loads what the store holds. `log_end`: what lies before it in the journal must be read before anything is
  // appended.
  Status load(Position log_end);
  // Where reading begins.
  Position start() const noexcept { return counted_; }

  // The next batch of the journal.
  void take(const Batch& batch);
  // Everything stored before this log time was given to take().
  void advance(std::int64_t log_time);
  // True when a commit should be made now: a finding waits, a second or 50 000 records have passed.
  bool commit_due() const noexcept;
  // `everything`: with all counts, whatever it costs; before a stop.
  // After an error the keeper is of no use any more: make a new one, which begins where the store is.
  Status commit(bool everything);

  void deaf(std::uint16_t input, std::int64_t from, std::int64_t to) { watch_.deaf(input, from, to); }
  void acknowledge(std::string key, std::string by);
  void set_options(const ScanOptions& options) { watch_.set_options(options); }
  void set_rules(std::shared_ptr<const RuleSet> rules) { watch_.set_rules(std::move(rules)); }
  void prune(std::int64_t before);

  Position position() const noexcept { return position_; }
  // The journal must keep everything from here on. What it lets go of before that may be missing in counts after a
  // crash, and in nothing else.
  Position settled() const noexcept { return settled_; }
  ScanWatchView view() const;              // looks at every scan in memory
  void glance(ScanWatchView& view) const;  // all but the counters
  std::int64_t next_due() const noexcept { return watch_.next_due(); }

 private:
  void on_detection(const Detection& detection) override;
  void on_run_over(const ScanRow& row) override;
  void on_dark_peer(std::string_view peer, bool dark) override;
  std::string_view asset_label(std::string_view host, std::string_view full_name, std::string_view ip,
                               bool& mapped) override;
  bool recall(std::string_view host, std::string_view scan_id, std::string& state_blob) override;
  bool fetch(RecordId id, Evidence& evidence) override;
  void on_scan(const ScanRow& row) override;
  void on_asset(const AssetRow& row) override;
  void on_state(std::string_view key, std::string_view blob) override;

  // A record of the batch in hand that was read and is to be seen.
  struct Ahead {
    Record record;
    RecordId id;
    std::uint64_t seq = 0;
  };
  void take_all(const Batch& batch);
  void take_hinted(const Batch& batch, std::span<const RecordHint> hints);
  std::span<const RecordHint> read_hints(const Batch& batch);
  void see(const Ahead& next, std::int64_t stored);
  void note_own_detection(const Record& record, RecordId id, std::uint64_t seq);
  void begin();
  void hand_over();
  Position hint_for(std::uint64_t offset) const;

  Environment env_;
  ScanWatch watch_;
  Position position_;     // behind the last record taken
  Position settled_;      // up to here all is decided and in the store
  Position counted_;      // up to here all counts are in the store
  Position log_end_;      // of the earlier lives
  Position seen_before_;  // records before it were seen by an earlier life
  std::int64_t log_time_ = 0;
  std::shared_ptr<const AssetTable> assets_;    // of this batch, so that labels stay valid
  std::array<Ahead, ScanWatch::kAhead> ahead_;  // a ring; empty between two batches
  std::size_t ahead_read_ = 0, ahead_seen_ = 0;
  std::vector<RecordHint> hints_;  // of a batch that had none
  BatchRef fetched_;  // the last that was looked into for evidence: who fell silent together spoke together
  std::deque<Position> places_;  // of the last batches taken, to find a line for evidence

  bool begun_ = false;         // a transaction is open; it stays so from the first change to the commit
  std::uint64_t records_ = 0;  // since the last commit
  bool found_ = false;         // a detection waits for it
  bool marked_ = false;        // it takes something out of the outbox

  std::vector<DetectionRecord> to_append_;   // in the transaction, or in earlier ones and not handed over yet
  std::unordered_set<std::string> waiting_;  // keys in the outbox
  bool caught_up_ = false;                   // log_end_ was reached
  std::int64_t next_commit_ = 0;             // steady
  std::int64_t next_counts_ = 0;
  bool sweeping_ = false;  // counts are being written, and are true up to here when it is over
  Position sweep_from_;
};

}  // namespace thorlog
