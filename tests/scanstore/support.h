// What the scan store's tests share: a journal with real lines in it, and the way of the
// scan thread and the log thread in single steps, so that a test can end them between any two.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/is_ok.h"
#include "base/temp_folder.h"
#include "journal/journal.h"
#include "scanstore/scan_keeper.h"

namespace thorlog {

inline constexpr std::int64_t kSecond = 1'000'000'000;

// One line of a sender, `seconds` after the one before it.
struct TraceLine {
  double seconds = 0;
  std::string line;
  std::string peer = "10.0.0.1:4000";
};
// "<190>Oct  8 11:37:54 HOST/10.0.0.1 THOR: LEVEL: MODULE: M MESSAGE: TEXT SCANID: ID"
std::string thor_line(std::string_view host, std::string_view id, std::string_view module, std::string_view message,
                      std::string_view level = "Info");
// Some scans that start, end, are aborted, restarted, fall silent and are lost, on hosts that begin with `name`.
std::vector<TraceLine> stories(const std::string& name, int scans);

// Timers of seconds, so that a trace is short.
ScanOptions short_timers();

// A journal and a scan keeper on it in one thread. What it leaves in the folder is what a killed daemon leaves.
class KeeperWorld {
 public:
  explicit KeeperWorld(const std::string& folder, const ScanOptions& options = short_timers(),
                       ManualClock* clock = nullptr);
  ~KeeperWorld();

  Journal& journal() noexcept { return *journal_; }
  ScanKeeper& keeper() noexcept { return *keeper_; }
  ScanStore& store() noexcept { return *store_; }
  ManualClock& clock() noexcept { return clock_; }

  void append(const TraceLine& line);  // moves the clock, then stores
  // One turn of the scan thread: reads all, lets time pass, commits when it is due.
  Status turn(bool commit_now = false);
  // Turns until nothing is due and nothing waits to be appended.
  Status settle();
  void pass(double seconds);

 private:
  void append_detection(const DetectionRecord& detection);

  ManualClock own_clock_;
  ManualClock& clock_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<ScanStore> store_;
  std::unique_ptr<ScanKeeper> keeper_;
  std::unique_ptr<JournalReader> reader_;
};

// Keys of the detections in the journal and how often each is there.
std::map<std::string, int> keys_in(Journal& journal, std::map<std::string, std::string>* types = nullptr);
// Number of lines that came from outside.
std::size_t lines_in(Journal& journal);

}  // namespace thorlog
