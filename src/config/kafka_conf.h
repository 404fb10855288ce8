// From `brokers` and `settings` to a configuration of librdkafka, for the Kafka input and output: what is ours to say
// (delivery, order, memory), what a person may add, and why something is refused. Any thread; touches no network.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "thorlog/result.h"

namespace thorlog {

enum class KafkaRole : std::uint8_t { producer, consumer };

struct KafkaConfDelete {
  void operator()(rd_kafka_conf_t* conf) const noexcept { rd_kafka_conf_destroy(conf); }
};
using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaConfDelete>;

// What is wrong with one of `settings`, in words that tell what to do; empty: nothing.
std::string kafka_setting_error(KafkaRole role, const std::string& name, const std::string& value);

// What is wrong with the settings together (a certificate that can't be read, a mechanism without a user); empty:
// nothing. Makes a client that knows no broker, and lets go of it.
std::string kafka_settings_error(KafkaRole role, const ExtraSettings& settings);

// "host:port", or "[::1]:port".
bool is_kafka_broker(std::string_view text) noexcept;
bool is_kafka_topic(std::string_view text) noexcept;  // 1 to 249 of letters, digits, '.', '_' and '-'

// Ready for rd_kafka_new() but for callbacks and events. Errors: config.
Result<KafkaConf> make_kafka_conf(KafkaRole role, const std::vector<std::string>& brokers,
                                  const ExtraSettings& settings);
// One more setting of our own; what is refused there is a broken promise of ours.
void set_kafka(rd_kafka_conf_t& conf, const char* name, const std::string& value);
// A setting that is a number.
std::uint64_t kafka_number(const rd_kafka_conf_t& conf, const char* name);

}  // namespace thorlog
