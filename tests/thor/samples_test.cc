// What each kind of line means: the tables in tests/data/thor.
#include "thor/samples.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace thorlog {
namespace {

std::string number(double value) {
  if (std::isnan(value)) return "";
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

using Get = std::function<std::string(const Parsed&)>;
const std::map<std::string, Get>& getters() {
  static const auto text = [](std::string_view Event::*member) {
    return [member](const Parsed& parsed) { return std::string(parsed.event().*member); };
  };
  static const std::map<std::string, Get> kGetters = {
      {"rule", [](const Parsed& parsed) { return rule_name(parsed.start().rule); }},
      {"kind", [](const Parsed& parsed) { return std::string(name_of(parsed.event().kind)); }},
      {"format", [](const Parsed& parsed) { return std::string(name_of(parsed.event().format)); }},
      {"level", [](const Parsed& parsed) { return std::string(name_of(parsed.event().level)); }},
      {"flags", [](const Parsed& parsed) { return flag_names(parsed.event().flags); }},
      {"score", [](const Parsed& parsed) { return number(parsed.event().score); }},
      {"priority",
       [](const Parsed& parsed) {
         return parsed.event().priority == kNoPriority ? "" : std::to_string(parsed.event().priority);
       }},
      {"module", text(&Event::module)},
      {"message", text(&Event::message)},
      {"scan_id", text(&Event::scan_id)},
      {"uid", text(&Event::uid)},
      {"host", text(&Event::host)},
      {"ip", text(&Event::ip)},
      {"canonical", text(&Event::canonical_host)},
      {"app_name", text(&Event::app_name)},
      {"procid", text(&Event::procid)},
      {"msgid", text(&Event::msgid)},
      {"structured_data", text(&Event::structured_data)},
  };
  return kGetters;
}

class Samples : public testing::TestWithParam<const char*> {};

TEST_P(Samples, MeanWhatTheTableSays) {
  for (const Sample& sample : read_samples(GetParam())) {
    SCOPED_TRACE(sample.file + ":" + std::to_string(sample.line_number) + ": " + sample.raw.substr(0, 120));
    const auto told = [&sample](const char* name) {
      const auto found = sample.circumstances.find(name);
      return found == sample.circumstances.end() ? std::string() : found->second;
    };
    const auto zone_of = [](const std::string& name) { return name.empty() ? nullptr : TimeZone::make(name); };
    const auto zone = zone_of(told("zone"));
    const auto agent_zone = zone_of(told("agent_zone"));
    ASSERT_TRUE(zone != nullptr || told("zone").empty());
    const std::string peer = told("peer");
    ParseContext context;
    if (!told("received").empty()) context.received = time_of(told("received"));
    context.zone = zone.get();
    context.agent_zone = agent_zone.get();
    context.cut = told("cut") == "yes";
    context.short_hostname = told("short_hostname") != "no";
    context.peer_host = peer;

    const Parsed parsed(sample.raw, context);
    EXPECT_EQ(parsed.event().raw, sample.raw);
    for (const auto& [key, value] : sample.expected) {
      if (key == "timestamp") {
        EXPECT_EQ(parsed.event().timestamp, time_of(value)) << key;
        continue;
      }
      const auto get = getters().find(key);
      ASSERT_NE(get, getters().end()) << "unknown key " << key;
      EXPECT_EQ(get->second(parsed), value) << key;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Samples,
                         testing::Values("headers.txt", "formats.txt", "agents.txt", "os.txt", "traps.txt",
                                         "times.txt"));

std::vector<std::string> columns(const std::string& row) {
  std::vector<std::string> out(1);
  for (const char c : row) {
    if (c == '\t') {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

TEST(ThorLines, AreReadAsTheManualMeansThem) {
  const std::vector<std::string> lines = read_lines("thor-lines.txt");
  const std::vector<std::string> table = read_lines("thor-lines.tsv");
  ASSERT_EQ(lines.size(), 48U);
  ASSERT_EQ(table.size(), 49U);
  for (std::size_t n = 0; n < lines.size(); ++n) {
    SCOPED_TRACE(lines[n].substr(0, 120));
    const std::vector<std::string> wanted = columns(table[n + 1]);
    const Parsed parsed(lines[n]);
    const Event& event = parsed.event();
    EXPECT_TRUE(parsed.start().is_start());
    EXPECT_EQ(parsed.start().rule,
              lines[n].substr(0, 4) == "Jun " && lines[n][4] == 'O' ? StartRule::s1b : StartRule::s1);
    EXPECT_EQ(event.kind, Kind::thor);
    EXPECT_EQ(event.format, Format::text);
    EXPECT_EQ(name_of(event.level), wanted[0]);
    EXPECT_EQ(event.module, wanted[1]);
    EXPECT_EQ(event.host, wanted[2]);
    EXPECT_EQ(event.ip, wanted[3]);
    EXPECT_EQ(number(event.score), wanted[4] == "-" ? "" : wanted[4]);
    EXPECT_EQ(event.message, wanted[6]);
    EXPECT_EQ(event.scan_id, "");
    EXPECT_NE(event.timestamp, kNoTime);
    EXPECT_EQ(event.flags & ~(flag::clock_skew | flag::replayed), 0U);
    int fields = 0;
    for_each_field(
        event, [&](std::string_view key, std::string_view, bool) { fields += key != "MODULE" && key != "MESSAGE"; });
    EXPECT_EQ(std::to_string(fields), wanted[5]);
  }
}

TEST(LineParser, TakesAnyBytesAndAnyCutOfALine) {
  std::vector<std::string> lines = read_lines("thor-lines.txt");
  for (const char* file : {"headers.txt", "formats.txt", "agents.txt", "os.txt", "traps.txt"})
    for (const Sample& sample : read_samples(file)) lines.push_back(sample.raw);
  LineParser parser;
  ScanMemory memory;
  ParseContext context;
  context.cut = true;
  context.memory = &memory;
  for (const std::string& line : lines) {
    for (std::size_t size = 0; size <= line.size(); ++size) {
      // Each on a piece of memory of its own, so that reading too far is seen by the sanitizer.
      std::string bytes = line.substr(0, size);
      bytes.append(kReadAhead, ':');
      bytes.shrink_to_fit();
      const std::string_view raw(bytes.data(), size);
      Event event;
      parser.parse(raw, test_start(raw), context, event);
      EXPECT_EQ(event.raw, raw);
      for_each_field(event, [](std::string_view, std::string_view, bool) {});
    }
  }
}

TEST(LineParser, FindsNoOtherScanInALineThatIsCutAnywhere) {
  for (const char* file : {"headers.txt", "formats.txt"}) {
    for (const Sample& sample : read_samples(file)) {
      const Parsed whole(sample.raw);
      for (std::size_t size = 0; size < sample.raw.size(); ++size) {
        ParseContext context;
        context.cut = true;
        const Parsed parsed(sample.raw.substr(0, size), context);
        const std::string_view id = parsed.event().scan_id;
        EXPECT_TRUE(id.empty() || id == whole.event().scan_id) << size << ": " << sample.raw;
      }
    }
  }
}

}  // namespace
}  // namespace thorlog
