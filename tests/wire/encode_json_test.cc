#include <gtest/gtest.h>

#include <random>

#include "encode_fixture.h"

namespace thorlog {
namespace {

using namespace std::string_literals;
using test::encode;
using test::JsonReader;
using test::Line;

TEST(JsonEvent, IsTheContractsForAThorLine) {
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  line.record.parts = 2;
  line.record.event.flags = flag::joined | flag::lossy_possible;
  line.asset = "A-17";
  EXPECT_EQ(
      encode(line, LineFormat::json),
      R"({"id":"0-4096","journal_id":"6f1d","seq":17,"received":"2025-10-08T11:37:55.500000025Z",)"
      R"("timestamp":"2025-10-08T11:37:54.000000000Z","input":"net","peer":"10.0.0.7:40000","kind":"thor",)"
      R"("format":"text","facility":"local7","severity":"info","host":"arch.corp.example","ip":"10.1.1.1",)"
      R"("app_name":"THOR","asset":"A-17","scan_id":"S-KybbdhFvHhc","level":"alert","module":"Filescan",)"
      R"("message":"Malware \"x\" found","score":130,"parts":2,"flags":["joined","lossy_possible"],)"
      R"("raw":"<190>Oct  8 11:37:54 arch.corp.example/10.1.1.1 THOR: Alert: MODULE: Filescan MESSAGE: Malware \"x\" )"
      R"(found SCANID: S-KybbdhFvHhc FILE: C:\\temp\\1.exe SCORE: 130"})");
}

TEST(JsonEvent, LeavesOutWhatIsNotKnown) {
  Line line{"hello"};
  line.record.event.timestamp = kNoTime;
  line.record.peer = {};
  EXPECT_EQ(
      encode(line, LineFormat::json),
      R"({"id":"0-4096","journal_id":"6f1d","seq":17,"received":"2025-10-08T11:37:55.500000025Z","input":"net",)"
      R"("kind":"syslog","raw":"hello"})");
}

void some_fields(const Event&, const std::function<void(std::string_view, std::string_view, bool)>& sink) {
  sink("MODULE", "File\"scan", false);
  sink("reasons", "[{\"a\":\n1}]", true);
  sink("broken", "[1,", true);
}
void no_fields(const Event&, const std::function<void(std::string_view, std::string_view, bool)>&) {}

// The contract's order, and that of the fleet's checker.
constexpr std::string_view kOrder =
    "id journal_id seq received timestamp input peer peer_identity kind format facility severity host ip app_name "
    "procid "
    "msgid asset scan_id group_id level module message score uid parts flags fields detection raw raw_base64";

TEST(JsonEvent, HasEveryKeyInTheContractsOrder) {
  Line line{"{\"type\":\"scan_lost\"}"};
  line.record.peer_identity = "scanner";
  line.record.parts = 3;
  Event& event = line.record.event;
  event.kind = Kind::detection;
  event.format = Format::json3;
  event.level = Level::alert;
  event.priority = 0;
  event.score = 0.5;
  event.flags = flag::joined;
  event.host = event.ip = event.app_name = event.procid = event.msgid = event.module = event.message = "x\xFF";
  event.scan_id = event.uid = event.group_id = event.canonical_host = "y";
  std::string keys;
  for (const auto& [key, value] : JsonReader::read(encode(line, LineFormat::json, LineFraming::none, some_fields))) {
    keys += (keys.empty() ? "" : " ") + key;
  }
  EXPECT_EQ(keys, kOrder);
}

TEST(JsonEvent, CarriesTheFieldsOnlyWhereAskedAndNeverBrokenJson) {
  Line line{"x"};
  const std::string with = encode(line, LineFormat::json, LineFraming::none, some_fields);
  EXPECT_EQ(JsonReader::value(with, "fields"), R"({"MODULE":"File\"scan","reasons":[{"a": 1}],"broken":"[1,"})");
  EXPECT_EQ(JsonReader::value(encode(line, LineFormat::json), "fields"), "(absent)");
  EXPECT_EQ(JsonReader::value(encode(line, LineFormat::json, LineFraming::none, no_fields), "fields"), "(absent)");
}

TEST(JsonEvent, ShowsADetectionAsAnObjectAndItsSummaryAsRaw) {
  Line line{R"({"type":"scan_aborted","summary":"Scan S-1 on arch was aborted."})"};
  line.record.event.kind = Kind::detection;
  line.record.event.message = line.in_raw("Scan S-1 on arch was aborted.");
  const std::string json = encode(line, LineFormat::json);
  EXPECT_EQ(JsonReader::value(json, "detection"), line.raw);
  EXPECT_EQ(JsonReader::value(json, "raw"), "Scan S-1 on arch was aborted.");
}

TEST(JsonEvent, TakesNoTextForADetectionThatIsNone) {
  for (const std::string& raw : {R"({"type":1},"seq":2})"s, "{\"a\":"s, "text"s, "[]"s}) {
    Line line{raw};
    line.record.event.kind = Kind::detection;
    const std::string json = encode(line, LineFormat::json);
    EXPECT_EQ(JsonReader::value(json, "detection"), "(absent)");
    EXPECT_EQ(JsonReader::value(json, "raw"), raw);
  }
}

TEST(JsonEvent, KeepsTheExactBytesBesideARawThatIsNoUtf8) {
  Line line{"caf\xE9 \\ \xC3\xA9"};
  const std::string json = encode(line, LineFormat::json);
  EXPECT_EQ(JsonReader::value(json, "raw"), "caf\xEF\xBF\xBD \\ \xC3\xA9");
  EXPECT_EQ(JsonReader::value(json, "raw_base64"), "Y2Fm6SBcIMOp");
}

TEST(JsonEvent, GivesRawBackByteForByte) {
  std::mt19937 random(5);
  for (int i = 0; i < 500; ++i) {
    std::string raw(random() % 100, '\0');
    for (char& c : raw) c = static_cast<char>(random() % 128);
    Line line{raw};
    const std::string json = encode(line, LineFormat::json);
    ASSERT_EQ(JsonReader::value(json, "raw"), raw);
    ASSERT_EQ(json.find('\n'), std::string::npos);
  }
}

TEST(JsonEvent, LetsNoValueBecomeAKey) {
  Line line{"x"};
  line.record.event.scan_id = "S-1\",\"kind\":\"thor\n";
  line.record.event.host = "\xE2\x80\xAE<script>";
  const std::string json = encode(line, LineFormat::json, LineFraming::lf);
  ASSERT_EQ(json.find('\n'), json.size() - 1);
  const std::string_view object = std::string_view(json).substr(0, json.size() - 1);
  EXPECT_EQ(JsonReader::value(object, "scan_id"), "S-1\",\"kind\":\"thor\n");
  EXPECT_EQ(JsonReader::value(object, "kind"), "syslog");
}

TEST(JsonEvent, WritesScoresAsNumbersAndNothingElse) {
  const std::pair<double, std::string> cases[] = {{60, "60"},
                                                  {0, "0"},
                                                  {7.25, "7.25"},
                                                  {-3, "-3"},
                                                  {1e300, "1e+300"},
                                                  {std::numeric_limits<double>::infinity(), "(absent)"},
                                                  {std::numeric_limits<double>::quiet_NaN(), "(absent)"}};
  for (const auto& [score, text] : cases) {
    Line line{"x"};
    line.record.event.score = score;
    EXPECT_EQ(JsonReader::value(encode(line, LineFormat::json), "score"), text);
  }
}

TEST(JsonEvent, FlagsAReplayedDelivery) {
  Line line{"x"};
  line.extra_flags = flag::replayed;
  EXPECT_EQ(JsonReader::value(encode(line, LineFormat::json), "flags"), R"(["replayed"])");
}

}  // namespace
}  // namespace thorlog
