#include "inputs/kafka.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "base/log.h"
#include "config/kafka_conf.h"
#include "inputs/kafka_reader.h"
#include "inputs/kafka_record.h"

namespace thorlog {
namespace {

constexpr auto kLookAgain = std::chrono::seconds(30);  // for partitions that were added to the topic
constexpr auto kTryAgain = std::chrono::seconds(1);
constexpr int kAskMs = 1000;

// Asks the cluster how many partitions a topic has, now and then. librdkafka can only be asked by waiting for it, so
// it has a thread of its own.
class PartitionFinder {
 public:
  PartitionFinder(const InputSettings& settings, std::function<void(int)> found)
      : settings_(settings), found_(std::move(found)), thread_([this] { run(); }) {}
  ~PartitionFinder() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  void run() {
    auto conf = make_kafka_conf(KafkaRole::consumer, settings_.brokers, settings_.settings);
    if (!conf) return;
    rd_kafka_conf_set_log_cb(conf->get(), [](const rd_kafka_t*, int, const char*, const char*) {});  // readers log
    std::array<char, 512> text{};
    rd_kafka_t* client = rd_kafka_new(RD_KAFKA_CONSUMER, conf->get(), text.data(), text.size());
    if (client == nullptr) return;
    static_cast<void>(conf->release());
    rd_kafka_topic_t* topic = rd_kafka_topic_new(client, settings_.topic.c_str(), nullptr);
    int known = 0;
    std::unique_lock lock(mutex_);
    while (!stop_) {
      lock.unlock();
      const int count = ask(client, topic);
      if (count > known) found_(count);
      known = std::max(known, count);
      lock.lock();
      wake_.wait_for(lock, known > 0 ? kLookAgain : kTryAgain, [this] { return stop_; });
    }
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }

  int ask(rd_kafka_t* client, rd_kafka_topic_t* topic) const {
    const struct rd_kafka_metadata* metadata = nullptr;
    auto error = rd_kafka_metadata(client, 0, topic, &metadata, kAskMs);
    int count = 0;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1) {
      error = metadata->topics[0].err;
      count = metadata->topics[0].partition_cnt;
    }
    if (metadata != nullptr) rd_kafka_metadata_destroy(metadata);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      log_limited(Severity::warning, "partitions", "input " + settings_.name,
                  fmt::format("asking for the partitions of {}: {}", settings_.topic, rd_kafka_err2str(error)));
    }
    return count;
  }

  const InputSettings settings_;
  std::function<void(int)> found_;
  std::mutex mutex_;  // guards stop_
  std::condition_variable wake_;
  bool stop_ = false;
  std::thread thread_;
};

class KafkaInput final : public Input {
 public:
  KafkaInput(const InputSettings& settings, std::size_t workers) : settings_(settings), workers_(workers) {}

  bool is_restartable() const noexcept override { return true; }
  void resume(std::span<const std::string> origins) override {
    for (const std::string& origin : origins) {
      std::int32_t partition = 0;
      std::int64_t offset = 0;
      if (read_origin(origin, partition, offset)) from_[partition] = offset + 1;
    }
  }

  void start(Loop& /*acceptor*/) override {
    if (settings_.partitions.empty()) {
      finder_ = std::make_unique<PartitionFinder>(settings_, [this](int count) {
        for (int number = 0; number < count; ++number) give(number);
      });
    }
    for (const std::uint32_t number : settings_.partitions) give(static_cast<std::int32_t>(number));
  }
  void stop_accepting() override { finder_.reset(); }
  void update(const InputSettings& /*settings*/) override {}  // see reload: at the next restart

  void attach(std::size_t worker, WorkerContext& context, std::size_t slot) override {
    Worker& attached = workers_[worker];
    attached.reader = std::make_unique<KafkaReader>(settings_, context, slot, readings_);
    attached.loop = &context.loop;
    attached.orders = std::make_unique<Mailbox<Order>>(context.loop, [&attached](Order&& order) {
      if (attached.reader) attached.reader->add(order.partition, order.from);
    });
    context.intake.when_room([reader = std::weak_ptr<bool>(attached.alive), &attached] {
      if (!reader.expired() && attached.reader) attached.reader->resume();
    });
  }

  void detach(std::size_t worker, std::function<void()> done) override {
    Worker& leaving = workers_[worker];
    leaving.reader->stop();
    leaving.loop->later([&leaving, done = std::move(done)] {
      leaving.alive.reset();
      leaving.orders.reset();
      leaving.reader.reset();
      done();
    });
  }

  InputSnapshot snapshot() const override {
    InputSnapshot now;
    std::string brokers;
    for (const std::string& broker : settings_.brokers) brokers += (brokers.empty() ? "" : ",") + broker;
    now.listening = fmt::format("kafka://{}/{}", brokers, settings_.topic);
    now.connections = readings_.partitions.load(std::memory_order_relaxed);
    now.paused = readings_.paused.load(std::memory_order_relaxed);
    return now;
  }

 private:
  struct Order {
    std::int32_t partition;
    std::int64_t from;
  };
  struct Worker {
    std::unique_ptr<KafkaReader> reader;
    std::unique_ptr<Mailbox<Order>> orders;
    Loop* loop = nullptr;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // for the call that an intake keeps for ever
  };

  void give(std::int32_t partition) {
    const auto known = from_.find(partition);
    const std::int64_t from = known == from_.end() ? RD_KAFKA_OFFSET_STORED : known->second;
    workers_[static_cast<std::size_t>(partition) % workers_.size()].orders->post({partition, from});
  }

  const InputSettings settings_;
  KafkaReadings readings_;
  std::map<std::int32_t, std::int64_t> from_;
  std::vector<Worker> workers_;
  std::unique_ptr<PartitionFinder> finder_;
};

}  // namespace

Result<std::unique_ptr<Input>> open_kafka_input(const InputSettings& settings, std::span<const InputSettings> /*all*/,
                                                std::size_t workers) {
  if (const std::string error = kafka_settings_error(KafkaRole::consumer, settings.settings); !error.empty()) {
    return fail({Errc::config, fmt::format("input '{}': {}", settings.name, error), 0});
  }
  return std::unique_ptr<Input>(std::make_unique<KafkaInput>(settings, workers));
}

}  // namespace thorlog
