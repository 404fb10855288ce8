// Rows of the tables of keys that the Kafka input and output share: brokers, topic and settings, checked at load by
// librdkafka itself. Any thread.
#pragma once

#include "config/field.h"
#include "config/kafka_conf.h"

namespace thorlog {

void read_kafka_brokers(Reader& reader, const YamlNode& node, std::vector<std::string>& to);
void read_kafka_topic(Reader& reader, const YamlNode& node, std::string& to);
void read_kafka_settings(Reader& reader, const YamlNode& node, KafkaRole role, ExtraSettings& to);
// What only all settings together show; tells it at the place of `settings`.
void check_kafka_settings(Reader& reader, const YamlNode& map, KafkaRole role, const ExtraSettings& settings);

namespace field {

template <class S>
Field<S> kafka_brokers(std::vector<std::string> S::*member) {
  auto made = texts("brokers", member, "list of host:port", "Where to ask for the cluster.");
  made.read = [=](Reader& reader, const YamlNode& node, S& to) { read_kafka_brokers(reader, node, to.*member); };
  return made;
}

template <class S>
Field<S> kafka_topic(std::string S::*member, const char* help) {
  auto made = text("topic", member, "text", help);
  made.read = [=](Reader& reader, const YamlNode& node, S& to) { read_kafka_topic(reader, node, to.*member); };
  return made;
}

template <class S>
Field<S> kafka_settings(ExtraSettings S::*member, KafkaRole role, const char* help) {
  auto made = pairs("settings", member, "pairs", help);
  made.read = [=](Reader& reader, const YamlNode& node, S& to) {
    read_kafka_settings(reader, node, role, to.*member);
  };
  return made;
}

}  // namespace field

}  // namespace thorlog
