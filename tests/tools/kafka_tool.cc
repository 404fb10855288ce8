// What the tests ask of a real Kafka broker, by librdkafka.
//
//   kafka_tool BROKERS ready                           waits until the cluster answers; prints its brokers
//   kafka_tool BROKERS create TOPIC PARTITIONS COPIES [name=value]...
//   kafka_tool BROKERS allow USER TOPIC                USER may write and describe TOPIC
//   kafka_tool BROKERS count TOPIC                     records that are in it now
//   kafka_tool BROKERS read TOPIC                      all of them, a JSON object a line
//   kafka_tool BROKERS write TOPIC                     each line of standard input as a record; "KEY\tVALUE" with a
//   key kafka_tool BROKERS leader TOPIC PARTITION          the number of the broker that leads it kafka_tool BROKERS
//   committed GROUP TOPIC           committed offsets, as many lines as partitions
//
// Exit status: 0 done, 1 it can't be done (the reason on standard error), 2 bad arguments.
#include <librdkafka/rdkafka.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/json_writer.h"

namespace {

constexpr int kWaitMs = 15'000;

[[noreturn]] void die(const std::string& why) {
  std::fprintf(stderr, "kafka_tool: %s\n", why.c_str());
  std::exit(1);
}

void check(rd_kafka_resp_err_t error, const std::string& doing) {
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) die(doing + ": " + rd_kafka_err2str(error));
}

rd_kafka_t* client(rd_kafka_type_t type, const std::string& brokers, const std::string& group = "kafka_tool") {
  std::array<char, 512> text{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  const auto set = [&](const char* name, const std::string& value) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK) die(text.data());
  };
  set("bootstrap.servers", brokers);
  set("log_level", "2");
  if (type == RD_KAFKA_CONSUMER) set("group.id", group);
  rd_kafka_t* made = rd_kafka_new(type, conf, text.data(), text.size());
  if (made == nullptr) die(text.data());
  return made;
}

const struct rd_kafka_metadata* metadata(rd_kafka_t* from, const char* topic, int wait = kWaitMs) {
  const struct rd_kafka_metadata* found = nullptr;
  rd_kafka_topic_t* handle = topic == nullptr ? nullptr : rd_kafka_topic_new(from, topic, nullptr);
  check(rd_kafka_metadata(from, 0, handle, &found, wait), "asking for metadata");
  if (topic != nullptr) check(found->topics[0].err, std::string("topic ") + topic);
  return found;
}

void ready(const std::string& brokers) {
  const auto* found = metadata(client(RD_KAFKA_PRODUCER, brokers), nullptr, 2000);
  for (int i = 0; i < found->broker_cnt; ++i) std::printf("%d\n", found->brokers[i].id);
}

void create(const std::string& brokers, const std::vector<std::string>& words) {
  rd_kafka_t* admin = client(RD_KAFKA_PRODUCER, brokers);
  std::array<char, 512> text{};
  rd_kafka_NewTopic_t* topic = rd_kafka_NewTopic_new(words[0].c_str(), std::atoi(words[1].c_str()),
                                                     std::atoi(words[2].c_str()), text.data(), text.size());
  if (topic == nullptr) die(text.data());
  for (std::size_t i = 3; i < words.size(); ++i) {
    const std::size_t equals = words[i].find('=');
    rd_kafka_NewTopic_set_config(topic, words[i].substr(0, equals).c_str(), words[i].substr(equals + 1).c_str());
  }
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin);
  rd_kafka_CreateTopics(admin, &topic, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kWaitMs);
  if (event == nullptr) die("creating the topic: no answer");
  check(rd_kafka_event_error(event), "creating the topic");
  std::size_t count = 0;
  const auto** results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  for (std::size_t i = 0; i < count; ++i) check(rd_kafka_topic_result_error(results[i]), "creating the topic");
  // The answer comes before all of the cluster knows it.
  for (int tries = 0; tries < 100; ++tries) {
    const struct rd_kafka_metadata* found = nullptr;
    rd_kafka_topic_t* handle = rd_kafka_topic_new(admin, words[0].c_str(), nullptr);
    if (rd_kafka_metadata(admin, 0, handle, &found, 5000) == RD_KAFKA_RESP_ERR_NO_ERROR &&
        found->topics[0].partition_cnt == std::atoi(words[1].c_str()) && found->topics[0].partitions[0].leader >= 0) {
      return;
    }
  }
  die("the topic does not appear");
}

void allow(const std::string& brokers, const std::string& user, const std::string& topic) {
  rd_kafka_t* admin = client(RD_KAFKA_PRODUCER, brokers);
  std::array<char, 512> text{};
  std::vector<rd_kafka_AclBinding_t*> rules;
  for (const auto operation : {RD_KAFKA_ACL_OPERATION_WRITE, RD_KAFKA_ACL_OPERATION_DESCRIBE}) {
    rules.push_back(rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str(), RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                                            ("User:" + user).c_str(), "*", operation,
                                            RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, text.data(), text.size()));
    if (rules.back() == nullptr) die(text.data());
  }
  rd_kafka_queue_t* queue = rd_kafka_queue_new(admin);
  rd_kafka_CreateAcls(admin, rules.data(), rules.size(), nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, kWaitMs);
  if (event == nullptr) die("allowing: no answer");
  check(rd_kafka_event_error(event), "allowing");
}

struct Range {
  std::int64_t low = 0, high = 0;
};

std::map<int, Range> ranges(rd_kafka_t* consumer, const std::string& topic) {
  std::map<int, Range> all;
  const auto* found = metadata(consumer, topic.c_str());
  for (int i = 0; i < found->topics[0].partition_cnt; ++i) {
    const int number = found->topics[0].partitions[i].id;
    check(rd_kafka_query_watermark_offsets(consumer, topic.c_str(), number, &all[number].low, &all[number].high,
                                           kWaitMs),
          "asking for offsets");
  }
  return all;
}

void count(const std::string& brokers, const std::string& topic) {
  std::int64_t sum = 0;
  for (const auto& [number, range] : ranges(client(RD_KAFKA_CONSUMER, brokers), topic)) sum += range.high - range.low;
  std::printf("%lld\n", static_cast<long long>(sum));
}

void print(const rd_kafka_message_t& message) {
  const auto text = [](const void* bytes, std::size_t size) {
    return std::string_view(static_cast<const char*>(bytes), size);
  };
  rd_kafka_timestamp_type_t type{};
  thorlog::JsonWriter out;
  out.begin_object().member("partition", message.partition).member("offset", message.offset);
  out.member("timestamp", rd_kafka_message_timestamp(&message, &type));
  out.member("key", text(message.key, message.key_len)).member("value", text(message.payload, message.len));
  out.key("headers").begin_object();
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      out.member(name, text(value, size));
    }
  }
  std::puts(out.end_object().end_object().take().c_str());
}

void read(const std::string& brokers, const std::string& topic) {
  rd_kafka_t* consumer = client(RD_KAFKA_CONSUMER, brokers);
  const auto all = ranges(consumer, topic);
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(static_cast<int>(all.size()));
  std::map<int, std::int64_t> left;
  for (const auto& [number, range] : all) {
    if (range.high == range.low) continue;
    rd_kafka_topic_partition_list_add(list, topic.c_str(), number)->offset = range.low;
    left[number] = range.high;
  }
  check(rd_kafka_assign(consumer, list), "assigning");
  for (int idle = 0; !left.empty();) {
    rd_kafka_message_t* message = rd_kafka_consumer_poll(consumer, 1000);
    if (message == nullptr) {
      if (++idle == 20) die("reading: nothing comes any more");
      continue;
    }
    idle = 0;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && left.contains(message->partition)) {
      print(*message);
      if (message->offset + 1 >= left[message->partition]) left.erase(message->partition);
    }
    rd_kafka_message_destroy(message);
  }
}

void write(const std::string& brokers, const std::string& topic) {
  rd_kafka_t* producer = client(RD_KAFKA_PRODUCER, brokers);
  for (std::string line; std::getline(std::cin, line);) {
    const std::size_t tab = line.find('\t');
    const std::string key = tab == std::string::npos ? "" : line.substr(0, tab);
    std::string value = tab == std::string::npos ? line : line.substr(tab + 1);
    check(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic.c_str()), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_VALUE(value.data(), value.size()),
                            RD_KAFKA_V_KEY(key.empty() ? nullptr : key.data(), key.size()), RD_KAFKA_V_END),
          "writing");
    rd_kafka_poll(producer, 0);
  }
  check(rd_kafka_flush(producer, kWaitMs), "writing");
}

void leader(const std::string& brokers, const std::string& topic, int partition) {
  const auto* found = metadata(client(RD_KAFKA_PRODUCER, brokers), topic.c_str());
  for (int i = 0; i < found->topics[0].partition_cnt; ++i) {
    if (found->topics[0].partitions[i].id == partition) std::printf("%d\n", found->topics[0].partitions[i].leader);
  }
}

void committed(const std::string& brokers, const std::string& group, const std::string& topic) {
  rd_kafka_t* consumer = client(RD_KAFKA_CONSUMER, brokers, group);
  const auto* found = metadata(consumer, topic.c_str());
  rd_kafka_topic_partition_list_t* list = rd_kafka_topic_partition_list_new(1);
  for (int i = 0; i < found->topics[0].partition_cnt; ++i) rd_kafka_topic_partition_list_add(list, topic.c_str(), i);
  check(rd_kafka_committed(consumer, list, kWaitMs), "asking what was committed");
  for (int i = 0; i < list->cnt; ++i) std::printf("%lld\n", static_cast<long long>(list->elems[i].offset));
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  const std::string command = words.size() > 1 ? words[1] : "";
  const auto is = [&](const char* name, std::size_t least) { return command == name && words.size() >= least + 2; };
  const std::vector<std::string> rest(words.begin() + std::min<std::ptrdiff_t>(2, argc - 1), words.end());
  if (is("ready", 0)) {
    ready(words[0]);
  } else if (is("create", 3)) {
    create(words[0], rest);
  } else if (is("allow", 2)) {
    allow(words[0], rest[0], rest[1]);
  } else if (is("count", 1)) {
    count(words[0], rest[0]);
  } else if (is("read", 1)) {
    read(words[0], rest[0]);
  } else if (is("write", 1)) {
    write(words[0], rest[0]);
  } else if (is("leader", 2)) {
    leader(words[0], rest[0], std::atoi(rest[1].c_str()));
  } else if (is("committed", 2)) {
    committed(words[0], rest[0], rest[1]);
  } else {
    std::fprintf(stderr, "usage: see the first lines of kafka_tool.cc\n");
    return 2;
  }
  std::fflush(stdout);
  std::_Exit(0);  // the clients' threads need a while to end, and nothing is left to save
}
