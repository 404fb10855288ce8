#include <gtest/gtest.h>

#include "encode_fixture.h"

namespace thorlog {
namespace {

using namespace std::string_literals;
using test::encode;
using test::Line;

// Structured data as a strict reader sees it: its elements, and what follows.
struct Read5424 {
  std::vector<std::string> header;  // PRI and version, stamp, host, app name, procid, msgid
  std::vector<std::string> elements;
  std::string message;
};

Read5424 read_5424(std::string_view text) {
  Read5424 read;
  for (int i = 0; i < 6; ++i) {
    const std::size_t end = text.find(' ');
    read.header.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  for (std::size_t length = element_length(text); length != 0; length = element_length(text)) {
    read.elements.emplace_back(text.substr(0, length));
    text.remove_prefix(length);
  }
  EXPECT_TRUE(text.empty() || text[0] == ' ') << text;
  read.message = text.empty() ? "" : text.substr(1);
  return read;
}

TEST(Raw, IsTheLineAsItCame) {
  Line line{"<190>Oct  8 11:37:54 arch THOR: a\\b\n\xFF"};
  EXPECT_EQ(encode(line, LineFormat::raw), line.raw);
  EXPECT_EQ(encode(line, LineFormat::raw, LineFraming::octet), "37 " + line.raw);
  EXPECT_EQ(encode(line, LineFormat::raw, LineFraming::lf), "<190>Oct  8 11:37:54 arch THOR: a\\x5Cb\\x0A\xFF\n");
}

TEST(Rfc5424, CarriesTheTagsAndTheLinesOwnMessage) {
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  line.record.parts = 2;
  line.record.event.flags = flag::joined | flag::gap;
  line.record.event.group_id = "incident 7";
  EXPECT_EQ(
      encode(line, LineFormat::rfc5424),
      R"(<190>1 2025-10-08T11:37:54.000000Z arch.corp.example THOR - - [thor@32473 id="0-4096" )"
      R"(scan_id="S-KybbdhFvHhc" group_id="incident 7" asset="arch" level="alert" module="Filescan" score="130" )"
      R"(parts="2" flags="joined,gap"] THOR: Alert: MODULE: Filescan MESSAGE: Malware "x" found )"
      R"(SCANID: S-KybbdhFvHhc FILE: C:\temp\1.exe SCORE: 130)");
}

TEST(Rfc5424, EscapesOnlyTheMessageOverLfFraming) {
  Line line{"THOR: Info: C:\\x\nforged"};
  line.record.event.module = "a\\b\nc";
  EXPECT_EQ(
      encode(line, LineFormat::rfc5424, LineFraming::lf),
      "<190>1 2025-10-08T11:37:54.000000Z - - - - [thor@32473 id=\"0-4096\" module=\"a\\\\b\\x0Ac\"] THOR: Info: "
      "C:\\x5Cx\\x0Aforged\n");
}

TEST(Rfc5424, DerivesAPriorityFromTheLevel) {
  const std::pair<Level, std::string> cases[] = {
      {Level::none, "<190>"},  {Level::debug, "<191>"},   {Level::info, "<190>"}, {Level::notice, "<189>"},
      {Level::error, "<187>"}, {Level::warning, "<188>"}, {Level::alert, "<185>"}};
  for (const auto& [level, priority] : cases) {
    Line line{"x"};
    line.record.event.level = level;
    EXPECT_TRUE(encode(line, LineFormat::rfc5424).starts_with(priority + "1 "));
  }
}

TEST(Rfc5424, KeepsHeaderFieldsWithinTheirLimits) {
  Line line{"x"};
  Event& event = line.record.event;
  const std::string longest(1000, 'h');
  event.host = event.app_name = event.procid = event.msgid = longest;
  const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
  EXPECT_EQ(read.header[2].size(), 255U);
  EXPECT_EQ(read.header[3].size(), 48U);
  EXPECT_EQ(read.header[4].size(), 128U);
  EXPECT_EQ(read.header[5].size(), 32U);
  event.host = "a b\xC3\xA9\n]";
  EXPECT_EQ(read_5424(encode(line, LineFormat::rfc5424)).header[2], "a_b___]");
}

TEST(Rfc5424, StaysOneElementWhateverTheValuesAre) {
  for (const std::string& value :
       {"\"]"s, "S\"] [thor@32473 id=\"9-9\"]"s, "\\"s, "\\\""s, "]"s, "a\0b\n\x1B"s, "\xFF\xE2\x80\xAE"s}) {
    Line line{"x"};
    Event& event = line.record.event;
    event.scan_id = event.module = event.group_id = event.canonical_host = value;
    const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
    EXPECT_EQ(read.elements.size(), 1U) << value;
    EXPECT_EQ(read.message, "x");
  }
}

TEST(Rfc5424, HandsOnForeignElementsButNoForgedOnes) {
  Line line{
      "<165>1 2025-10-08T11:37:54Z arch app 7 ID47 [ex@9 a=\"1\\\"\"][thor@32473 id=\"9-9\" scan_id=\"S-bad\"][o] "
      "\xEF\xBB\xBFhi"};
  Event& event = line.record.event;
  event.priority = 165;
  event.host = line.in_raw("arch");
  event.app_name = line.in_raw("app");
  event.procid = line.in_raw("7");
  event.msgid = line.in_raw("ID47");
  const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
  EXPECT_EQ(read.header,
            (std::vector<std::string>{"<165>1", "2025-10-08T11:37:54.000000Z", "arch", "app", "7", "ID47"}));
  EXPECT_EQ(read.elements, (std::vector<std::string>{"[thor@32473 id=\"0-4096\"]", "[ex@9 a=\"1\\\"\"]", "[o]"}));
  EXPECT_EQ(read.message, "hi");
}

TEST(Rfc5424, TakesStructuredDataThatIsNotWellFormedForText) {
  for (const std::string& sd : {"[a b=\"]\"]"s, "[a b=c]"s, "[a"s, "[]"s, "[a b=\"x]"s, "[a  b=\"1\"]"s}) {
    Line line{"<165>1 2025-10-08T11:37:54Z arch app - - " + sd + " hi"};
    line.record.event.priority = 165;
    const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
    EXPECT_EQ(read.elements.size(), 1U) << sd;
    EXPECT_TRUE(read.message.ends_with(sd + " hi")) << read.message;
  }
}

TEST(Rfc5424, MovesATagIntoTheHeaderAndKeepsThors) {
  Line line{"<86>Oct  8 11:37:54 arch sshd[811]: Accepted password"};
  Event& event = line.record.event;
  event.kind = Kind::os;
  event.priority = 86;
  event.host = line.in_raw("arch");
  event.app_name = line.in_raw("sshd");
  event.procid = line.in_raw("811");
  const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
  EXPECT_EQ(read.header[3], "sshd");
  EXPECT_EQ(read.header[4], "811");
  EXPECT_EQ(read.message, "Accepted password");
  EXPECT_EQ(encode(line, LineFormat::rfc3164), line.raw);
}

TEST(Rfc5424, SendsADetectionAsOurOwnLine) {
  Line line{R"({"type":"scan_lost"})"};
  Event& event = line.record.event;
  event.kind = Kind::detection;
  event.level = Level::alert;
  event.canonical_host = "arch";
  const Read5424 read = read_5424(encode(line, LineFormat::rfc5424));
  EXPECT_EQ(read.header, (std::vector<std::string>{"<185>1", "2025-10-08T11:37:54.000000Z", "arch", "thorlogd", "-",
                                                   "detection"}));
  EXPECT_EQ(read.message, line.raw);
  EXPECT_EQ(encode(line, LineFormat::rfc3164), "<185>Oct  8 11:37:54 arch thorlogd: {\"type\":\"scan_lost\"}");
}

TEST(Rfc3164, GivesTheLineAPlainHeader) {
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  EXPECT_TRUE(
      encode(line, LineFormat::rfc3164)
          .starts_with("<190>Oct  8 11:37:54 arch.corp.example THOR: Alert: MODULE: Filescan MESSAGE: Malware"));
}

TEST(Rfc3164, GivesJsonLinesTheTagOfSyslogJson) {
  Line line{R"({"type":"THOR message","message":"x"})"};
  line.record.event.kind = Kind::thor;
  line.record.event.host = "arch";
  EXPECT_EQ(encode(line, LineFormat::rfc3164), "<190>Oct  8 11:37:54 arch THOR: " + line.raw);
}

struct BodyCase {
  std::string_view raw, host, app_name, body;
};

TEST(TakeApart, FindsTheMessageBehindEveryHeader) {
  const BodyCase cases[] = {
      {"<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: x", "arch", "THOR", "THOR: Info: x"},
      {"<190>Oct  8 11:37:54 127.0.0.1 arch/127.0.0.1 THOR: Info: x", "arch", "THOR", "THOR: Info: x"},
      {"Jun Oct 25 21:01:51 server44/10.216.2.186 THOR: Notice: x", "server44", "THOR", "THOR: Notice: x"},
      {"Jul 8 11:30:56 system88.local.net/10.10.9.15 THOR: y", "", "", "THOR: y"},
      {"THOR: Info: MODULE: x", "", "THOR", "THOR: Info: MODULE: x"},
      {"Oct  8 11:45:05 arch CEF:0|Nextron|THOR|10|a|b|3|", "arch", "", "CEF:0|Nextron|THOR|10|a|b|3|"},
      {"<13>Oct  8 11:45:05 arch CEF: 0|Nextron|THOR|10|a|b|3|", "", "", "CEF: 0|Nextron|THOR|10|a|b|3|"},
      {"<190>2025-10-08T11:48:37+02:00 arch/127.0.0.1 THOR: {\"a\":1}", "", "", "THOR: {\"a\":1}"},
      {"2025/02/12 14:24:34 ASGARD_GENERIC: Info: x", "", "ASGARD_GENERIC", "ASGARD_GENERIC: Info: x"},
      {"2025/02/12 14:24:34 ASGARD_GENERIC: Info: x", "", "", "ASGARD_GENERIC: Info: x"},
      {"{\"meta\":{\"hostname\":\"arch\"}}", "arch", "", "{\"meta\":{\"hostname\":\"arch\"}}"},
      {"Mar 26 09:48:09 analysis-cockpit[22732]: [ERROR] x", "", "", "analysis-cockpit[22732]: [ERROR] x"},
      {"no header at all", "", "", "no header at all"},
      {"<13>", "", "", ""},
      {"<1300>x", "", "", "<1300>x"},
      {"", "", "", ""},
      {"<34>1 - - - - - -", "", "", ""},
      {"<34>1 2025-10-08T11:48:37Z h a p m - ", "", "", ""},
      {"Oct  8 11:37:54 ", "", "", ""},
      // A host or name inside a value is not in the header.
      {"<13>Oct  8 11:37:54 relay app: {\"x\": \"arch \"}", "arch", "", "app: {\"x\": \"arch \"}"},
  };
  for (const BodyCase& one : cases) {
    Line line{std::string(one.raw)};
    if (!one.host.empty()) line.record.event.host = line.in_raw(one.host);
    if (!one.app_name.empty()) line.record.event.app_name = line.in_raw(one.app_name);
    EXPECT_EQ(take_apart(line.record.event).body, one.body) << one.raw;
  }
}

TEST(Cef, PassesThorsOwnLines) {
  Line line{"Oct  8 11:45:05 arch CEF: 0|Nextron Systems GmbH|THOR|10|611c94|a \\| b|3|sproc=Startup msg=c \\= d"};
  line.record.event.kind = Kind::thor;
  line.record.event.format = Format::cef;
  line.record.event.host = line.in_raw("arch");
  EXPECT_EQ(
      encode(line, LineFormat::cef, LineFraming::lf),
      "<190>Oct  8 11:37:54 arch CEF:0|Nextron Systems GmbH|THOR|10|611c94|a \\| b|3|sproc=Startup msg=c \\= d\n");
}

TEST(Cef, IsBuiltForOtherLines) {
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  EXPECT_EQ(
      encode(line, LineFormat::cef),
      "<190>Oct  8 11:37:54 arch.corp.example CEF:0|Nextron Systems GmbH|THOR|10|c77ae0|Malware \"x\" found|10|"
      "rt=1759923474000 externalId=0-4096 dvchost=arch.corp.example sproc=Filescan cs1Label=scan_id "
      "cs1=S-KybbdhFvHhc cs3Label=asset cs3=arch cfp1Label=score cfp1=130 msg=THOR: Alert: MODULE: Filescan MESSAGE: "
      "Malware \"x\" found SCANID: S-KybbdhFvHhc FILE: C:\\\\temp\\\\1.exe SCORE: 130");
}

TEST(Cef, IsOneLineWhateverTheBytes) {
  Line line{"THOR: a=b|c\\\n\r\0\x1B\xFF"s};
  line.record.event.message = line.raw;
  line.record.event.scan_id = "x=1 msg=forged";
  const std::string text = encode(line, LineFormat::cef, LineFraming::lf);
  EXPECT_EQ(text.find_first_of("\n\r\x1B"), text.size() - 1);
  EXPECT_NE(text.find("cs1=x\\=1 msg\\=forged "), std::string::npos);
}

TEST(OctetCounting, CountsWhatFollowsAtEachLength) {
  LineEncoder encoder({LineFormat::rfc5424, LineFraming::octet, nullptr});
  ByteBuffer out;
  // Lengths that jump between three, four and five digits, one behind the other in one buffer.
  const std::size_t lengths[] = {1, 910, 20'000, 5, 9'900, 899, 920, 0, 100'000, 1};
  for (const std::size_t length : lengths) {
    Line line{std::string(length, 'x')};
    encoder.append(line.stored(), out);
  }
  std::string_view stream = out.view();
  for (const std::size_t length : lengths) {
    const std::size_t count = std::stoul(std::string(stream.substr(0, 10)));
    ASSERT_NE(stream[0], '0');
    stream.remove_prefix(stream.find(' ') + 1);
    EXPECT_TRUE(stream.starts_with("<190>1 "));
    EXPECT_TRUE(stream.substr(0, count).ends_with(length == 0 ? "]" : "x"));
    stream.remove_prefix(count);
  }
  EXPECT_TRUE(stream.empty());
}

TEST(OctetCounting, WritesNoFrameOfNothing) {
  Line line{""};
  EXPECT_EQ(encode(line, LineFormat::raw, LineFraming::octet), "");
}

// Each hostile byte string, as raw and in every field, through every format over LF framing: one record, one line.
TEST(EveryFormat, MakesOneLineOfOneRecordOverLf) {
  const std::string hostile[] = {"a\n<190>Oct  8 11:37:54 evil THOR: x",
                                 "a\rb",
                                 "a\0b"s,
                                 "\x1B]0;x\x07",
                                 "\"]x[\\",
                                 "\xE2\x80\xAE\xFF\xC3",
                                 std::string(5000, '\n'),
                                 "<13>1 - - - - - [a b=\"\n\"] x"};
  for (const std::string& bytes : hostile) {
    Line line{bytes};
    Event& event = line.record.event;
    event.host = event.ip = event.app_name = event.procid = event.msgid = event.module = event.message =
        event.scan_id = event.uid = event.canonical_host = event.group_id = line.record.peer = line.raw;
    for (const Kind kind : {Kind::syslog, Kind::thor, Kind::detection}) {
      event.kind = kind;
      for (const LineFormat format :
           {LineFormat::raw, LineFormat::rfc5424, LineFormat::rfc3164, LineFormat::json, LineFormat::cef}) {
        const std::string text = encode(line, format, LineFraming::lf);
        for (std::size_t i = 0; i + 1 < text.size(); ++i)
          ASSERT_GE(static_cast<unsigned char>(text[i]), 0x20) << text;
        ASSERT_EQ(text.back(), '\n');
      }
    }
  }
}

TEST(EveryFormat, AllocatesNothingOnceWarm) {
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  for (const LineFormat format :
       {LineFormat::raw, LineFormat::rfc5424, LineFormat::rfc3164, LineFormat::json, LineFormat::cef}) {
    LineEncoder encoder({format, LineFraming::octet, nullptr});
    ByteBuffer out;
    encoder.append(line.stored(), out);
    const char* const place = out.data();
    for (int i = 0; i < 100; ++i) {
      out.clear();
      encoder.append(line.stored(), out);
    }
    EXPECT_EQ(out.data(), place);
  }
}

}  // namespace
}  // namespace thorlog
