// Input `kafka`: partitions of a topic, each given to one worker for good; nobody rebalances. Where each partition
// was stands in the journal (Record::origin), and the input goes on behind it after a restart; the brokers are told
// of an offset once its record is as durable as configured.
#pragma once

#include <memory>
#include <span>

#include "inputs/input.h"

namespace thorlog {

Result<std::unique_ptr<Input>> open_kafka_input(const InputSettings& settings, std::span<const InputSettings> all,
                                                std::size_t workers);

}  // namespace thorlog
