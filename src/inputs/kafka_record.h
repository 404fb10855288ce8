// A Kafka record that a thorlogd produced (header thorlog-event: 1), as what it is. Pure; views into the message.
#pragma once

#include <librdkafka/rdkafka.h>

#include <string>

#include "inputs/intake.h"

namespace thorlog {

// Reads the headers. False when it is no record of a thorlogd: then it is a frame like any other. `raw` is the value,
// moved by the caller to where kReadAhead bytes behind it can be read; `now`: wall clock, when nothing else is known.
// `origin` is "kafka:PARTITION:OFFSET" and gets ";JOURNAL_ID/ID" behind it.
bool read_whole_record(const rd_kafka_message_t& message, std::string_view raw, std::int64_t now, WholeRecord& record,
                       std::string& origin);

void write_origin(std::string& origin, std::int32_t partition, std::int64_t offset);
// Of "kafka:PARTITION:OFFSET". False for anything else.
bool read_origin(std::string_view origin, std::int32_t& partition, std::int64_t& offset);

// "2026-11-27T01:31:28.123456789Z" as ns since 1970; kNoTime for anything else.
std::int64_t read_utc_stamp(std::string_view text) noexcept;

}  // namespace thorlog
