#include "outputs/kafka_errors.h"

#include <algorithm>
#include <iterator>

namespace thorlog {
namespace {

struct Row {
  rd_kafka_resp_err_t error;
  KafkaVerdict verdict;
  Retry reason;
};

// What librdkafka tries again itself, as a moved leader, comes here only when it has given up on it.
constexpr Row kRows[] = {
    // Too large for the topic or broker, or refused for what it holds.
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, KafkaVerdict::park, Retry::refused},
    {RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE, KafkaVerdict::park, Retry::refused},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, KafkaVerdict::park, Retry::refused},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, KafkaVerdict::park, Retry::refused},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD, KafkaVerdict::park, Retry::refused},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, KafkaVerdict::park, Retry::refused},

    // A topic that is missing, or that this user may not write.
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, KafkaVerdict::hold, Retry::topic},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, KafkaVerdict::hold, Retry::refused},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, KafkaVerdict::hold, Retry::refused},
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, KafkaVerdict::hold, Retry::denied},
    {RD_KAFKA_RESP_ERR__SSL, KafkaVerdict::hold, Retry::tls},

    // The way to the brokers.
    {RD_KAFKA_RESP_ERR__RESOLVE, KafkaVerdict::retry, Retry::resolve},
    {RD_KAFKA_RESP_ERR__TRANSPORT, KafkaVerdict::retry, Retry::connect},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, KafkaVerdict::retry, Retry::connect},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, KafkaVerdict::retry, Retry::timeout},
    {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, KafkaVerdict::retry, Retry::timeout},
    {RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE, KafkaVerdict::retry, Retry::timeout},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, KafkaVerdict::retry, Retry::timeout},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, KafkaVerdict::retry, Retry::disk_full},
};

}  // namespace

KafkaJudgement judge(rd_kafka_resp_err_t error) noexcept {
  const auto* row =
      std::find_if(std::begin(kRows), std::end(kRows), [error](const Row& one) { return one.error == error; });
  if (row == std::end(kRows)) return {};
  return {row->verdict, row->reason};
}

}  // namespace thorlog
