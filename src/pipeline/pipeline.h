// The pipeline: inputs, workers, log thread, journal, outputs, put together and taken apart in order. The only part
// that knows the others. Main thread, except where it says "any thread".
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/settings.h"
#include "inputs/input.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "outputs/runner.h"
#include "pipeline/log_thread.h"
#include "pipeline/output_watch.h"
#include "pipeline/scan_thread.h"
#include "pipeline/tables.h"
#include "pipeline/worker.h"

namespace thorlog {

// What an input has done since the process started, all workers together.
struct InputView {
  std::string name;
  std::string type;
  bool running = true;  // false: removed by a reload; its books stay for the laws
  InputBooks books;
  std::uint64_t stored = 0;  // by the log thread
  InputSnapshot socket;
};

struct OutputView {
  std::string name;
  std::string type;
  OutputSnapshot state;
  std::int64_t stalled = 0;  // ns without progress although its target takes lines; 0: all is well
};

struct PipelineView {
  std::int64_t taken = 0;   // wall clock
  std::int64_t uptime = 0;  // ns
  std::vector<InputView> inputs;
  LogSnapshot log;
  JournalState journal;
  std::vector<OutputView> outputs;
  bool scans_enabled = false;
  ScanWatchView scans;
  std::array<std::uint64_t, 8> kinds{};
  std::array<std::uint64_t, flag::count> flags{};
  bool journal_full = false;
  bool journal_failed = false;
};

class Pipeline {
 public:
  // Recovers the journal, opens the outputs' cursors, binds the inputs. Nothing runs yet, nothing is read.
  // Errors: config, busy, io (a port, file or journal that can't be opened).
  static Result<std::unique_ptr<Pipeline>> open(const Settings& settings, FileSystem& files, const Clock& clock);
  ~Pipeline();

  void start(Loop& main);
  // Applies what can be changed while running; nothing changes when there is an error. `notes`: what needs a restart.
  Status reload(const Settings& next, std::vector<std::string>& notes);
  // Stops accepting, flushes, saves cursors, ends all threads. At most about 5 s.
  void stop();

  PipelineView view() const;  // any thread
  // True when every loop has turned since the last call. Main thread.
  bool all_beating();
  // Each few seconds: label tables whose files changed, outputs that make no progress.
  void tend();

  // Operating calls; main thread. Errors: config (there is no such output), busy.
  Status replay(const std::string& output, const ReplayRequest& request);
  Status cancel_replay(const std::string& output);
  Status retry_letters(const std::string& output, std::vector<std::uint64_t> numbers);
  // Also of an output that was removed: its letters stay. Nothing: none of that name has any.
  std::shared_ptr<DeadLetters> dead_letters(const std::string& output);
  std::vector<std::string> outputs_with_letters();
  std::optional<Movement> movement_of(const std::string& output, std::uint64_t seq) const;

  Journal& journal() noexcept { return *journal_; }
  const LabelTables& tables() const noexcept { return tables_; }
  const Settings& settings() const noexcept { return settings_; }
  // Stores an audit record: who did what. Any thread.
  void audit(std::string json) { log_thread_->post_internal(Kind::audit, std::move(json)); }
  // Notes that a person has seen this finding. Any thread; it is in the store within a second.
  void acknowledge(std::string key, std::string by);
  // Called on the log thread whenever something was stored. Set before start().
  void on_stored(std::function<void()> call) { on_stored_ = std::move(call); }

 private:
  struct Slot {
    InputSettings settings;
    std::unique_ptr<Input> input;  // empty: removed
    std::uint16_t number = 0;
  };
  struct Outlet {
    OutputSettings settings;
    std::unique_ptr<OutputRunner> runner;
  };
  struct PlannedInput {
    InputSettings settings;
    std::unique_ptr<Input> input;
    std::uint16_t number = 0;
    InputRules rules;
  };
  struct Plan;

  Pipeline(const Settings& settings, FileSystem& files, const Clock& clock);
  Status open_journal();
  Status open_outputs();
  Status open_scans();
  std::vector<bool> trusted_inputs() const;
  std::vector<std::uint16_t> muted_inputs() const;
  Status open_inputs();
  void make_workers();
  void attach(std::size_t slot);
  void detach(std::size_t slot);
  Result<PlannedInput> plan_input(const InputSettings& settings, std::span<const InputSettings> all);
  Result<InputRules> rules_of(const InputSettings& settings);
  OutputEnvironment output_environment();
  Status make_plan(const Settings& next, Plan& plan, std::vector<std::string>& notes);
  void carry_out(Plan& plan);
  void put_input(PlannedInput planned);
  void set_rules(std::size_t slot, const InputRules& rules);
  void read_files_again(const Plan& plan);
  void remove_output(const std::string& name);
  void wake_outputs();
  void watch_outputs();
  Result<OutputRunner*> runner_of(const std::string& output) const;
  Position acknowledged(std::string& pinning) const;
  void drop_oldest(Position to);

  Settings settings_;
  FileSystem& files_;
  const Clock& clock_;
  std::int64_t started_;
  LabelTables tables_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<BatchPool> pool_;
  Pressure pressure_;
  std::atomic<std::uint32_t> stream_numbers_{1};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<WorkerContext>> contexts_;
  std::unique_ptr<LogThread> log_thread_;
  std::unique_ptr<ScanThread> scan_thread_;  // empty: scans.enabled is false
  Loop* main_ = nullptr;
  std::function<void()> on_stored_;

  mutable std::mutex mutex_;  // guards slots_ and outputs_ against view() and the log thread
  std::vector<Slot> slots_;
  std::vector<Outlet> outputs_;
  std::vector<std::uint64_t> last_beats_;
  OutputWatch output_watch_;
};

}  // namespace thorlog
