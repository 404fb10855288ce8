// librdkafka's statistics, reduced to what an operator looks at and our window needs. Any thread; once a second.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "outputs/snapshot.h"

namespace thorlog {

struct KafkaStatistics {
  std::vector<BrokerFigures> brokers;
  std::size_t partitions = 0;  // of all topics in use; 0: not known yet
};

// False when the text is not what librdkafka writes.
bool read_kafka_statistics(std::string_view json, KafkaStatistics& statistics);

}  // namespace thorlog
