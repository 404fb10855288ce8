#include "inputs/kafka_reader.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <array>

#include "base/log.h"
#include "config/kafka_conf.h"
#include "inputs/kafka_record.h"
#include "thorlog/frame.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kCommitMs = 1000;
constexpr std::size_t kMessagesAtOnce = 500;
constexpr std::size_t kBytesPerTurn = 1U << 20;
constexpr std::size_t kKeepBuffer = 1U << 20;
constexpr std::uint64_t kRing = 1;

struct ListDelete {
  void operator()(rd_kafka_topic_partition_list_t* list) const noexcept {
    rd_kafka_topic_partition_list_destroy(list);
  }
};
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t, ListDelete>;

void log_client(const rd_kafka_t* client, int level, const char* facility, const char* text) {
  if (level > 4) return;
  const auto* name = static_cast<const std::string*>(rd_kafka_opaque(client));
  log_limited(Severity::warning, facility, *name, fmt::format("librdkafka: {}", text));
}

// LF, CR and NUL at the end are a producer's idea of a line.
std::string_view without_trailer(std::string_view value) noexcept {
  const std::size_t end = value.find_last_not_of(std::string_view("\n\r\0", 3));
  return end == std::string_view::npos ? std::string_view() : value.substr(0, end + 1);
}

}  // namespace

KafkaReader::KafkaReader(const InputSettings& settings, WorkerContext& context, std::size_t slot,
                         KafkaReadings& readings)
    : settings_(settings),
      context_(context),
      slot_(slot),
      readings_(readings),
      subject_("input " + settings.name),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      commit_timer_(context.loop, [this] { commit(); }) {
  THORLOG_ASSERT(bell_);
  watch_ = std::make_unique<FdWatch>(context_.loop, bell_.get(), [this](int, int) { read(); });
  watch_->start(UV_READABLE);
}

KafkaReader::~KafkaReader() { stop(); }

void KafkaReader::ring() noexcept {
  [[maybe_unused]] const ssize_t written = ::write(bell_.get(), &kRing, sizeof kRing);
}

// ---- the consumer

bool KafkaReader::make_consumer() {
  auto conf = make_kafka_conf(KafkaRole::consumer, settings_.brokers, settings_.settings);
  THORLOG_ASSERT(conf);  // was checked when it was read
  rd_kafka_conf_set_log_cb(conf->get(), log_client);
  rd_kafka_conf_set_opaque(conf->get(), &subject_);
  std::array<char, 512> text{};
  consumer_.reset(rd_kafka_new(RD_KAFKA_CONSUMER, conf->get(), text.data(), text.size()));
  if (!consumer_) {
    log(Severity::error, subject_, fmt::format("making the consumer: {}", text.data()));
    return false;
  }
  static_cast<void>(conf->release());
  rd_kafka_poll_set_consumer(consumer_.get());
  queue_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  rd_kafka_queue_io_event_enable(queue_.get(), bell_.get(), &kRing, sizeof kRing);
  commit_timer_.start(kCommitMs, kCommitMs);
  return true;
}

void KafkaReader::add(std::int32_t number, std::int64_t from) {
  if (partitions_.contains(number)) return;
  if (!consumer_ && !make_consumer()) return;
  const std::string peer = fmt::format("kafka:{}/{}", settings_.topic, number);
  StreamInfo info;
  info.input = slot_;
  info.peer = peer;
  info.peer_address = peer;
  info.datagrams = true;  // each message is one
  Partition& partition = partitions_[number];
  partition.stream = context_.intake.open(info);
  partition.next = from;
  if (from >= 0) partition.safe = from;  // what the journal has may not have been committed yet
  ++readings_.partitions;
  assign();
}

void KafkaReader::assign() {
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions_.size())));
  for (const auto& [number, partition] : partitions_) {
    rd_kafka_topic_partition_list_add(list.get(), settings_.topic.c_str(), number)->offset = partition.next;
  }
  if (const auto error = rd_kafka_assign(consumer_.get(), list.get()); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    log(Severity::error, subject_, fmt::format("assigning partitions: {}", rd_kafka_err2str(error)));
  }
}

void KafkaReader::stop() {
  if (watch_) watch_->stop();
  watch_.reset();
  commit_timer_.stop();
  for (auto& [number, partition] : partitions_) context_.intake.close(partition.stream);
  readings_.partitions -= partitions_.size();
  partitions_.clear();
  set_paused(false);
  queue_.reset();
  consumer_.reset();
}

// ---- reading

void KafkaReader::set_paused(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  paused ? ++readings_.paused : --readings_.paused;
}

void KafkaReader::read() {
  std::uint64_t rings = 0;
  while (::read(bell_.get(), &rings, sizeof rings) > 0) {
  }
  if (!queue_) return;
  std::size_t bytes = 0;
  std::array<rd_kafka_message_t*, kMessagesAtOnce> messages{};
  while (bytes < kBytesPerTurn) {
    if (!context_.intake.has_room()) return set_paused(true);  // resumed by the input, which rings
    set_paused(false);
    const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), 0, messages.data(), messages.size());
    if (count <= 0) return;
    for (ssize_t i = 0; i < count; ++i) {
      const rd_kafka_message_t& message = *messages[static_cast<std::size_t>(i)];
      message.err == RD_KAFKA_RESP_ERR_NO_ERROR ? take(message) : on_error(message);
      bytes += message.len;
      rd_kafka_message_destroy(messages[static_cast<std::size_t>(i)]);
    }
  }
  ring();  // the loop has its turn first
}

void KafkaReader::take(const rd_kafka_message_t& message) {
  const auto found = partitions_.find(message.partition);
  if (found == partitions_.end()) return;
  Partition& partition = found->second;
  if (message.offset < partition.next) return;  // of an earlier assignment
  partition.next = message.offset + 1;
  write_origin(origin_, message.partition, message.offset);

  value_.clear();
  value_.release_above(kKeepBuffer);
  value_.reserve(message.len + kReadAhead);
  value_.append({static_cast<const char*>(message.payload), message.len});
  const std::int64_t now = context_.clock.wall();
  WholeRecord whole;
  if (value_.empty()) {
    ++context_.intake.books(slot_).empty;
  } else if (settings_.trust == Trust::thorlogd && read_whole_record(message, value_.view(), now, whole, origin_)) {
    context_.intake.take(partition.stream, whole);
  } else {
    context_.intake.set_origin(partition.stream, origin_);
    offer(partition, without_trailer(value_.view()), now, false);
  }
  if (context_.intake.held(partition.stream) == 0) partition.safe = partition.next;
}

void KafkaReader::offer(Partition& partition, std::string_view value, std::int64_t received, bool more) {
  if (value.empty()) {
    ++context_.intake.books(slot_).empty;
    return;
  }
  const std::int64_t now = context_.clock.steady();
  Frame frame;
  while (value.size() > settings_.max_message) {
    frame.bytes = value.substr(0, settings_.max_message);
    frame.flags = flag::oversize;
    context_.intake.offer(partition.stream, frame, now, received, true);
    value.remove_prefix(frame.bytes.size());
    frame.continues = true;
  }
  frame.bytes = value;
  frame.flags = 0;
  context_.intake.offer(partition.stream, frame, now, received, more);
}

void KafkaReader::on_error(const rd_kafka_message_t& message) {
  log_limited(Severity::warning, "kafka", subject_,
              fmt::format("{} [{}]: {}", settings_.topic, message.partition, rd_kafka_message_errstr(&message)));
}

// ---- what is durable

void KafkaReader::commit() {
  // What is paused is looked at again, too: a bell that rang while there was no room is not lost this way.
  ring();
  const std::uint64_t durable = context_.intake.durable(slot_);
  if (!waiting_.empty() && durable >= emitted_) {
    const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(waiting_.size())));
    for (const auto& [number, offset] : waiting_) {
      rd_kafka_topic_partition_list_add(list.get(), settings_.topic.c_str(), number)->offset = offset;
      committed_[number] = offset;
    }
    if (const auto error = rd_kafka_commit(consumer_.get(), list.get(), 1); error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      log_limited(Severity::warning, "commit", subject_, fmt::format("committing: {}", rd_kafka_err2str(error)));
    }
    waiting_.clear();
  }
  if (!waiting_.empty()) return;
  emitted_ = context_.intake.books(slot_).emitted;
  for (const auto& [number, partition] : partitions_) {
    const auto last = committed_.find(number);
    const bool is_new = last == committed_.end() || last->second != partition.safe;
    if (partition.safe >= 0 && is_new) waiting_[number] = partition.safe;
  }
}

}  // namespace thorlog
