// librdkafka's mock cluster: Kafka brokers inside this process that fail as asked. For errors that a real broker
// can't be made to give on demand; the real one is in tests/system. It keeps the last 5 MB of each partition.
#pragma once

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/settings.h"

namespace thorlog {

struct KafkaCopy {  // a record as a consumer gets it
  std::string key;
  std::string value;
  std::map<std::string, std::string> headers;
  std::int64_t timestamp = 0;
  std::int32_t partition = 0;
};

class MockKafka {
 public:
  explicit MockKafka(int brokers = 1);
  ~MockKafka();

  std::vector<std::string> brokers() const;
  void topic(const std::string& name, int partitions, int copies = 1);
  // Each of the next produce requests gets one of these errors, in their order.
  void fail_produce(const std::vector<rd_kafka_resp_err_t>& errors);
  // The next requests of this kind get these errors.
  void fail(std::int16_t api, const std::vector<rd_kafka_resp_err_t>& errors);
  void down(int broker);
  void up(int broker);
  void slow(int broker, int milliseconds);
  void lead(const std::string& name, int partition, int broker);
  void topic_error(const std::string& name, rd_kafka_resp_err_t error);

  // Everything that is in the topic now, each partition in order.
  std::vector<KafkaCopy> read(const std::string& name, int partitions) const;
  std::int64_t count(const std::string& name, int partitions) const;

 private:
  rd_kafka_t* host_ = nullptr;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  rd_kafka_t* consumer_ = nullptr;
};

OutputSettings kafka_output(const std::string& name, const MockKafka& kafka, const std::string& topic);

}  // namespace thorlog
