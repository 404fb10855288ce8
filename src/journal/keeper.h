// The journal's own thread for what would make the log thread wait: syncing, sealing, making the next segment,
// removing old ones. Tasks run in the order in which they were posted; a sync runs after the tasks posted before it,
// and several waiting syncs become one (group commit). Without a thread (tests that count steps) everything runs at
// once in the call.
#pragma once

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

 private:
  void run();
  void run_sync(const std::shared_ptr<File>& file, Position upto);

  const Synced synced_;
  const bool with_thread_;
  bool sync_failed_ = false;  // its own thread's, or the caller's when there is none
  std::mutex mutex_;          // guards what follows
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
