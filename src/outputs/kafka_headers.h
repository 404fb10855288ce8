// The headers of a Kafka record (docs/formats.md): the labels of the line under the names that RFC 5424 output has,
// and what a thorlogd that reads the topic needs to take the record as its own. One thread for each object.
#pragma once

#include <librdkafka/rdkafka.h>

#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

class KafkaHeaders {
 public:
  // The caller owns them, until a produce call has taken them over.
  rd_kafka_headers_t* make(const StoredRecord& stored);

 private:
  StampCache received_;
};

}  // namespace thorlog
