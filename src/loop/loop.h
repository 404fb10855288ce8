// Thin RAII over libuv (1.44): one Loop for each thread, and what lives on it. Everything here belongs to the loop's
// thread, except where it says "any thread". libuv closes later than you ask, so a handle's memory outlives its
// owner: letting go of an object starts uv_close(), its callbacks stop at once.
#pragma once

#include <uv.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

template <class H>
struct UvClose {
  void operator()(H* handle) const noexcept {
    handle->data = nullptr;  // the owner is going: late callbacks must find nobody
    uv_close(reinterpret_cast<uv_handle_t*>(handle),
             [](uv_handle_t* closed) noexcept { delete reinterpret_cast<H*>(closed); });
  }
};
template <class H>
using UvHandle = std::unique_ptr<H, UvClose<H>>;

class Loop {
 public:
  Loop();
  // Everything that lived on the loop must be gone; runs the closing callbacks that are still due.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Runs on the calling thread, which owns the loop from then on, until stop().
  void run();
  void stop() noexcept;
  bool is_this_thread() const noexcept;
  // Runs `task` once, on a later turn: for what can't be done inside the callback that finds it due, as letting go of
  // the object that is being called.
  void later(std::function<void()> task);

  uv_loop_t* uv() noexcept { return &loop_; }
  // Turns of the loop so far, for the watchdog. Any thread.
  std::uint64_t beats() const noexcept { return beats_.load(std::memory_order_relaxed); }

 private:
  static void on_turn(uv_prepare_t* handle) noexcept;

  uv_loop_t loop_{};
  UvHandle<uv_prepare_t> turn_;
  std::atomic<std::uint64_t> beats_{0};
  std::atomic<uv_thread_t> owner_{};
};

class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fire);
  // Fires once after `after_ms`, then each `repeat_ms` unless that is 0. Starting again replaces.
  void start(std::uint64_t after_ms, std::uint64_t repeat_ms = 0);
  void stop() noexcept;
  bool active() const noexcept;

 private:
  std::function<void()> fire_;
  UvHandle<uv_timer_t> handle_;
};

// Rings the loop from any thread. Many rings may arrive as one.
class Wake {
 public:
  Wake(Loop& loop, std::function<void()> woken);
  void ring() noexcept;  // any thread, as long as this object lives

 private:
  std::function<void()> woken_;
  UvHandle<uv_async_t> handle_;
};

// Watches a file descriptor that somebody else owns. It must be non-blocking, and outlive the watch.
class FdWatch {
 public:
  // events: UV_READABLE | UV_WRITABLE; `status` of the callback is 0 or libuv's negative code.
  FdWatch(Loop& loop, int fd, std::function<void(int status, int events)> ready);
  void start(int events);
  void stop() noexcept;

 private:
  std::function<void(int, int)> ready_;
  UvHandle<uv_poll_t> handle_;
};

// Runs when the loop has nothing else to do in this turn, just before it would block (uv_prepare), while started.
class BeforeSleep {
 public:
  BeforeSleep(Loop& loop, std::function<void()> run);
  void start();
  void stop() noexcept;

 private:
  std::function<void()> run_;
  UvHandle<uv_prepare_t> handle_;
};

// Hands values to a loop's thread. post(): any thread; the reader gets all of them in order, on the loop's thread.
template <class T>
class Mailbox {
 public:
  Mailbox(Loop& loop, std::function<void(T&&)> receive)
      : receive_(std::move(receive)), wake_(loop, [this] { drain(); }) {}

  void post(T value) {
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(std::move(value));
    }
    wake_.ring();
  }
  // Takes what waits at once. The loop's thread; for a reader that is about to go.
  void receive_now() { drain(); }

 private:
  void drain() {
    std::vector<T> values;
    {
      const std::lock_guard lock(mutex_);
      values.swap(waiting_);
    }
    for (T& value : values) receive_(std::move(value));
  }

  std::mutex mutex_;  // guards waiting_
  std::vector<T> waiting_;
  std::function<void(T&&)> receive_;
  Wake wake_;
};

}  // namespace thorlog
