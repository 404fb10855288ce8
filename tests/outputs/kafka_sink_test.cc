// The Kafka output on a real journal, against a cluster that fails as asked.
#include "outputs/kafka_sink.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "mock_kafka.h"
#include "outputs/kafka_statistics.h"
#include "support.h"

namespace thorlog {
namespace {

constexpr auto kTopic = "thor-events";

std::vector<std::string> values_of(const std::vector<KafkaCopy>& copies) {
  std::vector<std::string> values;
  for (const KafkaCopy& copy : copies) values.push_back(copy.value);
  return values;
}

void expect_each_once(const MockKafka& kafka, int partitions, std::size_t sent) {
  const Count count = count_numbers(values_of(kafka.read(kTopic, partitions)), sent);
  EXPECT_EQ(count.missing, 0U);
  EXPECT_EQ(count.repeated, 0U);
  EXPECT_EQ(count.foreign, 0U);
}

bool drains(OutputRunner& output) {
  return wait_until([&] { return output.snapshot().pending == 0; }, 30s);
}

// The numbers of each key must rise.
void expect_order_by_key(const std::vector<KafkaCopy>& copies) {
  std::map<std::string, std::string> last;
  for (const KafkaCopy& copy : copies) {
    EXPECT_LT(last[copy.key], copy.value) << copy.key;
    last[copy.key] = copy.value;
  }
}

std::vector<Record> keyed_records(std::vector<std::string>& lines, const std::vector<std::string_view>& hosts) {
  std::vector<Record> records;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    lines[i] = "line " + std::string(8 - std::to_string(i).size(), '0') + std::to_string(i);
    records.push_back(line_record(lines[i]));
    records.back().event.canonical_host = hosts[i % hosts.size()];
    records.back().event.host = hosts[i % hosts.size()];
  }
  return records;
}

TEST(KafkaSink, DeliversEachRecordOnceWithKeyHeadersAndTime) {
  MockKafka kafka;
  kafka.topic(kTopic, 3);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  const std::string line = "THOR: Alert: MODULE: Filescan MESSAGE: Malware";
  Record record = line_record(line);
  record.event.level = Level::alert;
  record.event.module = "Filescan";
  record.event.host = "SRV-7.example.org";
  record.event.canonical_host = "srv-7";
  record.event.scan_id = "S-abc";
  record.event.group_id = "incident-2026";
  record.event.score = 75;
  record.event.flags = flag::joined | flag::lossy_possible;
  record.event.timestamp = record.received - 3'600'000'000'000;
  record.peer = "10.0.0.7:514";
  record.parts = 2;
  Record old = line_record(line);
  old.event.timestamp = old.received - 3 * 86'400'000'000'000;
  world.append(std::vector<Record>{record, old});
  ASSERT_TRUE(drains(output));
  const auto copies = kafka.read(kTopic, 3);
  ASSERT_EQ(copies.size(), 2U);
  const KafkaCopy& copy = copies[0].key.empty() ? copies[1] : copies[0];
  const KafkaCopy& bare = copies[0].key.empty() ? copies[0] : copies[1];
  EXPECT_EQ(copy.value, line);
  EXPECT_EQ(copy.key, "srv-7");
  EXPECT_EQ(copy.timestamp, record.event.timestamp / 1'000'000);
  EXPECT_EQ(bare.timestamp, old.received / 1'000'000) << "more than a day apart: when it was received";
  auto headers = copy.headers;
  EXPECT_EQ(headers["thorlog-event"], "1");
  EXPECT_EQ(headers["journal_id"], world.journal().uuid());
  EXPECT_EQ(headers["id"].substr(0, 2), "0-");
  EXPECT_EQ(headers["scan_id"], "S-abc");
  EXPECT_EQ(headers["group_id"], "incident-2026");
  EXPECT_EQ(headers["asset"], "srv-7");
  EXPECT_EQ(headers["level"], "alert");
  EXPECT_EQ(headers["module"], "Filescan");
  EXPECT_EQ(headers["score"], "75");
  EXPECT_EQ(headers["parts"], "2");
  EXPECT_EQ(headers["flags"], "joined,lossy_possible");
  EXPECT_EQ(headers["peer"], "10.0.0.7:514");
  EXPECT_FALSE(bare.headers.contains("scan_id"));
  EXPECT_FALSE(bare.headers.contains("parts"));
}

TEST(KafkaSink, EncodesAsAskedAndKeysByScan) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputSettings settings = kafka_output("siem", kafka, kTopic);
  settings.format = OutputFormat::json;
  settings.key = KafkaKey::scan_id;
  OutputRunner& output = world.run(settings);
  const std::string line = "a line";
  Record record = line_record(line);
  record.event.scan_id = "S-1";
  world.append(std::vector<Record>{record});
  ASSERT_TRUE(drains(output));
  const auto copies = kafka.read(kTopic, 1);
  ASSERT_EQ(copies.size(), 1U);
  EXPECT_EQ(copies[0].key, "S-1");
  EXPECT_NE(copies[0].value.find(R"("raw":"a line"})"), std::string::npos) << copies[0].value;
}

std::vector<Record> some_of(const std::vector<Record>& records, std::size_t first, std::size_t count) {
  const auto begin = records.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

TEST(KafkaSink, ManyRecordsOverSomePartitionsKeepTheirOrderByKey) {
  MockKafka kafka;
  kafka.topic(kTopic, 4);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  std::vector<std::string> lines(40'000);
  const auto records = keyed_records(lines, {"a", "b", "c", "d", "e", "f", "g"});
  for (std::size_t i = 0; i < records.size(); i += 1000) world.append(some_of(records, i, 1000));
  ASSERT_TRUE(drains(output));
  const auto copies = kafka.read(kTopic, 4);
  EXPECT_EQ(copies.size(), lines.size());
  expect_order_by_key(copies);
  EXPECT_EQ(output.snapshot().books.acknowledged, lines.size());
  EXPECT_EQ(output.snapshot().repeated_bytes, 0U);
}

// Lists of headers are written over for later records: none may carry those of another.
TEST(KafkaSink, EachOfManyRecordsHasItsOwnHeaders) {
  MockKafka kafka;
  kafka.topic(kTopic, 4);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  std::vector<std::string> lines(20'000);
  auto records = keyed_records(lines, {"a", "bcd", "e", "fgh"});
  std::vector<std::string> scans;
  for (std::size_t i = 0; i < records.size(); ++i) scans.push_back("S-" + std::to_string(i % 3'000));
  for (std::size_t i = 0; i < records.size(); ++i) {
    records[i].event.scan_id = scans[i];
    records[i].event.module = i % 3 == 0 ? "Filescan" : "Mutex";
  }
  for (std::size_t i = 0; i < records.size(); i += 500) {
    world.append(some_of(records, i, 500));
    if (i % 5'000 == 0) {
      ASSERT_TRUE(drains(output));
    }
  }
  ASSERT_TRUE(drains(output));
  const auto copies = kafka.read(kTopic, 4);
  ASSERT_EQ(copies.size(), lines.size());
  std::set<std::string> ids;
  for (const KafkaCopy& copy : copies) {
    const auto number = static_cast<std::size_t>(std::stoul(copy.value.substr(5)));
    ASSERT_EQ(copy.headers.at("scan_id"), scans[number]);
    ASSERT_EQ(copy.headers.at("module"), records[number].event.module);
    ASSERT_EQ(copy.headers.at("asset"), copy.key);
    ids.insert(copy.headers.at("id"));
  }
  EXPECT_EQ(ids.size(), lines.size());
}

TEST(KafkaSink, RetriesWhatPassesByItself) {
  MockKafka kafka;
  kafka.topic(kTopic, 2);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  kafka.fail_produce({RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
                      RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR});
  world.append_numbered(5'000);
  ASSERT_TRUE(drains(output));
  expect_each_once(kafka, 2, 5'000);
}

// Each of these is final for librdkafka, and none of them is for us.
TEST(KafkaSink, MakesTheProducerAnewAfterAnErrorThatIsFinalForIt) {
  for (const auto error :
       {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_UNKNOWN}) {
    MockKafka kafka;
    kafka.topic(kTopic, 2);
    OutputWorld world;
    OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
    std::vector<std::string> lines(3'000);
    const auto records = keyed_records(lines, {"a", "b", "c"});
    world.append(std::vector<Record>(records.begin(), records.begin() + 1000));
    ASSERT_TRUE(drains(output));
    kafka.fail_produce({error});
    world.append(std::vector<Record>(records.begin() + 1000, records.begin() + 2000));
    world.append(std::vector<Record>(records.begin() + 2000, records.end()));
    ASSERT_TRUE(drains(output)) << rd_kafka_err2name(error) << " " << output.snapshot().last_error;
    const auto copies = kafka.read(kTopic, 2);
    EXPECT_EQ(copies.size(), lines.size()) << rd_kafka_err2name(error);
    expect_order_by_key(copies);
    EXPECT_TRUE(is_balanced(output.snapshot()));
    std::uint64_t retries = 0;
    for (const std::uint64_t one : output.snapshot().retries) retries += one;
    EXPECT_GE(retries, 1U) << rd_kafka_err2name(error);
  }
}

TEST(KafkaSink, HoldsAndSaysWhyWhileTheTopicIsRefused) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  kafka.fail_produce(std::vector<rd_kafka_resp_err_t>(4, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  world.append_numbered(1'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::holding; }, 30s));
  EXPECT_NE(output.snapshot().last_error.find("uthorization"), std::string::npos) << output.snapshot().last_error;
  EXPECT_EQ(output.snapshot().pending, 1'000U);
  ASSERT_TRUE(drains(output));
  EXPECT_EQ(output.snapshot().retries[static_cast<std::size_t>(Retry::denied)], 4U);
  expect_each_once(kafka, 1, 1'000);
  EXPECT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::idle; }));
}

TEST(KafkaSink, ARecordThatIsRefusedLeavesAloneAndTheRestFlows) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  // The whole batch is refused once; then each of its records is sent alone, and the first of them refused again.
  kafka.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  world.append_numbered(200);
  ASSERT_TRUE(drains(output)) << output.snapshot().last_error;
  EXPECT_EQ(output.snapshot().books.acknowledged, 199U);
  EXPECT_EQ(output.snapshot().books.dropped_total(), 1U);
  const Count count = count_numbers(values_of(kafka.read(kTopic, 1)), 200);
  EXPECT_EQ(count.missing, 1U);
  EXPECT_EQ(count.repeated, 0U);
  world.append_numbered(200);
  ASSERT_TRUE(drains(output));
}

TEST(KafkaSink, ABatchThatIsTooLargeForItsTopicMakesSmallerBatches) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  kafka.fail_produce({RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  world.append_numbered(500);
  ASSERT_TRUE(drains(output)) << output.snapshot().last_error;
  EXPECT_EQ(output.snapshot().books.acknowledged, 500U);
  expect_each_once(kafka, 1, 500);
}

TEST(KafkaSink, ALineLongerThanTheClientTakesIsLeftOutAtOnce) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputSettings settings = kafka_output("siem", kafka, kTopic);
  settings.settings = {{"message.max.bytes", "10000"}};
  OutputRunner& output = world.run(settings);
  world.append({"short", std::string(20'000, 'x'), "short too"});
  ASSERT_TRUE(drains(output));
  EXPECT_EQ(values_of(kafka.read(kTopic, 1)), (std::vector<std::string>{"short", "short too"}));
  EXPECT_EQ(output.snapshot().books.dropped_total(), 1U);
}

TEST(KafkaSink, ABrokerThatIsAwayCostsNothingAndIsShown) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  world.append_numbered(1'000);
  ASSERT_TRUE(drains(output));
  kafka.down(1);
  world.append_numbered(20'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::retrying; }, 30s));
  EXPECT_FALSE(output.snapshot().last_error.empty());
  EXPECT_GT(output.snapshot().pending, 0U);
  kafka.up(1);
  ASSERT_TRUE(drains(output));
  expect_each_once(kafka, 1, 21'000);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().state == OutputState::idle; }));
}

TEST(KafkaSink, AMovedLeaderIsFollowed) {
  MockKafka kafka(3);
  kafka.topic(kTopic, 2, 3);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  for (int round = 0; round < 6; ++round) {
    world.append_numbered(2'000);
    kafka.lead(kTopic, 0, 1 + round % 3);
    kafka.lead(kTopic, 1, 1 + (round + 1) % 3);
  }
  ASSERT_TRUE(drains(output)) << output.snapshot().last_error;
  expect_each_once(kafka, 2, 12'000);
}

TEST(KafkaSink, ASlowBrokerIsShownAndTheWindowIsBounded) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  OutputRunner& output = world.run(kafka_output("siem", kafka, kTopic));
  world.append_numbered(10);
  ASSERT_TRUE(drains(output));
  kafka.slow(1, 2000);
  std::uint64_t most = 0, appended = 10;
  bool full = false, slow = false;
  EXPECT_TRUE(wait_until(
      [&] {
        const OutputSnapshot now = output.snapshot();
        if (now.pending < 20'000) {  // there is always more than the window holds
          world.append_numbered(10'000, 100);
          appended += 10'000;
        }
        if (now.figures) most = std::max(most, now.figures->in_flight_records);
        // The client tells round trips once a second, so the two are not seen in the same moment.
        full = full || now.state == OutputState::full;
        slow = slow ||
               (now.figures && now.figures->brokers.size() == 1 && now.figures->brokers[0].round_trip_seconds > 0.5);
        return full && slow;
      },
      30s))
      << "full " << full << ", slow " << slow;
  EXPECT_LE(most, 16'384U);
  kafka.slow(1, 0);
  ASSERT_TRUE(drains(output));
  EXPECT_EQ(output.snapshot().books.acknowledged, appended);
}

TEST(KafkaSink, StopsWhenEverythingHasArrivedAndGoesOnAfterARestart) {
  MockKafka kafka;
  kafka.topic(kTopic, 1);
  OutputWorld world;
  const OutputSettings settings = kafka_output("siem", kafka, kTopic);
  OutputRunner& first = world.run(settings);
  world.append_numbered(10'000);
  world.stop(first);
  OutputRunner& second = world.run(settings);
  world.append_numbered(100);
  ASSERT_TRUE(drains(second));
  expect_each_once(kafka, 1, 10'100);
}

TEST(KafkaSink, ReadsTheClientsStatistics) {
  KafkaStatistics statistics;
  EXPECT_FALSE(read_kafka_statistics("no json", statistics));
  EXPECT_FALSE(read_kafka_statistics("{}", statistics));
  ASSERT_TRUE(read_kafka_statistics(
      R"({"brokers":{"h:9092/bootstrap":{"name":"h:9092/bootstrap","nodeid":-1,"nodename":"h:9092","source":"configured",)"
      R"("state":"UP"},"h:9092/1":{"name":"h:9092/1","nodeid":1,"nodename":"h:9092","source":"learned","state":"UP",)"
      R"("outbuf_cnt":1,"waitresp_cnt":2,"rtt":{"avg":1500}},"GroupCoordinator":{"nodeid":-1,"source":"logical"}},)"
      R"("topics":{"t":{"partitions":{"0":{},"1":{},"-1":{}}}}})",
      statistics));
  const std::vector<BrokerFigures>& brokers = statistics.brokers;
  ASSERT_EQ(brokers.size(), 1U);
  EXPECT_EQ(brokers[0].name, "h:9092");
  EXPECT_TRUE(brokers[0].is_up());
  EXPECT_EQ(brokers[0].requests, 3U);
  EXPECT_DOUBLE_EQ(brokers[0].round_trip_seconds, 0.0015);
  EXPECT_EQ(statistics.partitions, 2U);
}

}  // namespace
}  // namespace thorlog
