#include "journal/keeper.h"

#include <pthread.h>

#include <utility>

namespace thorlog {

Keeper::Keeper(bool with_thread, Synced synced) : synced_(std::move(synced)), with_thread_(with_thread) {
  if (!with_thread_) return;
  thread_ = std::thread([this] { run(); });
  ::pthread_setname_np(thread_.native_handle(), "journal-sync");
}

Keeper::~Keeper() {
  if (!with_thread_) return;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void Keeper::post(std::function<void()> task) {
  if (!with_thread_) return task();
  {
    const std::lock_guard lock(mutex_);
    // A sync asked for before this task must not be overtaken by it: the file may be sealed in the task.
    if (to_sync_) {
      tasks_.emplace_back(
          [this, file = std::exchange(to_sync_, nullptr), upto = sync_upto_] { run_sync(file, upto); });
    }
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void Keeper::sync(std::shared_ptr<File> file, Position upto) {
  if (!with_thread_) return run_sync(file, upto);
  {
    const std::lock_guard lock(mutex_);
    to_sync_ = std::move(file);  // the same file as one that may wait: a new segment comes with a task in between
    sync_upto_ = upto;
  }
  changed_.notify_one();
}

void Keeper::wait_idle() {
  if (!with_thread_) return;
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [this] { return tasks_.empty() && !to_sync_ && !busy_; });
}

void Keeper::run_sync(const std::shared_ptr<File>& file, Position upto) {
  // After a failed sync nobody knows what the file holds, and the next one could say "fine" without it being true
  // (the kernel marks the pages clean). So it is never tried again.
  if (halted_) return;
  const Status status = file->sync_data(FaultPoint::sync);
  if (!status) halted_ = true;
  synced_(status, upto);
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty() || to_sync_; });
    if (tasks_.empty() && !to_sync_) return;  // stopping, and nothing is left
    busy_ = true;
    if (!tasks_.empty()) {
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    } else {
      const std::shared_ptr<File> file = std::exchange(to_sync_, nullptr);
      const Position upto = sync_upto_;
      lock.unlock();
      run_sync(file, upto);
    }
    lock.lock();
    busy_ = false;
    if (tasks_.empty() && !to_sync_) idle_.notify_all();
  }
}

}  // namespace thorlog
