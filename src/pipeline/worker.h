// A worker: one thread, one loop, its share of the sockets, one intake.
#pragma once

#include <functional>
#include <thread>

#include "loop/loop.h"
#include "pipeline/worker_intake.h"

namespace thorlog {

class Worker {
 public:
  Worker(WorkerIntake::Environment environment, const std::string& name);
  ~Worker();

  void start();
  // Runs on the worker's thread. Any thread; in order.
  void post(std::function<void()> task) { tasks_.post(std::move(task)); }
  // Runs on the worker's thread, waits for its end. Not from the worker itself.
  void run_and_wait(const std::function<void()>& task);
  // The log thread made room in the ring.
  void ring() noexcept { room_.ring(); }
  // Ends the thread; inputs must be detached, the intake flushed.
  void stop();

  Loop& loop() noexcept { return loop_; }
  WorkerIntake& intake() noexcept { return intake_; }

 private:
  void end_turn();

  std::string name_;
  const Clock& clock_;
  Loop loop_;
  WorkerIntake intake_;
  Mailbox<std::function<void()>> tasks_;
  Wake room_;
  BeforeSleep before_sleep_;
  Timer due_;
  Timer heartbeat_;
  std::int64_t due_at_ = kNoTime;
  std::thread thread_;
};

}  // namespace thorlog
