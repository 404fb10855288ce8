#include "outputs/kafka_sink.h"

#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "config/kafka_conf.h"
#include "outputs/kafka_statistics.h"
#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kTickMs = 1000;
// How long the answers of brokers are waited for when the producer has to go. What is still open then goes again, and
// may have arrived the first time.
constexpr std::uint64_t kSettleMs = 10'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFullAfter = kSecond;
constexpr std::int64_t kDay = 86'400 * kSecond;
constexpr std::size_t kSmallestBatch = 16U << 10;
constexpr std::size_t kSmallestWindow = 300'000;  // for each partition
constexpr std::size_t kMostBatches = 16;          // in all
constexpr std::size_t kMostBytes = KafkaFlights::Limits().bytes;
constexpr std::size_t kKeepBuffer = 1U << 20;
constexpr std::uint64_t kRing = 1;

std::string brokers_text(const OutputSettings& settings) {
  std::string text = "kafka://";
  for (const std::string& broker : settings.brokers) text += (text.back() == '/' ? "" : ",") + broker;
  return text + "/" + settings.topic;
}

std::int64_t record_time_ms(const Record& record) noexcept {
  const std::int64_t own = record.event.timestamp;
  const bool sane = own != kNoTime && own > 0 && own - record.received < kDay && record.received - own < kDay;
  return (sane ? own : record.received) / 1'000'000;
}

// Its warnings and worse. That the guarantee of order which we ask for is new to it, it says each time.
void log_client(const rd_kafka_t* producer, int level, const char* facility, const char* text) {
  if (level > 4 || std::string_view(text).find("is experimental") != std::string_view::npos) return;
  const auto* name = static_cast<const std::string*>(rd_kafka_opaque(producer));
  log_limited(Severity::warning, facility, *name, fmt::format("librdkafka: {}", text));
}

}  // namespace

void KafkaSink::Close::operator()(rd_kafka_t* producer) const noexcept { rd_kafka_destroy(producer); }

KafkaSink::KafkaSink(const OutputSettings& settings, const SinkContext& context)
    : context_(context),
      settings_(settings),
      encoder_(encode_options(settings, LineFraming::none)),
      bell_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      backoff_({}, static_cast<std::uint64_t>(context.clock.steady()) ^ std::hash<std::string>{}(context.name)),
      timer_(context.loop, [this] { phase_ == Phase::waiting ? open_producer() : settled(); }),
      tick_(context.loop, [this] { tick(); }) {
  THORLOG_ASSERT(bell_);
  context_.name = "output " + context_.name;
  status_.target = brokers_text(settings_);
}

KafkaSink::~KafkaSink() { destroy_producer(); }

// ---- the producer's life

void KafkaSink::start() {
  watch_ = std::make_unique<FdWatch>(context_.loop, bell_.get(), [this](int, int) { poll(); });
  watch_->start(UV_READABLE);
  tick_.start(kTickMs, kTickMs);
  status_.figures = std::make_shared<SinkFigures>();  // the client tells its own a second later
  open_producer();
}

void KafkaSink::open_producer() {
  if (auto made = make_producer(); !made) {
    say(Retry::refused, made.error().message());
    status_.state = OutputState::holding;
    timer_.start(backoff_.next_ms());
    return;
  }
  phase_ = Phase::taking;
  blocked_ = false;
  trouble_ = {};
  progress_at_ = context_.clock.steady();
  context_.host.sink_ready();
}

Status KafkaSink::make_producer() {
  auto conf = make_kafka_conf(KafkaRole::producer, settings_.brokers, settings_.settings);
  if (!conf) return fail(std::move(conf).error());
  one_by_one_ = !suspects_.empty();
  suspect_was_refused_ = false;
  batch_limit_ = kafka_number(**conf, "batch.size");
  if (one_by_one_) set_kafka(**conf, "batch.num.messages", "1");
  if (batch_bytes_ != 0) set_kafka(**conf, "batch.size", std::to_string(batch_bytes_));
  rd_kafka_conf_set_events(conf->get(), RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_STATS);
  rd_kafka_conf_set_log_cb(conf->get(), log_client);
  rd_kafka_conf_set_opaque(conf->get(), &context_.name);
  std::array<char, 512> text{};
  producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf->get(), text.data(), text.size()));
  if (!producer_) return fail({Errc::config, fmt::format("making the producer: {}", text.data()), 0});
  static_cast<void>(conf->release());  // the producer has taken it
  topic_.reset(rd_kafka_topic_new(producer_.get(), settings_.topic.c_str(), nullptr));
  THORLOG_ASSERT(topic_ != nullptr);
  set_window(0);
  queue_.reset(rd_kafka_queue_get_main(producer_.get()));
  rd_kafka_queue_io_event_enable(queue_.get(), bell_.get(), &kRing, sizeof kRing);
  return ok();
}

// librdkafka sends one request of a partition at a time when it keeps the order, and polls without a pause while the
// next one is due: its thread then takes a core from whoever is to answer. So there is one that is under way, and not
// quite another; and a small window stays in the processor's cache.
void KafkaSink::set_window(std::size_t partitions) {
  const std::size_t each = std::max(kSmallestWindow, batch_limit_ + batch_limit_ / 5);
  const std::size_t most = std::min(kMostBytes, kMostBatches * each);
  flights_.set_limit(std::min(most, std::max<std::size_t>(partitions, 1) * each));
}

void KafkaSink::destroy_producer() {
  topic_.reset();
  queue_.reset();
  producer_.reset();  // joins its threads; nobody holds lent bytes after it
  flights_.forget_all();
}

// ---- writing

Taken KafkaSink::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  if (flights_.has_arrived(record.seq)) return Taken::yes;
  if (!flights_.has_room()) {
    blocked_ = true;
    return Taken::not_now;
  }
  return produce(record);
}

std::string_view KafkaSink::key_of(const Record& record) noexcept {
  switch (settings_.key) {
    case KafkaKey::host:
      return hosts_.host_of(record);
    case KafkaKey::scan_id:
      return record.event.scan_id.empty() ? record.event.canonical_host : record.event.scan_id;
    case KafkaKey::none:
      break;
  }
  return {};
}

Taken KafkaSink::produce(const StoredRecord& record) {
  const Event& event = record.record.event;
  std::string_view value = event.raw;
  int flags = 0;
  // A line as it came lies in the batch for as long as that is kept. Anything else is made here and copied there.
  if (settings_.format != OutputFormat::raw) {
    line_.clear();
    line_.release_above(kKeepBuffer);
    encoder_.append(record, line_);
    value = line_.view();
    flags = RD_KAFKA_MSG_F_COPY;
  } else if (record.made || !flights_.lend()) {
    flags = RD_KAFKA_MSG_F_COPY;
  }
  const std::string_view key = key_of(record.record);
  const KafkaHeaders::List headers = headers_.make(record);
  const auto ticket = reinterpret_cast<void*>(flights_.next());  // NOLINT: a number that librdkafka carries for us
  // librdkafka's interface takes bytes it may own, so they are not const there; without F_FREE it never changes them.
  const rd_kafka_resp_err_t error =
      rd_kafka_producev(producer_.get(), RD_KAFKA_V_RKT(topic_.get()), RD_KAFKA_V_MSGFLAGS(flags),
                        RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                        RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()),
                        RD_KAFKA_V_TIMESTAMP(record_time_ms(record.record)), RD_KAFKA_V_HEADERS(headers.headers),
                        RD_KAFKA_V_OPAQUE(ticket), RD_KAFKA_V_END);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
    flights_.launch(record.seq, value.size(), headers.shape);
    return Taken::yes;
  }
  headers_.take_back(headers);
  return refused(error);
}

Taken KafkaSink::refused(rd_kafka_resp_err_t error) {
  if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {  // `settings` may make it smaller than our window
    blocked_ = true;
    return Taken::not_now;
  }
  const KafkaJudgement judgement = judge(error);
  const std::string text = rd_kafka_err2str(error);
  if (judgement.verdict == KafkaVerdict::park) return Taken::oversize;
  settle(judgement, text);
  return Taken::not_now;
}

// ---- what comes back

void KafkaSink::poll() {
  std::uint64_t rings = 0;
  while (::read(bell_.get(), &rings, sizeof rings) > 0) {
  }
  // It rings again only when its queue was empty: so until it is. Our window bounds what can be there.
  while (queue_) {
    rd_kafka_event_t* event = rd_kafka_queue_poll(queue_.get(), 0);
    if (event == nullptr) break;
    switch (rd_kafka_event_type(event)) {
      case RD_KAFKA_EVENT_DR:
        on_reports(*event);
        break;
      case RD_KAFKA_EVENT_ERROR:
        on_error(*event);
        break;
      case RD_KAFKA_EVENT_STATS:
        on_statistics(rd_kafka_event_stats(event));
        break;
      default:
        break;
    }
    rd_kafka_event_destroy(event);
  }
  report();
}

void KafkaSink::on_reports(rd_kafka_event_t& event) {
  progress_at_ = context_.clock.steady();
  while (const rd_kafka_message_t* message = rd_kafka_event_message_next(&event)) {
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      on_failed(*message);
      continue;
    }
    const auto ticket = reinterpret_cast<std::uintptr_t>(message->_private);
    keep_headers(*message, flights_.note(ticket));
    const std::uint64_t seq = flights_.arrived(ticket);
    if (one_by_one_) suspects_.erase(seq);
  }
}

void KafkaSink::keep_headers(const rd_kafka_message_t& message, std::uint32_t shape) {
  KafkaHeaders::List list{nullptr, shape};
  // The report is ours until the event goes; its messages are const only so that nobody frees them.
  auto& report = const_cast<rd_kafka_message_t&>(message);
  if (rd_kafka_message_detach_headers(&report, &list.headers) == RD_KAFKA_RESP_ERR_NO_ERROR) headers_.take_back(list);
}

void KafkaSink::on_failed(const rd_kafka_message_t& message) {
  const std::uint64_t seq = flights_.failed(reinterpret_cast<std::uintptr_t>(message._private));
  switch (message.err) {
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:  // we, or its fatal error, took it back
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL:
      return;
    default:
      break;
  }
  KafkaJudgement judgement = judge(message.err);
  if (judgement.verdict == KafkaVerdict::park) {
    suspects_.insert(seq);
    if (one_by_one_ && !park(seq, message)) judgement.verdict = KafkaVerdict::hold;
  }
  settle(judgement, rd_kafka_err2str(message.err));
}

// It was alone in its batch, so it is the one. False: there is no room among the dead letters.
bool KafkaSink::park(std::uint64_t seq, const rd_kafka_message_t& message) {
  const bool large = message.err == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
  if (!context_.host.park(seq, large ? "too large" : "refused", rd_kafka_err2str(message.err))) return false;
  suspects_.erase(seq);
  suspect_was_refused_ = true;
  return true;
}

void KafkaSink::on_error(rd_kafka_event_t& event) {
  rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    std::array<char, 512> text{};
    error = rd_kafka_fatal_error(producer_.get(), text.data(), text.size());
    // Why it is so, the failed record itself says better.
    if (error == RD_KAFKA_RESP_ERR__GAPLESS_GUARANTEE) return settle({}, std::string());
    return settle(judge(error), text.data());
  }
  const KafkaJudgement judgement = judge(error);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) any_broker_up_ = false;
  // That no broker is left follows from each having refused us, and says less.
  if (status_.state == OutputState::holding && judgement.verdict != KafkaVerdict::hold) return;
  say(judgement.reason, rd_kafka_event_error_string(&event));
  if (phase_ != Phase::taking) return;
  if (judgement.verdict == KafkaVerdict::hold) {
    status_.state = OutputState::holding;
  } else if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && status_.state != OutputState::holding) {
    status_.state = OutputState::retrying;
  }
}

void KafkaSink::on_statistics(std::string_view json) {
  auto figures = std::make_shared<SinkFigures>();
  KafkaStatistics statistics;
  if (!read_kafka_statistics(json, statistics)) return;
  set_window(statistics.partitions);
  figures->brokers = std::move(statistics.brokers);
  figures->in_flight_records = flights_.under_way();
  figures->in_flight_bytes = flights_.bytes();
  any_broker_up_ = false;
  for (const BrokerFigures& broker : figures->brokers) any_broker_up_ = any_broker_up_ || broker.is_up();
  knows_brokers_ = true;
  status_.figures = std::move(figures);
  judge_state();
}

void KafkaSink::report() {
  if (const Token token = flights_.take_delivered(); token != 0) {
    backoff_.reset();
    context_.host.delivered(token);
    if (phase_ == Phase::taking) status_.state = OutputState::streaming;
  }
  if (flights_.under_way() == 0) progress_at_ = context_.clock.steady();
  if (phase_ == Phase::settling && flights_.under_way() == 0) return timer_.start(0);
  if (phase_ == Phase::closing && flights_.under_way() == 0) return end_of_close();
  if (phase_ != Phase::taking) return;
  // Each of them was sent alone: from now on in batches again.
  if (one_by_one_ && suspects_.empty()) return settle({KafkaVerdict::park, Retry::refused}, std::string());
  if (blocked_ && flights_.has_much_room()) {
    blocked_ = false;
    context_.host.sink_ready();
  }
}

void KafkaSink::tick() {
  if (flights_.under_way() == 0) headers_.clear();
  judge_state();
}

// What the state is while the producer takes records; in the other phases whoever went there has said it.
void KafkaSink::judge_state() {
  if (phase_ != Phase::taking || !knows_brokers_) return;
  if (!any_broker_up_) {
    if (status_.state == OutputState::streaming || status_.state == OutputState::full) {
      status_.state = OutputState::retrying;
      say(Retry::connect, "no broker is connected");
    }
    return;
  }
  const bool stuck = blocked_ && context_.clock.steady() - progress_at_ >= kFullAfter;
  status_.state = stuck ? OutputState::full : OutputState::streaming;
}

// ---- when the producer has to go

void KafkaSink::settle(KafkaJudgement judgement, std::string text) {
  if (phase_ == Phase::closing || phase_ == Phase::closed) return;
  const bool tells_more = !text.empty() && (trouble_.text.empty() || judgement.verdict == KafkaVerdict::hold);
  if (!trouble_.any || tells_more) trouble_ = {true, judgement, std::move(text)};
  if (phase_ == Phase::settling) return;
  phase_ = Phase::settling;
  rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_NON_BLOCKING);
  timer_.start(flights_.under_way() == 0 ? 0 : kSettleMs);
}

void KafkaSink::settled() {
  if (phase_ != Phase::settling) return;
  timer_.stop();
  status_.repeated_bytes += flights_.bytes();
  destroy_producer();
  // Not one of the batch was too large by itself: so the topic takes only smaller batches.
  if (one_by_one_ && suspects_.empty() && !suspect_was_refused_) {
    batch_bytes_ = std::max(kSmallestBatch, (batch_bytes_ == 0 ? batch_limit_ : batch_bytes_) / 2);
  }
  phase_ = Phase::waiting;
  const bool parks = trouble_.judgement.verdict == KafkaVerdict::park;
  if (!trouble_.text.empty()) say(trouble_.judgement.reason, std::move(trouble_.text));
  if (!parks) {
    const bool holds = trouble_.judgement.verdict == KafkaVerdict::hold;
    status_.state = holds ? OutputState::holding : OutputState::retrying;
  }
  timer_.start(parks ? 0 : backoff_.next_ms());
  context_.host.rewind();
}

void KafkaSink::say(Retry reason, std::string text) {
  ++status_.retries[static_cast<std::size_t>(reason)];
  log_limited(Severity::warning, "kafka", context_.name, text);
  status_.last_error = std::move(text);
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
}

// ---- the end

void KafkaSink::close(std::function<void()> done) {
  done_ = std::move(done);
  report();
  if (phase_ != Phase::taking || flights_.under_way() == 0) return end_of_close();
  phase_ = Phase::closing;
}

void KafkaSink::end_of_close() {
  phase_ = Phase::closed;
  timer_.stop();
  tick_.stop();
  if (watch_) watch_->stop();
  status_.repeated_bytes += flights_.bytes();
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
