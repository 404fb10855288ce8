// librdkafka's statistics, reduced to what an operator looks at. Any thread; once a second.
#pragma once

#include <string_view>

#include "outputs/snapshot.h"

namespace thorlog {

// False when the text is not what librdkafka writes.
bool read_kafka_statistics(std::string_view json, std::vector<BrokerFigures>& brokers);

}  // namespace thorlog
