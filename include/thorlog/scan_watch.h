// The scan watch: knows from the lines alone when a scan started, was interrupted, resumed, died or ended, and why.
// Pure: no I/O, no clock, no thread of its own. One thread uses it. Records come in the order of the journal, time is
// log time (ns; it never runs backwards and moves while nobody writes). The same records give the same detections,
// with the same keys, however they were divided among calls, commits and restarts.
// Source: specs 3, domain notes 5 and 6, the contract (detections, scans). What it decides: docs/scans.md.
//
// How a store drives it, for each portion of the journal:
//   watch.see(record) for each record in order; watch.advance(W) once no older record is unread; and for each commit:
//   watch.collect(...) in one transaction with the detections that came since the last one, the cursor and W.
// After a restart: make a ScanWatch, load_state/load_asset/load_scan with every row that is not `closed`, then go on
// with the record behind the committed cursor. Detections may come again for records that are read again; their keys
// are the same, so INSERT OR IGNORE is all that is needed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/record.h"
#include "thorlog/record_hint.h"

namespace thorlog {

class RuleSet;  // src/scans/rules.h

// Times in ns. The keys of the configuration's `scans:`.
struct ScanOptions {
  std::int64_t silence_suspect = 1'800'000'000'000;
  std::int64_t silence_lost = 21'600'000'000'000;
  std::int64_t interrupt_grace = 60'000'000'000;
  std::int64_t start_merge = 120'000'000'000;
  std::int64_t resume_window = 604'800'000'000'000;
  std::int64_t asset_silent = 2'592'000'000'000'000;
  std::uint32_t max_resumes = 5;
  std::uint32_t max_scans = 200'000;  // held in memory; more are counted as untracked
  std::uint32_t max_scans_per_peer = 2'000;
  // An analysis of files: a file that ends says nothing about why, nor about whoever sent it.
  bool files = false;
};

enum class ScanState : std::uint8_t {
  starting,
  running,
  reduced,
  stopping,
  suspect,
  interrupted,
  aborted,
  completed,
  exhausted,
  lost
};
std::string_view name_of(ScanState state) noexcept;  // the contract's word

// The contract's types, then those of user rules (`custom`: Detection::type names it).
enum class DetectionType : std::uint8_t {
  scan_started,
  scan_finished,
  scan_resumed,
  orderly_restart,
  disorderly_restart,
  restart_loop,
  scan_aborted,
  log_reduced,
  scan_suspect,
  scan_recovered,
  scan_lost,
  resume_limit_near,
  resume_exhausted,
  completion_unknown,
  interrupt_ignored,
  asset_booted,
  asset_silent,
  agent_error,
  custom
};
std::string_view name_of(DetectionType type) noexcept;  // "custom" for custom

// Where a record is in the journal (or in a file, for an analysis): what `id` of an event is made of.
struct RecordId {
  std::uint32_t partition = 0;
  std::uint64_t offset = 0;
  bool operator==(const RecordId&) const = default;
};

struct Evidence {
  RecordId id;
  std::int64_t received = 0;  // ns since 1970
  std::string raw;            // cut to 2 KiB
};

// The `detection` of the contract, and what its event carries besides. Empty and kNoTime: absent.
struct Detection {
  DetectionType type = DetectionType::custom;
  std::string type_name;  // the contract's word, or a user rule's own
  std::string key;        // 32 hex digits, the same for the same finding whatever happens (specs 3, rule 6)
  std::string cause;
  std::string confidence;  // high medium low
  std::string severity;    // critical warning notice info
  std::string host;        // canonical
  std::string asset;       // its label, from ScanSink::asset_label
  std::string scan_id;
  std::string group_id;
  std::uint32_t run = 0;  // 0: belongs to no scan
  std::uint32_t resumes = 0, max_resumes = 0;
  std::int64_t deadline = kNoTime;  // ns since 1970, as the next two
  std::int64_t first_seen = kNoTime, last_seen = kNoTime;
  std::string arguments;
  std::string last_module;
  std::uint64_t lines = 0;
  std::string resolves;
  std::string summary;
  std::vector<Evidence> evidence;

  Level level = Level::info;  // of the event
  std::uint32_t flags = 0;    // of the event: flag::replayed or nothing
  std::int64_t log_time = 0;  // when it was decided
};
// The object as JSON text, keys in the contract's order: the raw of the detection's record. Its message is the
// summary.
std::string detection_json(const Detection& detection);

struct ModuleRow {
  std::string_view name;
  std::uint32_t lines = 0;
  std::int64_t first_seen = 0, last_seen = 0;  // ns since 1970, to the second
};

// One scan with its present run. A store keeps one row for (host, scan_id) and one for (host, scan_id, run): both
// come from this. Views are valid during the call. Times: ns since 1970 by the wall clock, kNoTime: not yet.
struct ScanRow {
  std::string_view host, scan_id, group_id;  // scan_id empty: of lines without one
  std::string_view asset;                    // label
  ScanState state = ScanState::running;
  std::string_view cause;  // of the state; empty: none
  std::uint32_t run = 1, runs = 1, resumes = 0, max_resumes = 0;
  std::int64_t deadline = kNoTime;
  std::string_view arguments;
  std::int64_t started = kNoTime;      // of the first run
  std::int64_t run_started = kNoTime;  // of this run; kNoTime: its start was not seen
  std::int64_t ended = kNoTime;        // of this run
  std::int64_t last_seen = kNoTime;
  std::string_view last_module;
  std::uint64_t lines = 0, alerts = 0, warnings = 0;  // of all runs
  std::array<std::uint64_t, 7> run_levels{};          // of this run, by Level
  std::uint64_t run_lines = 0;
  std::span<const ModuleRow> modules;    // of this run, in the order in which they first spoke; at most 24
  std::span<const RecordId> last_lines;  // the newest first
  std::string_view peer;                 // address of the sender, without the port
  bool replayed = false;                 // known from old lines only: never raises a live alert
  bool closed = false;                   // need not be loaded after a restart; recall() may ask for it
  std::uint64_t applied_seq = 0;         // the last record that is counted in here
  std::string_view state_blob;           // what load_scan() and recall() want back, below 1 KiB
};

struct AssetRow {
  std::string_view host, asset;
  std::string_view ip;
  std::int64_t first_seen = kNoTime, last_seen = kNoTime;                         // ns since 1970, any kind of line
  std::int64_t thor_seen = kNoTime, agent_seen = kNoTime, system_seen = kNoTime;  // by kind
  std::int64_t booted = kNoTime;
  std::string_view boot_cause;  // clean dirty unknown
  std::uint32_t open_scans = 0, scans = 0;
  bool silent = false;
  std::uint64_t applied_seq = 0;
  std::string_view state_blob;
};

struct ScanWatchCounters {
  std::array<std::uint64_t, 10> scans{};        // in memory now, by ScanState
  std::array<std::uint64_t, 19> detections{};   // since the start, by DetectionType
  std::uint64_t untracked = 0;                  // scans that found no room
  std::uint64_t assets = 0, peers = 0;          // in memory now
  std::uint64_t bytes = 0;                      // memory in use, about, and with very many scans some seconds old
  std::uint64_t dark_peers = 0, rule_hits = 0;  // now; since the start
};

// What the watch asks of its surroundings, and tells them. Called on the watch's thread, inside its functions; may
// not call the watch.
class ScanSink {
 public:
  virtual ~ScanSink() = default;

  // A finding. It is promised once it is committed together with what collect() gives and the cursor.
  virtual void on_detection(const Detection& detection) = 0;
  // The last state of a run that was followed by another one: for the row (host, scan_id, run) only.
  virtual void on_run_over(const ScanRow& row) { static_cast<void>(row); }
  // A peer that carries many hosts fell silent (or speaks again): one condition for all its scans.
  virtual void on_dark_peer(std::string_view peer, bool dark) { static_cast<void>(peer), static_cast<void>(dark); }

  // The asset's label; empty: the canonical host. `mapped`: it stands in the asset table.
  virtual std::string_view asset_label(std::string_view host, std::string_view full_name, std::string_view ip,
                                       bool& mapped) {
    static_cast<void>(host), static_cast<void>(full_name), static_cast<void>(ip);
    mapped = false;
    return {};
  }
  // The configured name of an input, for rules that look at it.
  virtual std::string_view input_name(std::uint16_t input) {
    static_cast<void>(input);
    return {};
  }
  // The state_blob of a scan that is no longer in memory, written by an earlier collect(). False: never seen.
  // Asked before a scan is opened, so seldom.
  virtual bool recall(std::string_view host, std::string_view scan_id, std::string& state_blob) {
    static_cast<void>(host), static_cast<void>(scan_id), static_cast<void>(state_blob);
    return false;
  }
  // The line at this place, for evidence. False: gone.
  virtual bool fetch(RecordId id, Evidence& evidence) {
    static_cast<void>(id), static_cast<void>(evidence);
    return false;
  }

  // From collect() only.
  virtual void on_scan(const ScanRow& row) { static_cast<void>(row); }
  virtual void on_asset(const AssetRow& row) { static_cast<void>(row); }
  // Everything else that must survive: few rows. An empty blob: remove the row.
  virtual void on_state(std::string_view key, std::string_view blob) {
    static_cast<void>(key), static_cast<void>(blob);
  }
};

// One record as the watch wants it.
struct SeenRecord {
  const Record& record;
  RecordId id;
  std::uint64_t seq = 0;
  std::int64_t log_time = 0;  // stored_ns of its batch
  bool trusted = false;       // its input says trust: thorlogd
};

// Where a batch of records lies: its begin, and when it was stored.
struct BatchPlace {
  std::uint32_t partition = 0;
  std::uint64_t offset = 0, seq = 0;
  std::int64_t log_time = 0;
};

class ScanWatch {
 public:
  // `rules` nullptr: the built-in ones.
  ScanWatch(const ScanOptions& options, ScanSink& sink, std::shared_ptr<const RuleSet> rules = nullptr);
  ~ScanWatch();
  ScanWatch(const ScanWatch&) = delete;
  ScanWatch& operator=(const ScanWatch&) = delete;

  // The next record of the journal, of any kind. Those that can't matter cost a few ns. Fires timers that were due
  // before it. `life` records tell of our own downtime.
  void see(const SeenRecord& record);
  // The records of a batch by their hints, from number `from` on, as far as each only counts: a tenth of the cost,
  // and the same outcome as that of see(). Returns the number of the first that see() must be given (then pass() goes
  // on behind it); hints.size(): none. Where rules of users look at every line it is always `from`.
  std::size_t pass(std::span<const RecordHint> hints, std::size_t from, const BatchPlace& place);
  // False: rules of users look at every line, so that pass() would pass none.
  bool may_pass() const noexcept;
  // Tells of records that see() will be given soon, in this order; kAhead of them is a good lead. What they need is
  // brought into the cache meanwhile: with very many scans nearly all of a line's time goes by waiting for memory.
  // Changes nothing else, and need not be called. The record's views are only looked at during the call.
  static constexpr std::size_t kAhead = 16;
  void expect(const Record& record) noexcept;
  // Log time has reached this, and every record stored before it has been seen. Fires what is due.
  void advance(std::int64_t log_time);
  // The next moment at which advance() may have something to do; kNoTime: none.
  std::int64_t next_due() const noexcept;

  // We did not hear this input (0: any input) from `from` to `to`, log time: paused, journal full. Silence does not
  // count while we were deaf. Told piece by piece while it lasts, each before the advance() to its end. Downtime is
  // known from life records and needs no call.
  void deaf(std::uint16_t input, std::int64_t from, std::int64_t to);

  // Gives on_scan, on_asset and on_state for what changed since the last collect(); of scans and assets of which only
  // counts and last_seen changed, as many as `counts` says. With a hundred thousand scans at work all of them at once
  // would take seconds. True: every count that had changed when the sweep
  // began (the first collect(), or the one after the last true) has been given by now. After a crash a store reads
  // from where the watch was when the last whole sweep began, and calls recount() for each record up to the committed
  // cursor, see() for those behind it.
  bool collect(std::size_t counts);

  // After a restart, before the first see().
  void load_scan(std::string_view state_blob);
  void load_asset(std::string_view state_blob);
  void load_state(std::string_view key, std::string_view blob);
  // Counts a record that was seen in an earlier life but whose counts were not committed. Decides nothing.
  void recount(const SeenRecord& record);

  // A reload. Timers that run go on with the new lengths.
  void set_options(const ScanOptions& options);
  void set_rules(std::shared_ptr<const RuleSet> rules);

  const ScanWatchCounters& counters() const noexcept;
  // Each scan in memory, for an analysis without a store.
  void for_each_scan(const std::function<void(const ScanRow&)>& each) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace thorlog
