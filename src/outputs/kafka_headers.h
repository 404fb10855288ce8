// The headers of a Kafka record (docs/formats.md): the labels of the line under the names that RFC 5424 output has,
// and what a thorlogd that reads the topic needs to take the record as its own. One thread for each object.
#pragma once

#include "outputs/kafka_header_pool.h"
#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

class KafkaHeaders {
 public:
  using List = KafkaHeaderPool::List;

  KafkaHeaders();

  // The caller owns them, until a produce call has taken them over.
  List make(const StoredRecord& stored);
  // Of a record that has arrived, for later ones.
  void take_back(List list) { pool_.take_back(list); }
  // Gives back the memory of what was taken back.
  void clear() { pool_.clear(); }

 private:
  KafkaHeaderPool pool_;
  StampCache received_;
};

}  // namespace thorlog
