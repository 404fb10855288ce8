#include "mock_kafka.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <sstream>

namespace thorlog {
namespace {

constexpr std::int16_t kProduce = 0;  // Kafka's number of the request

rd_kafka_t* new_client(rd_kafka_type_t type, const std::vector<std::pair<std::string, std::string>>& settings) {
  std::array<char, 512> text{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK) {
      std::fprintf(stderr, "%s\n", text.data());
      std::abort();
    }
  }
  rd_kafka_t* client = rd_kafka_new(type, conf, text.data(), text.size());
  if (client == nullptr) std::abort();
  return client;
}

std::map<std::string, std::string> headers_of(const rd_kafka_message_t& message) {
  std::map<std::string, std::string> all;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return all;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    all[name] = std::string(static_cast<const char*>(value), size);
  }
  return all;
}

}  // namespace

MockKafka::MockKafka(int brokers) {
  host_ = new_client(RD_KAFKA_PRODUCER, {{"log_level", "2"}});
  cluster_ = rd_kafka_mock_cluster_new(host_, brokers);
  consumer_ = new_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_)},
                                             {"group.id", "test"},
                                             {"fetch.message.max.bytes", "8388608"},
                                             {"log_level", "2"}});
}

MockKafka::~MockKafka() {
  rd_kafka_destroy(consumer_);
  rd_kafka_mock_cluster_destroy(cluster_);
  rd_kafka_destroy(host_);
}

std::vector<std::string> MockKafka::brokers() const {
  std::vector<std::string> list;
  std::istringstream text(rd_kafka_mock_cluster_bootstraps(cluster_));
  for (std::string one; std::getline(text, one, ',');) list.push_back(one);
  return list;
}

void MockKafka::topic(const std::string& name, int partitions, int copies) {
  rd_kafka_mock_topic_create(cluster_, name.c_str(), partitions, copies);
}

void MockKafka::fail(std::int16_t api, const std::vector<rd_kafka_resp_err_t>& errors) {
  rd_kafka_mock_push_request_errors_array(cluster_, api, errors.size(), errors.data());
}
void MockKafka::fail_produce(const std::vector<rd_kafka_resp_err_t>& errors) { fail(kProduce, errors); }
void MockKafka::down(int broker) { rd_kafka_mock_broker_set_down(cluster_, broker); }
void MockKafka::up(int broker) { rd_kafka_mock_broker_set_up(cluster_, broker); }
void MockKafka::slow(int broker, int milliseconds) { rd_kafka_mock_broker_set_rtt(cluster_, broker, milliseconds); }
void MockKafka::lead(const std::string& name, int partition, int broker) {
  rd_kafka_mock_partition_set_leader(cluster_, name.c_str(), partition, broker);
}
void MockKafka::topic_error(const std::string& name, rd_kafka_resp_err_t error) {
  rd_kafka_mock_topic_set_error(cluster_, name.c_str(), error);
}

std::int64_t MockKafka::count(const std::string& name, int partitions) const {
  std::int64_t all = 0;
  for (int i = 0; i < partitions; ++i) {
    std::int64_t low = 0, high = 0;
    if (rd_kafka_query_watermark_offsets(consumer_, name.c_str(), i, &low, &high, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR)
      all += high;
  }
  return all;
}

std::vector<KafkaCopy> MockKafka::read(const std::string& name, int partitions) const {
  std::vector<KafkaCopy> copies;
  std::int64_t wanted = 0;
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) {
    std::int64_t low = 0, high = 0;
    if (rd_kafka_query_watermark_offsets(consumer_, name.c_str(), i, &low, &high, 5000) != RD_KAFKA_RESP_ERR_NO_ERROR)
      continue;
    wanted += high - low;
    rd_kafka_topic_partition_list_add(list, name.c_str(), i)->offset = low;
  }
  rd_kafka_assign(consumer_, list);
  rd_kafka_topic_partition_list_destroy(list);
  for (int idle = 0; static_cast<std::int64_t>(copies.size()) < wanted && idle < 100;) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer_, 100);
    if (message == nullptr) {
      ++idle;
      continue;
    }
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      KafkaCopy copy;
      copy.key = std::string(static_cast<const char*>(message->key), message->key_len);
      copy.value = std::string(static_cast<const char*>(message->payload), message->len);
      copy.headers = headers_of(*message);
      rd_kafka_timestamp_type_t type{};
      copy.timestamp = rd_kafka_message_timestamp(message, &type);
      copy.partition = message->partition;
      copies.push_back(std::move(copy));
    }
    rd_kafka_message_destroy(message);
  }
  rd_kafka_assign(consumer_, nullptr);
  return copies;
}

OutputSettings kafka_output(const std::string& name, const MockKafka& kafka, const std::string& topic) {
  OutputSettings settings;
  settings.name = name;
  settings.type = OutputType::kafka;
  settings.brokers = kafka.brokers();
  settings.topic = topic;
  settings.start = StartAt::oldest;
  return settings;
}

}  // namespace thorlog
