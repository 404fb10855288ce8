// The state machine behind ScanWatch: tables of scans, assets and peers, and what each line and each deadline does to
// them. Written in parts: watch.cc (the way of a record), lines.cc (THOR), plain_lines.cc (those that only count),
// runs.cc (starts, restarts, ends), agents.cc, systems.cc (boots), silence.cc, timers.cc, tell.cc (detections),
// rows.cc (what a store keeps), counters.cc.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "scans/modules.h"
#include "scans/rules.h"
#include "scans/scan.h"
#include "scans/timers.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

class Watch {
 public:
  Watch(const ScanOptions& options, ScanSink& sink, std::shared_ptr<const RuleSet> rules);

  void see(const SeenRecord& seen);
  std::size_t pass(std::span<const RecordHint> hints, std::size_t from, const BatchPlace& place);
  bool may_pass() const noexcept { return user_.empty(); }
  void expect(const Record& record) noexcept;
  void advance(std::int64_t log_time);
  std::int64_t next_due() const noexcept { return timers_.next(); }
  void deaf(std::uint16_t input, std::int64_t from, std::int64_t to);
  bool collect(std::size_t counts);
  void load_scan(std::string_view blob);
  void load_asset(std::string_view blob);
  void load_state(std::string_view key, std::string_view blob);
  void recount(const SeenRecord& seen);
  void set_options(const ScanOptions& options);
  void set_rules(std::shared_ptr<const RuleSet> rules);
  const ScanWatchCounters& counters() noexcept;
  void for_each_scan(const std::function<void(const ScanRow&)>& each);

 private:
  using Numbers = std::vector<std::uint32_t>;
  // What a store has not been given yet. Of `counts` those before `first` were given, and the next `of_sweep` had
  // changed when the sweep began.
  struct Changed {
    Numbers state, counts;
    std::size_t first = 0, of_sweep = 0;
    void add(std::uint32_t number, Dirty how) { (how == Dirty::state ? state : counts).push_back(number); }
  };

  // When we could not hear an input; 0: any.
  struct DeafTime {
    std::int64_t from = 0, to = 0;
    std::uint16_t input = 0;
  };
  // Of a record to come: hashes (0: it has none), then what was found under them.
  struct Expected {
    std::uint64_t scan_hash = 0, asset_hash = 0, peer_hash = 0;
    std::uint32_t scan = kNone;
  };

  static constexpr std::size_t kHintStep = 8;  // hints between two steps of looking ahead

  // What every line changes of its scan.
  struct Counted {
    RecordId id;
    std::uint64_t seq = 0;
    std::int64_t log = 0, wall = 0;
    std::uint32_t stream = 0;
    std::uint16_t input = 0;
    Level level = Level::none;
  };

  // One thing to tell, before it becomes a Detection.
  struct Finding {
    DetectionType type = DetectionType::custom;
    Cause cause = Cause::none;
    std::string_view confidence = "high";
    std::string discriminator = {};
    std::vector<RecordId> evidence = {};
    std::string resolves = {};
    std::string detail = {};  // a part of the summary
    std::uint32_t flags = 0;
    std::string type_name = {}, severity = {}, summary = {};  // of a user's rule
    std::int64_t deadline = kNoTime;
    std::uint32_t max_resumes = 0;
  };

  // Windows that are no keys of their own: parts of those that are, so that a test can compress time.
  std::int64_t reorder() const noexcept {
    return options_.start_merge / 8;
  }  // networks may turn lines around by this
  std::int64_t day() const noexcept { return options_.silence_lost * 4; }
  std::int64_t clean_window() const noexcept { return options_.interrupt_grace * 10; }

  // watch.cc
  void life_line(const SeenRecord& seen, std::int64_t before);
  void other_line(const SeenRecord& seen);
  void crash_line(const SeenRecord& seen);
  std::uint32_t asset_of(std::string_view host, std::uint64_t hash) const;
  std::uint32_t make_asset(const Event& event, std::uint64_t hash);
  std::uint32_t asset_of_sender(const Event& event, std::uint32_t peer);
  std::uint32_t asset_for_line(const Event& event, std::uint64_t hash);
  void touch(Asset& asset, const SeenRecord& seen);
  bool drop_asset();
  std::uint32_t peer_of(std::string_view peer);
  std::uint32_t known_peer(std::string_view address, std::uint64_t hash) const;
  bool is_known_by_name(const Asset& asset) const;
  void hear(std::uint32_t peer, const Event& event, std::uint64_t host_hash);
  void mark(Scan& scan, Dirty how);
  void mark(Asset& asset, Dirty how);
  bool is_live(const Scan& scan) const noexcept {
    return !scan.core.replayed && !scan.core.service && !scan.core.candidate;
  }

  // plain_lines.cc
  void begin_ahead(std::span<const RecordHint> hints) noexcept;
  void look_ahead(std::span<const RecordHint> hints, std::size_t n) noexcept;
  void fetch_index(const RecordHint& hint) const noexcept;
  void fetch_scan(const RecordHint& hint, std::size_t n) noexcept;
  void fetch_rest(const RecordHint& hint, std::size_t n) const noexcept;
  bool count_plain(const RecordHint& hint, const BatchPlace& place, std::size_t n);
  bool hear_plain(Peer& peer, const RecordHint& hint, const Scan& scan) noexcept;
  void judge_plain(Scan& scan);
  void settle(Asset& asset);
  void settle_all();

  // rule_hits.cc
  void user_line(const SeenRecord& seen);
  void rule_hit(std::size_t rule, const SeenRecord& seen);

  // lines.cc
  void fetch_asset(std::uint32_t number) const noexcept;
  void thor_line(const SeenRecord& seen);
  std::uint32_t find_scan(std::string_view host, std::uint64_t hash, std::string_view id) const;
  std::uint32_t scan_for(const Event& event, std::uint64_t host_hash, std::uint64_t hash) const;
  std::uint32_t make_candidate(const SeenRecord& seen, std::uint64_t host_hash, std::uint64_t hash);
  std::uint32_t add_scan(std::uint32_t asset, std::uint64_t host_hash, std::uint64_t hash, std::string_view id);
  std::uint32_t admit(std::uint32_t number);
  bool make_room();
  void forget(std::uint32_t number);
  void set_peer(Scan& scan, std::uint32_t peer);
  void drop_candidates();
  std::uint32_t only_open(const Asset& asset, std::uint64_t task = 0) const;
  bool one_of_several(const Asset& asset) const;
  static void count_line(ScanCore& core, const Counted& line) noexcept;
  static void count_module(Scan& scan, std::uint16_t module);
  void count(Scan& scan, const SeenRecord& seen, std::uint16_t module);
  void act(std::uint32_t number, const SeenRecord& seen, const SignalMatch& match, std::int64_t before);
  static std::int64_t when(const SeenRecord& seen) noexcept;
  static std::int64_t wall(const SeenRecord& seen) noexcept;
  void old_line(std::uint32_t number, const SeenRecord& seen, Signal signal);
  void voice(std::uint32_t number, const SeenRecord& seen);

  // runs.cc
  void on_start(std::uint32_t number, const SeenRecord& seen, std::int64_t before);
  void on_arguments(Scan& scan, std::string_view arguments);
  void conclude_restart(std::uint32_t number);
  void begin_run(std::uint32_t number, std::int64_t log, std::int64_t wall, RecordId line, std::uint32_t lines);
  void on_end(std::uint32_t number, const SeenRecord& seen);
  void on_abort(std::uint32_t number, Cause cause, std::vector<RecordId> evidence, std::string detail = {});
  void wait_for_abort(std::uint32_t number, Cause cause, RecordId line, std::int64_t due);
  void conclude_abort(std::uint32_t number);
  bool was_overtaken(const Scan& scan) const noexcept;
  void interrupt(std::uint32_t number, DetectionType type, Cause cause, std::string_view confidence,
                 std::vector<RecordId> evidence);
  void close(Scan& scan, ScanState state, Cause cause);
  void reopen(std::uint32_t number);
  void note_start(std::uint32_t number, std::int64_t log, RecordId line);
  void check_limit(std::uint32_t number, RecordId line);

  // agents.cc
  void agent_line(const SeenRecord& seen);
  void management_line(const SeenRecord& seen);
  void on_interrupt(std::uint32_t asset, const SeenRecord& seen, bool waits);
  void on_agent_run(std::uint32_t asset, const SeenRecord& seen, std::string_view arguments);
  void on_task_failed(std::uint32_t asset, const SeenRecord& seen);
  void on_exhausted(std::uint32_t asset, const SeenRecord& seen, const SignalMatch& match);
  void agent_error(std::uint32_t asset, const SeenRecord& seen);
  void stop_scan(std::uint32_t number, std::uint8_t bits, std::int64_t log, std::int64_t due, RecordId line);
  void conclude_stop(std::uint32_t number, std::int64_t now);
  bool was_shut_down(const Asset& asset, std::int64_t from, std::int64_t to) const noexcept;

  // systems.cc
  void os_line(const SeenRecord& seen);
  void on_shutdown(std::uint32_t asset, const SeenRecord& seen, bool planned);
  void on_boot(std::uint32_t asset, const SeenRecord& seen, bool dirty);
  void conclude_boot(std::uint32_t asset);
  Cause boot_cause(const Asset& asset) const noexcept;

  // silence.cc
  std::int64_t deafness(const Scan& scan) noexcept;
  std::int64_t deafness_of(std::uint16_t input) const noexcept;
  static bool silence_tells(const Scan& scan) noexcept;
  std::int64_t dark_gap(std::uint32_t peer) noexcept;
  void hear_again(Scan& scan) noexcept { scan.core.deaf = deafness(scan); }
  void add_deaf(std::int64_t from, std::int64_t to, std::uint16_t input);
  std::int64_t deaf_since(std::int64_t from, std::uint16_t input) const noexcept;
  std::int64_t silence_due(const Scan& scan, std::int64_t length) noexcept;
  std::int64_t silence_due(const AssetCore& core) const noexcept;
  void hear_first(std::int64_t now);
  std::int64_t decided(std::int64_t due) const noexcept;
  void check_silence(std::uint32_t number, std::int64_t now);
  void lose(std::uint32_t number, Cause cause, std::string_view confidence);
  void asset_silence(std::uint32_t number, std::int64_t now);

  // timers.cc
  void fire(std::int64_t until);
  void wake_scan(std::uint32_t number, std::int64_t now);
  void wake_asset(std::uint32_t number, std::int64_t now);
  std::int64_t window_end(const Scan& scan) const noexcept;
  void check_window(std::uint32_t number, std::int64_t now);
  std::int64_t due_of(const Scan& scan) noexcept;
  std::int64_t due_of(const Asset& asset) const noexcept;
  void arm_scan(std::uint32_t number);
  void arm_asset(std::uint32_t number);
  void arm_all();

  // tell.cc
  void tell(std::uint32_t scan, Finding finding);
  void tell_asset(std::uint32_t asset, Finding finding);
  Detection make(const Asset& asset, Scan* scan, Finding& finding);
  void send(Detection& detection);
  std::string key_of(const Asset& asset, const Scan* scan, const Finding& finding) const;
  std::string told_key(const Scan& scan) const;
  void add_evidence(Detection& detection, RecordId id);
  std::string_view last_module(const Scan& scan) const noexcept;

  // rows.cc
  void fill_row(const Scan& scan, ScanRow& row, std::vector<ModuleRow>& modules) const;
  std::string scan_blob(const Scan& scan);
  std::uint32_t restore(std::string_view blob);
  void run_over(const Scan& scan);
  void give_asset(Asset& asset);
  std::string_view sender_of(const Asset& asset) const noexcept;
  template <class Table, class Give>
  void give_changed(Changed& changed, Table& table, std::size_t& most, Give give);
  void collect_state(bool peers);

  // counters.cc
  void restate(Scan& scan);
  void count_state(const Scan& scan, bool in) noexcept;
  void weigh() noexcept;
  void leave_memory();

  ScanOptions options_;
  ScanSink& sink_;
  std::shared_ptr<const RuleSet> rules_;
  Modules modules_;
  UserRules user_;
  bool user_dirty_ = false;
  Timers timers_;

  Slab<Scan> scans_;
  Slab<Asset> assets_;
  Slab<Peer> peers_;
  HashIndex scan_index_, asset_index_, peer_index_;
  Changed dirty_scans_, dirty_assets_;
  bool sweeping_ = false;
  std::vector<std::pair<std::int64_t, std::uint32_t>> candidates_;  // oldest first
  std::deque<std::pair<std::int64_t, std::uint32_t>> closed_;       // scans to leave memory, oldest first
  std::uint32_t tracked_ = 0;                                       // scans that are no candidates

  std::int64_t time_ = kNoTime;        // log time: no older record comes
  std::int64_t life_began_ = kNoTime;  // of this life of the daemon
  bool awaits_first_ = false;          // nobody has spoken in it yet
  std::int64_t deaf_sum_ = 0;          // to everything
  std::unordered_map<std::uint16_t, std::int64_t> deaf_inputs_;
  std::deque<DeafTime> deaf_times_;   // of this life and the one before, the newest few
  const SeenRecord* seen_ = nullptr;  // the record that is being looked at
  std::array<Expected, ScanWatch::kAhead> expected_{};
  std::size_t next_expected_ = 0;
  std::array<std::uint32_t, 4 * kHintStep> guesses_{};  // numbers of what the next hints are about
  std::string expected_peer_;
  std::uint32_t last_peer_ = kNone;
  std::string last_peer_text_;
  std::uint32_t crash_looks_ = 0;
  std::vector<std::uint64_t> unmapped_;  // hosts that are in no table, by hash
  std::uint32_t drop_at_ = 0;
  bool state_dirty_ = false;
  ScanWatchCounters counters_;
  Numbers restated_;           // scans whose state counters_.scans may not know
  std::uint32_t weighed_ = 0;  // scans and assets whose memory is in weighing_
  std::size_t weighing_ = 0, own_bytes_ = 0;
};

}  // namespace thorlog
