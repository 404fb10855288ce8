// What each error of Kafka means for the records it is about. A plain table; any thread.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>

#include "outputs/snapshot.h"

namespace thorlog {

enum class KafkaVerdict : std::uint8_t {
  retry,  // it will pass by itself: again, with back-off
  hold,   // a person must do something first. Again all the same, with the longest wait
  park,   // it is the record's fault, or that of another in its batch: found by sending each alone
};

struct KafkaJudgement {
  KafkaVerdict verdict = KafkaVerdict::retry;
  Retry reason = Retry::refused;
};

// Errors that the table does not know are retried: nothing is given up because of a code that a newer broker made up.
KafkaJudgement judge(rd_kafka_resp_err_t error) noexcept;

}  // namespace thorlog
