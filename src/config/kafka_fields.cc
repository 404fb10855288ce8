#include "config/kafka_fields.h"

#include <fmt/format.h>

namespace thorlog {

void read_kafka_brokers(Reader& reader, const YamlNode& node, std::vector<std::string>& to) {
  for (auto& item : reader.scalars(node, "brokers", "a list of host:port")) {
    if (is_kafka_broker(item.text)) {
      to.push_back(std::move(item.text));
    } else {
      reader.error(item.place,
                   fmt::format("'{}' is no broker: write it as host:port, such as kafka1:9092 or \"[::1]:9092\"",
                               item.text.substr(0, 80)));
    }
  }
}

void read_kafka_topic(Reader& reader, const YamlNode& node, std::string& to) {
  auto value = reader.scalar(node, "topic", "the name of a topic");
  if (!value) return;
  if (is_kafka_topic(value->text)) {
    to = std::move(value->text);
  } else {
    reader.error(value->place,
                 fmt::format("'{}' is no name of a topic: use up to 249 letters, digits, '.', '_' and '-'",
                             value->text.substr(0, 80)));
  }
}

void read_kafka_settings(Reader& reader, const YamlNode& node, KafkaRole role, ExtraSettings& to) {
  if (!reader.expect_map(node, "settings")) return;
  for (const auto& entry : node.entries) {
    auto value = reader.scalar(entry.value, entry.key, "text");
    if (!value) continue;
    if (auto wrong = kafka_setting_error(role, entry.key, value->text); !wrong.empty()) {
      reader.error(entry.place, std::move(wrong));
    } else {
      to.emplace_back(entry.key, std::move(value->text));
    }
  }
}

void check_kafka_settings(Reader& reader, const YamlNode& map, KafkaRole role, const ExtraSettings& settings) {
  const YamlEntry* entry = map.find("settings");
  if (entry == nullptr || settings.empty()) return;
  if (auto wrong = kafka_settings_error(role, settings); !wrong.empty()) {
    reader.error(entry->place, std::move(wrong));
  }
}

}  // namespace thorlog
