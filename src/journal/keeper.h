// The journal's own thread for what would make the log thread wait: syncing, sealing, making the next segment,
// removing old ones. Tasks run in the order in which they were posted; a sync runs after the tasks posted before it,
// and several waiting syncs become one (group commit). Without a thread (tests that count steps) everything runs at
// once in the call.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "journal/journal.h"

namespace thorlog {

class Keeper {
 public:
  using Synced = std::function<void(const Status&, Position upto)>;
  Keeper(bool with_thread, Synced synced);
  ~Keeper();  // runs what is left
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  void post(std::function<void()> task);
  // `upto`: what has been written to the file so far.
  void sync(std::shared_ptr<File> file, Position upto);
  // Returns when everything posted before has run.
  void wait_idle();

  // After a sync has failed nothing is synced and nothing is told until go_on(): by then the log thread has given the
  // file up. Any thread.
  bool halted() const noexcept { return halted_.load(); }
  void halt() noexcept { halted_ = true; }
  void go_on() noexcept { halted_ = false; }

 private:
  void run();
  void run_sync(const std::shared_ptr<File>& file, Position upto);

  const Synced synced_;
  const bool with_thread_;
  std::atomic<bool> halted_{false};
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::deque<std::function<void()>> tasks_;
  std::shared_ptr<File> to_sync_;
  Position sync_upto_;
  bool busy_ = false;
  bool stopping_ = false;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace thorlog
