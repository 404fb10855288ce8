// Kafka by librdkafka: an idempotent producer, acks=all. The window of what is under way is ours (kafka_flights.h),
// so that librdkafka's queue never is the buffer; its delivery reports move the cursor. A record that can't be
// delivered stops the producer (gapless guarantee): what was under way is waited for, the producer is made anew, and
// the runner brings again what has not arrived. So the order of each partition stands, and nothing arrives twice.
// What an error means: kafka_errors.h. librdkafka has threads of its own; everything here runs on the output's.
#pragma once

#include <librdkafka/rdkafka.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "base/byte_buffer.h"
#include "loop/fd.h"
#include "outputs/backoff.h"
#include "outputs/kafka_errors.h"
#include "outputs/kafka_flights.h"
#include "outputs/kafka_headers.h"
#include "outputs/sink.h"
#include "outputs/stream_hosts.h"
#include "wire/encode_line.h"

namespace thorlog {

class KafkaSink final : public Sink {
 public:
  KafkaSink(const OutputSettings& settings, const SinkContext& context);
  ~KafkaSink();

  void start() override;
  bool ready() const noexcept override { return phase_ == Phase::taking && !blocked_; }
  void begin_batch(const BatchRef& batch) override { flights_.begin_batch(batch); }
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override { flights_.mark(token); }
  void flush() override { report(); }
  void close(std::function<void()> done) override;
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  enum class Phase : std::uint8_t {
    waiting,  // no producer; the next is made when the timer fires
    taking,
    settling,  // takes nothing more; when all that is under way has been reported, the producer goes
    closing,
    closed
  };
  // Why the producer has to go.
  struct Trouble {
    bool any = false;
    KafkaJudgement judgement;
    std::string text;
  };
  struct Close {
    void operator()(rd_kafka_t* producer) const noexcept;
    void operator()(rd_kafka_topic_t* topic) const noexcept { rd_kafka_topic_destroy(topic); }
    void operator()(rd_kafka_queue_t* queue) const noexcept { rd_kafka_queue_destroy(queue); }
  };

  void open_producer();
  Status make_producer();
  void set_window(std::size_t partitions);
  void destroy_producer();

  Taken produce(const StoredRecord& record);
  Taken refused(rd_kafka_resp_err_t error);
  std::string_view key_of(const Record& record) noexcept;

  void poll();
  void on_reports(rd_kafka_event_t& event);
  void keep_headers(const rd_kafka_message_t& message, std::uint32_t shape);
  void on_failed(const rd_kafka_message_t& message);
  bool park(std::uint64_t seq, const rd_kafka_message_t& message);
  void on_error(rd_kafka_event_t& event);
  void on_statistics(std::string_view json);
  void report();
  void tick();

  void settle(KafkaJudgement judgement, std::string text);
  void settled();
  void say(Retry reason, std::string text);
  void judge_state();
  void end_of_close();

  SinkContext context_;
  OutputSettings settings_;
  LineEncoder encoder_;
  ByteBuffer line_;
  KafkaHeaders headers_;
  StreamHosts hosts_;
  SinkStatus status_;

  Phase phase_ = Phase::waiting;
  bool blocked_ = false;  // the window is full
  KafkaFlights flights_;
  Fd bell_;  // an eventfd that librdkafka rings; outlives the producer
  std::unique_ptr<rd_kafka_t, Close> producer_;
  std::unique_ptr<rd_kafka_queue_t, Close> queue_;
  std::unique_ptr<rd_kafka_topic_t, Close> topic_;
  std::unique_ptr<FdWatch> watch_;
  Backoff backoff_;
  Timer timer_;  // waiting: until the next producer; settling: gives up waiting for reports
  Timer tick_;
  Trouble trouble_;

  // Records of batches that were refused for one of them. Until each of them has been sent alone, all are.
  std::unordered_set<std::uint64_t> suspects_;
  bool one_by_one_ = false;  // of the producer of now
  bool suspect_was_refused_ = false;
  std::size_t batch_limit_ = 0;  // of the configuration
  std::size_t batch_bytes_ = 0;  // 0: as configured; less once a topic has shown that it takes only smaller batches

  bool knows_brokers_ = false;  // from the statistics
  bool any_broker_up_ = false;
  std::int64_t progress_at_ = 0;  // steady; the last record that arrived, or when nothing was under way
  std::function<void()> done_;
};

}  // namespace thorlog
