// One worker's share of a Kafka input: a consumer with the partitions that were given to it. Everything here belongs
// to the worker's thread; librdkafka's threads only ring a bell. While downstream is full nothing is taken from its
// queue, which is bounded, and it stops fetching.
#pragma once

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "inputs/input.h"
#include "loop/fd.h"

namespace thorlog {

// What the input shows, counted by its readers.
struct KafkaReadings {
  std::atomic<std::uint64_t> partitions{0};
  std::atomic<std::uint64_t> paused{0};
};

class KafkaReader {
 public:
  KafkaReader(const InputSettings& settings, WorkerContext& context, std::size_t slot, KafkaReadings& readings);
  ~KafkaReader();

  // Begins with one more partition. `from`: the offset to read first; RD_KAFKA_OFFSET_STORED: what was committed.
  void add(std::int32_t partition, std::int64_t from);
  // There is room again.
  void resume() noexcept { ring(); }
  // Reads nothing more; what is held leaves.
  void stop();

 private:
  struct Partition {
    Intake::Stream* stream = nullptr;
    std::int64_t next = RD_KAFKA_OFFSET_STORED;  // behind the last message that was taken
    std::int64_t safe = -1;                      // all before it are emitted; -1: none yet
  };
  struct Close {
    void operator()(rd_kafka_t* client) const noexcept {
      rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    void operator()(rd_kafka_queue_t* queue) const noexcept { rd_kafka_queue_destroy(queue); }
  };

  bool make_consumer();
  void assign();
  void read();
  void take(const rd_kafka_message_t& message);
  void offer(Partition& partition, std::string_view value, std::int64_t received, bool more);
  void on_error(const rd_kafka_message_t& message);
  void set_paused(bool paused);
  void commit();
  void ring() noexcept;

  const InputSettings settings_;
  WorkerContext& context_;
  std::size_t slot_;
  KafkaReadings& readings_;
  std::string subject_;  // of log lines

  Fd bell_;
  std::unique_ptr<rd_kafka_t, Close> consumer_;
  std::unique_ptr<rd_kafka_queue_t, Close> queue_;
  std::unique_ptr<FdWatch> watch_;
  Timer commit_timer_;
  std::map<std::int32_t, Partition> partitions_;
  ByteBuffer value_;    // the message at hand, with room to read ahead
  std::string origin_;  // likewise
  bool paused_ = false;

  // Offsets that wait until `emitted` records are durable.
  std::uint64_t emitted_ = 0;
  std::map<std::int32_t, std::int64_t> waiting_, committed_;
};

}  // namespace thorlog
