#include "inputs/udp.h"

#include <fmt/format.h>

#include <mutex>
#include <vector>

#include "base/log.h"
#include "inputs/limits.h"
#include "inputs/udp_group.h"
#include "inputs/udp_receiver.h"

namespace thorlog {
namespace {

class UdpInput final : public Input {
 public:
  UdpInput(const InputSettings& settings, UdpGroup group)
      : name_(settings.name),
        asked_(settings.receive_buffer),
        granted_(group.least_granted()),
        group_(std::move(group)),
        workers_(group_.by_worker.size()),
        limits_(std::make_shared<InputLimits>(settings)) {
    const std::string address = address_text(*group_.address.raw());
    listening_ = settings.listen.is_passed() ? settings.listen.text() : endpoint_text(address, group_.address.port());
  }

  void start(Loop&) override {}
  void stop_accepting() override {}  // the sockets refuse new datagrams when their worker begins to drain

  void update(const InputSettings& settings) override {
    const std::lock_guard lock(mutex_);
    limits_ = std::make_shared<InputLimits>(settings);
    for (auto& receiver : workers_) {
      if (receiver) receiver->update(limits_);
    }
  }

  void attach(std::size_t worker, WorkerContext& context, std::size_t slot) override {
    const std::lock_guard lock(mutex_);
    THORLOG_ASSERT(!workers_[worker]);
    workers_[worker] = std::make_unique<UdpReceiver>(
        UdpReceiver::Environment{context, slot, name_, group_.passed, limits_, figures_},
        std::move(group_.by_worker[worker]));
    loops_[worker] = &context.loop;
  }

  void detach(std::size_t worker, std::function<void()> done) override {
    UdpReceiver* receiver = workers_[worker].get();
    receiver->drain([this, worker, done = std::move(done)] {
      loops_[worker]->later([this, worker, done] {
        remove(worker);
        done();
      });
    });
  }

  InputSnapshot snapshot() const override {
    InputSnapshot now;
    now.listening = listening_;
    now.receive_buffer_asked = asked_;
    now.receive_buffer_granted = granted_;
    now.kernel_drops = figures_.kernel_drops.load(std::memory_order_relaxed);
    now.paused = figures_.paused.load(std::memory_order_relaxed);
    return now;
  }

 private:
  void remove(std::size_t worker) {
    const std::lock_guard lock(mutex_);
    workers_[worker].reset();
  }

  const std::string name_;
  const std::uint64_t asked_, granted_;
  std::string listening_;
  UdpGroup group_;
  UdpFigures figures_;
  std::mutex mutex_;  // guards what follows: workers come and go on their own threads
  std::vector<std::unique_ptr<UdpReceiver>> workers_;
  std::vector<Loop*> loops_ = std::vector<Loop*>(workers_.size());
  SharedLimits limits_;
};

}  // namespace

Result<std::unique_ptr<Input>> open_udp_input(const InputSettings& settings, std::span<const InputSettings> all,
                                              std::size_t workers) {
  auto group = UdpGroup::open(settings, workers, must_be_v6_only(settings, all));
  if (!group) return fail(std::move(group).error());
  const std::uint64_t granted = group->least_granted();
  log(granted < settings.receive_buffer ? Severity::warning : Severity::info, "input " + settings.name,
      fmt::format("udp receive buffer: {} bytes of {} asked for{}", granted, settings.receive_buffer,
                  granted < settings.receive_buffer ? "; raise net.core.rmem_max, or give CAP_NET_ADMIN" : ""));
  return std::unique_ptr<Input>(std::make_unique<UdpInput>(settings, *std::move(group)));
}

}  // namespace thorlog
