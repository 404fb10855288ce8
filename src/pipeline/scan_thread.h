// The scan watch at work: a thread that reads the journal, lets the watch see every record, commits what it knows and
// hands its detections to the log thread. SQLite lives on this thread and on no loop.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "config/settings.h"
#include "journal/cursor.h"
#include "journal/journal.h"
#include "pipeline/log_thread.h"
#include "scans/rules.h"
#include "scanstore/scan_keeper.h"

namespace thorlog {

// The rules of the folder that the settings name. Errors: config, each with its file, line and column.
Result<std::shared_ptr<const RuleSet>> load_rules(const ScanSettings& settings);

class ScanThread {
 public:
  struct Environment {
    Journal& journal;
    FileSystem& files;
    const Clock& clock;
    LogThread& log_thread;
    std::string state_folder;
    Durability durability = Durability::os;
    std::function<std::shared_ptr<const AssetTable>()> assets;
    std::function<std::vector<bool>()> trusted;         // by the number of an input: trust: thorlogd
    std::function<std::vector<std::uint16_t>()> muted;  // inputs that are not read now; 0: the journal takes nothing
  };
  // Opens the store and its cursor; nothing is read yet. Errors: io, config (rules).
  static Result<std::unique_ptr<ScanThread>> open(Environment environment, const ScanSettings& settings);
  ~ScanThread();

  void start();
  // Reads what is there (for a second at most), commits, ends.
  void stop();

  // Any thread.
  void wake() noexcept;
  void update(const ScanSettings& settings, std::shared_ptr<const RuleSet> rules);
  void acknowledge(std::string key, std::string by);
  // The journal keeps everything from here on.
  Position settled() const;
  ScanWatchView view() const;
  std::uint64_t beats() const noexcept { return beats_.load(std::memory_order_relaxed); }

 private:
  ScanThread(Environment environment, const ScanSettings& settings, std::shared_ptr<const RuleSet> rules);
  Status make_keeper();
  void run();
  bool turn();
  bool read(std::uint64_t& left);
  void listen_for_silence(std::int64_t log_time);
  void commit(bool everything);
  void give_up(const Error& error);
  void run_tasks();
  void post(std::function<void(ScanThread&)> task);
  void publish();
  void sleep(bool drained);

  Environment env_;
  // The thread's own.
  ScanSettings settings_;
  std::shared_ptr<const RuleSet> rules_;
  std::unique_ptr<Cursor> cursor_;
  std::unique_ptr<ScanStore> store_;
  std::unique_ptr<ScanKeeper> keeper_;
  std::unique_ptr<JournalReader> reader_;
  std::unordered_set<std::string> posted_;  // keys that the log thread has, and that were not read back yet
  std::vector<bool> trusted_;
  std::int64_t log_time_ = 0;    // of the last turn
  std::int64_t next_look_ = 0;   // steady
  std::int64_t next_prune_ = 0;  // steady
  std::int64_t next_view_ = 0;   // steady
  std::int64_t retry_at_ = 0;    // steady; after trouble with the store
  bool no_space_ = false;        // the journal is full: it must not wait for us

  std::thread thread_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> woken_{false};
  std::atomic<std::uint64_t> beats_{0};
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable bell_;
  std::vector<std::function<void(ScanThread&)>> tasks_;
  ScanWatchView view_;
  Position settled_;
};

}  // namespace thorlog
