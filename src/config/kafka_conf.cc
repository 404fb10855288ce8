#include "config/kafka_conf.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "config/units.h"

namespace thorlog {
namespace {

struct Refused {
  std::string_view name;
  std::string_view why;
};

constexpr std::string_view kAllCopies = "thorlogd always waits until all in-sync copies have a record";
constexpr std::string_view kOrder = "thorlogd's promise of order and no duplicates hangs on it";
constexpr std::string_view kNoGivingUp = "thorlogd never gives a record up because time has passed";
constexpr std::string_view kUseBrokers = "say it with 'brokers'";
constexpr std::string_view kOffsets = "thorlogd commits an offset when its records are durable";

constexpr Refused kRefusedAlways[] = {
    {"plugin.library.paths", "no code is loaded into the daemon"},
    {"bootstrap.servers", kUseBrokers},
    {"metadata.broker.list", kUseBrokers},
};
constexpr Refused kRefusedOfProducers[] = {
    {"acks", kAllCopies},
    {"request.required.acks", kAllCopies},
    {"enable.idempotence", kOrder},
    {"enable.gapless.guarantee", kOrder},
    {"max.in.flight", kOrder},
    {"max.in.flight.requests.per.connection", kOrder},
    {"message.timeout.ms", kNoGivingUp},
    {"delivery.timeout.ms", kNoGivingUp},
    {"retries", kNoGivingUp},
    {"message.send.max.retries", kNoGivingUp},
    {"transactional.id", "thorlogd uses no transactions"},
};
constexpr Refused kRefusedOfConsumers[] = {
    {"enable.auto.commit", kOffsets},
    {"enable.auto.offset.store", kOffsets},
    {"enable.partition.eof", "thorlogd reads on for ever"},
};

using OwnSettings = std::span<const std::pair<const char*, const char*>>;

// What may be changed by `settings` stands first, what may not is refused above.
constexpr std::pair<const char*, const char*> kProducerSettings[] = {
    {"enable.idempotence", "true"},        // acks=all, and at most 5 requests under way
    {"enable.gapless.guarantee", "true"},  // a record that fails stops those behind it: order by key
    {"message.timeout.ms", "0"},
    {"partitioner", "murmur2_random"},            // as Java's clients choose
    {"queue.buffering.max.messages", "1000000"},  // our own window is far smaller
    {"queue.buffering.max.kbytes", "1048576"},
    {"batch.size", "250000"},  // with what waits for the next it still lies in the processor's cache
    {"linger.ms", "20"},       // above the usual round trip: see docs/outputs.md
    {"topic.metadata.propagation.max.ms", "5000"},
    {"reconnect.backoff.max.ms", "5000"},
    {"statistics.interval.ms", "1000"},
    {"client.id", "thorlogd"},
};
constexpr std::pair<const char*, const char*> kConsumerSettings[] = {
    {"enable.auto.commit", "false"},      {"enable.auto.offset.store", "false"},
    {"auto.offset.reset", "earliest"},    {"group.id", "thorlogd"},
    {"reconnect.backoff.max.ms", "5000"}, {"queued.max.messages.kbytes", "16384"},  // of each partition
    {"queued.min.messages", "20000"},     {"client.id", "thorlogd"},
};

std::string_view why_refused(KafkaRole role, std::string_view name) {
  const auto find = [name](std::span<const Refused> refused) {
    for (const Refused& one : refused)
      if (one.name == name) return one.why;
    return std::string_view();
  };
  if (const auto why = find(kRefusedAlways); !why.empty()) return why;
  return role == KafkaRole::producer ? find(kRefusedOfProducers) : find(kRefusedOfConsumers);
}

std::string nearest_setting(const rd_kafka_conf_t& conf, const std::string& name) {
  std::size_t count = 0;
  // Not const in librdkafka's signature, and it changes nothing.
  const char** dump = rd_kafka_conf_dump(const_cast<rd_kafka_conf_t*>(&conf), &count);
  // The dump has neither aliases nor settings of topics.
  std::vector<std::string_view> names = {"linger.ms", "compression.type", "partitioner", "auto.offset.reset",
                                         "sasl.mechanism"};
  for (std::size_t i = 0; i + 1 < count; i += 2) names.emplace_back(dump[i]);
  std::string nearest(nearest_name(name, names));
  rd_kafka_conf_dump_free(dump, count);
  return nearest;
}

std::string set_error(rd_kafka_conf_t& conf, const std::string& name, const std::string& value) {
  std::array<char, 512> text{};
  switch (rd_kafka_conf_set(&conf, name.c_str(), value.c_str(), text.data(), text.size())) {
    case RD_KAFKA_CONF_OK:
      return {};
    case RD_KAFKA_CONF_UNKNOWN: {
      const std::string nearest = nearest_setting(conf, name);
      return fmt::format("librdkafka knows no setting '{}'{}", name.substr(0, 80),
                         nearest.empty() ? std::string() : ": did you mean '" + nearest + "'?");
    }
    default:
      return fmt::format("librdkafka: {}", text.data());
  }
}

void apply(rd_kafka_conf_t& conf, OwnSettings own) {
  for (const auto& [name, value] : own) set_kafka(conf, name, value);
}

KafkaConf own_conf(KafkaRole role) {
  KafkaConf conf(rd_kafka_conf_new());
  apply(*conf, role == KafkaRole::producer ? OwnSettings(kProducerSettings) : OwnSettings(kConsumerSettings));
  return conf;
}

std::string value_of(const rd_kafka_conf_t& conf, const char* name) {
  std::array<char, 256> value{};
  std::size_t size = value.size();
  return rd_kafka_conf_get(&conf, name, value.data(), &size) == RD_KAFKA_CONF_OK ? std::string(value.data())
                                                                                 : std::string();
}

// Its default mechanism runs Kerberos' tools, which a check must not do.
bool asks_kerberos(const rd_kafka_conf_t& conf) {
  return value_of(conf, "security.protocol").find("sasl") != std::string::npos &&
         value_of(conf, "sasl.mechanisms") == "GSSAPI";
}

void log_nothing(const rd_kafka_t*, int, const char*, const char*) {}

}  // namespace

std::string kafka_setting_error(KafkaRole role, const std::string& name, const std::string& value) {
  if (const auto why = why_refused(role, name); !why.empty()) {
    return fmt::format("'{}' can't be set here: {}; take it out", name, why);
  }
  const KafkaConf conf = own_conf(role);
  return set_error(*conf, name, value);
}

std::string kafka_settings_error(KafkaRole role, const ExtraSettings& settings) {
  auto conf = make_kafka_conf(role, {}, settings);
  if (!conf) return conf.error().doing;
  if (asks_kerberos(**conf)) return {};
  rd_kafka_conf_set_log_cb(conf->get(), log_nothing);
  std::array<char, 512> text{};
  const auto type = role == KafkaRole::producer ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER;
  rd_kafka_t* client = rd_kafka_new(type, conf->get(), text.data(), text.size());
  if (client == nullptr) return fmt::format("librdkafka: {}", text.data());
  static_cast<void>(conf->release());  // the client has taken it
  rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  return {};
}

bool is_kafka_broker(std::string_view text) noexcept {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = text.substr(0, colon), port = text.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) return false;
  if (host.find_first_of(" ,/\t") != std::string_view::npos) return false;
  return host.find(':') == std::string_view::npos || (host.front() == '[' && host.back() == ']');
}

bool is_kafka_topic(std::string_view text) noexcept {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= 249 && text != "." && text != ".." &&
         std::all_of(text.begin(), text.end(), fits);
}

Result<KafkaConf> make_kafka_conf(KafkaRole role, const std::vector<std::string>& brokers,
                                  const ExtraSettings& settings) {
  KafkaConf conf = own_conf(role);
  for (const auto& [name, value] : settings) {
    if (auto wrong = set_error(*conf, name, value); !wrong.empty()) return fail({Errc::config, std::move(wrong), 0});
  }
  std::string list;
  for (const std::string& broker : brokers) list += (list.empty() ? "" : ",") + broker;
  if (!list.empty()) set_kafka(*conf, "bootstrap.servers", list);
  return conf;
}

void set_kafka(rd_kafka_conf_t& conf, const char* name, const std::string& value) {
  std::array<char, 512> text{};
  THORLOG_ASSERT(rd_kafka_conf_set(&conf, name, value.c_str(), text.data(), text.size()) == RD_KAFKA_CONF_OK);
}

std::uint64_t kafka_number(const rd_kafka_conf_t& conf, const char* name) {
  const std::string text = value_of(conf, name);
  std::uint64_t value = 0;
  THORLOG_ASSERT(std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc());
  return value;
}

}  // namespace thorlog
