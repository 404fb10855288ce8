#include "outputs/kafka_statistics.h"

#include <simdjson.h>

namespace thorlog {
namespace {

using simdjson::dom::element;

std::int64_t number(element from, const char* key) {
  std::int64_t value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0;
}

std::string text(element from, const char* key) {
  std::string_view value;
  return from[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

// What librdkafka calls a broker beside those of the cluster: its group coordinator, its own queue.
bool is_logical(element broker) {
  const std::string source = text(broker, "source");
  return source == "logical" || source == "internal";
}

std::size_t partitions_of(element all) {
  std::size_t count = 0;
  simdjson::dom::object topics, partitions;
  if (all["topics"].get(topics) != simdjson::SUCCESS) return 0;
  for (const auto& [name, topic] : topics) {
    if (topic["partitions"].get(partitions) != simdjson::SUCCESS) continue;
    for (const auto& [partition, figures] : partitions)
      count += partition != "-1" ? 1 : 0;  // that one is nowhere yet
  }
  return count;
}

}  // namespace

bool read_kafka_statistics(std::string_view json, KafkaStatistics& statistics) {
  simdjson::dom::parser parser;
  element all;
  simdjson::dom::object list;
  if (parser.parse(json.data(), json.size()).get(all) != simdjson::SUCCESS) return false;
  if (all["brokers"].get(list) != simdjson::SUCCESS) return false;
  statistics.partitions = partitions_of(all);
  std::vector<BrokerFigures>& brokers = statistics.brokers;
  brokers.clear();
  bool any_learned = false;
  for (const auto& [key, broker] : list) {
    if (is_logical(broker)) continue;
    BrokerFigures figures;
    figures.name = text(broker, "nodename");
    if (figures.name.empty()) figures.name = text(broker, "name");
    figures.is_bootstrap = number(broker, "nodeid") < 0;
    figures.state = text(broker, "state");
    figures.requests = static_cast<std::uint64_t>(number(broker, "waitresp_cnt") + number(broker, "outbuf_cnt"));
    element round_trip;
    if (broker["rtt"].get(round_trip) == simdjson::SUCCESS) {
      figures.round_trip_seconds = static_cast<double>(number(round_trip, "avg")) * 1e-6;
    }
    any_learned = any_learned || !figures.is_bootstrap;
    brokers.push_back(std::move(figures));
  }
  // The addresses of the configuration are only the way in: once the cluster is known they stand twice.
  if (any_learned) std::erase_if(brokers, [](const BrokerFigures& one) { return one.is_bootstrap; });
  return true;
}

}  // namespace thorlog
