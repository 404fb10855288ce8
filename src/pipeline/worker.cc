#include "pipeline/worker.h"

#include <pthread.h>

#include <future>

namespace thorlog {
namespace {

constexpr std::uint64_t kHeartbeatMs = 1000;  // a loop that has nothing to do still shows the watchdog that it lives

}  // namespace

Worker::Worker(WorkerIntake::Environment environment, const std::string& name)
    : name_(name),
      clock_(environment.clock),
      intake_(std::move(environment)),
      tasks_(loop_, [](std::function<void()>&& task) { task(); }),
      room_(loop_, [this] { intake_.room_made(); }),
      before_sleep_(loop_, [this] { end_turn(); }),
      due_(loop_, [] {}),  // waking up is enough: each turn releases what is due
      heartbeat_(loop_, [] {}) {}

Worker::~Worker() { THORLOG_ASSERT(!thread_.joinable()); }

void Worker::start() {
  before_sleep_.start();
  heartbeat_.start(kHeartbeatMs, kHeartbeatMs);
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), name_.c_str());
    loop_.run();
  });
}

void Worker::run_and_wait(const std::function<void()>& task) {
  std::promise<void> done;
  tasks_.post([&] {
    task();
    done.set_value();
  });
  done.get_future().wait();
}

void Worker::stop() {
  tasks_.post([this] { loop_.stop(); });
  thread_.join();
}

void Worker::end_turn() {
  intake_.end_turn();
  const std::int64_t due = intake_.next_due();
  if (due == due_at_) return;
  due_at_ = due;
  if (due == kNoTime) {
    due_.stop();
    return;
  }
  const std::int64_t left = due - clock_.steady();
  due_.start(left > 0 ? static_cast<std::uint64_t>(left / 1'000'000) + 1 : 1);
}

}  // namespace thorlog
