// Lines above `max_event`: whole among the dead letters, shortened to the target; and lines that go round in circles.
#include "outputs/shorten.h"

#include <gmock/gmock.h>

#include "support.h"
#include "wire/encode_syslog.h"
#include "wire/escape.h"

namespace thorlog {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string shortened(const Record& record, std::size_t most = 1024) {
  Shortener shortener;
  StoredRecord stored = stored_record(record);
  stored.partition = 1;
  stored.offset = 4096;
  const StoredRecord made = shortener.shorten(stored, most);
  EXPECT_LE(made.record.event.raw.size(), most);
  EXPECT_NE(made.flags() & flag::truncated, 0U);
  EXPECT_TRUE(made.made);
  return std::string(made.record.event.raw);
}

TEST(Shortener, KeepsTheBeginAndRefersToTheWhole) {
  const std::string line = "<190>Oct  8 11:37:54 arch/10.0.0.1 THOR: Alert: MODULE: Filescan MESSAGE: Found FILE: /" +
                           std::string(5000, 'x') + " SCANID: S-abcdefghijk";
  Record record = line_record(line);
  record.event.format = Format::text;
  record.event.scan_id = std::string_view(line).substr(line.size() - 13);
  const std::string made = shortened(record);
  EXPECT_THAT(made, StartsWith(line.substr(0, 900)));
  EXPECT_THAT(made, EndsWith(" SCANID: S-abcdefghijk SHORTENED_FROM: " + std::to_string(line.size()) +
                             " DEAD_LETTER: 1-4096"));
}

TEST(Shortener, SaysNoScanIdTwice) {
  const std::string line = "THOR: Info: MODULE: A MESSAGE: b SCANID: S-abcdefghijk X: " + std::string(5000, 'x');
  Record record = line_record(line);
  record.event.scan_id = std::string_view(line).substr(line.find("S-"), 13);
  const std::string made = shortened(record);
  EXPECT_EQ(made.find("SCANID", made.find("SCANID") + 1), std::string::npos);
}

TEST(Shortener, MakesTextOfJson) {
  const std::string message(3000, 'm');
  const std::string line =
      R"(<188>Oct  8 11:37:54 arch THOR: {"type":"THOR assessment","message":")" + message + "\"}";
  Record record = line_record(line);
  record.event.format = Format::json3;
  record.event.level = Level::warning;
  record.event.module = "Filescan";
  record.event.message = message;
  record.event.scan_id = "S-abcdefghijk";
  const std::string made = shortened(record);
  EXPECT_THAT(made, StartsWith("<188>Oct  8 11:37:54 arch THOR: Warning: MODULE: Filescan MESSAGE: mmm"));
  EXPECT_THAT(made, HasSubstr(" SCANID: S-abcdefghijk SHORTENED_FROM: "));
  EXPECT_EQ(made.find('{'), std::string::npos);
}

TEST(Shortener, CutsAtACharacterHoweverLongTheFieldsAre) {
  std::string line;
  while (line.size() < 6000) line += "\xE2\x82\xAC\xF0\x9F\x98\x80\xC3\xA4";
  Record record = line_record(line);
  record.event.module = line;
  record.event.message = line;
  record.event.scan_id = line;
  for (const Format format : {Format::text, Format::json1}) {
    record.event.format = format;
    for (std::size_t most = 1024; most < 1040; ++most) EXPECT_TRUE(is_valid_utf8(shortened(record, most))) << most;
  }
}

std::uint64_t parked(const OutputSnapshot& snapshot) {
  return snapshot.books.dropped[static_cast<std::size_t>(DropReason::parked)];
}

TEST(MaxEvent, ParksTheWholeLineAndSendsAShortenedOneInItsPlace) {
  OutputWorld world;
  Receiver receiver;
  OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  settings.max_event = 2048;
  const std::string exact(2048, 'e');
  const std::string longer = "longer " + std::string(9000, 'l');
  world.append(std::vector<std::string>{"one", exact, longer, "two"});
  OutputRunner& output = world.run(settings);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0 && receiver.line_count() >= 4; }));
  const auto lines = receiver.lines();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0], "one");
  EXPECT_EQ(lines[1], exact);
  EXPECT_LE(lines[2].size(), 2048U);
  EXPECT_THAT(lines[2], StartsWith("longer lll"));
  EXPECT_THAT(lines[2], HasSubstr(" SHORTENED_FROM: 9007 DEAD_LETTER: 0-"));
  EXPECT_EQ(lines[3], "two");
  EXPECT_EQ(output.snapshot().books.acknowledged, 3U);
  EXPECT_EQ(parked(output.snapshot()), 1U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
  const auto letters = output.dead_letters()->list(9);
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].reason, "max_event");
  const auto letter = output.dead_letters()->read(letters[0].seq);
  Record record;
  std::vector<Piece> pieces;
  ASSERT_TRUE(letter && letter->decode(record, pieces));
  EXPECT_EQ(record.event.raw, longer);
}

TEST(MaxEvent, SendsTheShortenedOneAgainAfterABreakAndParksOnce) {
  OutputWorld world;
  Receiver receiver;
  receiver.read(false);
  OutputSettings settings = syslog_to("out", Transport::tcp, receiver.port());
  settings.max_event = 1024;
  const std::string longer = "longer " + std::string(5000, 'l');
  world.append(std::vector<std::string>{longer, "two"});
  OutputRunner& output = world.run(settings);
  ASSERT_TRUE(wait_until([&] { return output.dead_letters()->count() == 1; }));
  receiver.reset_all();
  receiver.read(true);
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0 && receiver.line_count() >= 2; }));
  const auto lines = receiver.lines();
  EXPECT_THAT(lines[lines.size() - 2], StartsWith("longer lll"));
  EXPECT_EQ(lines.back(), "two");
  EXPECT_EQ(parked(output.snapshot()), 1U);
  EXPECT_EQ(output.snapshot().books.acknowledged, 1U);
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

// ---- hops

unsigned hops(std::string_view structured_data) {
  Event event;
  event.structured_data = structured_data;
  return hops_of(event);
}

TEST(Hops, AreReadFromTheFirstElementOnly) {
  EXPECT_EQ(hops(""), 0U);
  EXPECT_EQ(hops(R"([ex@9 hops="5"])"), 0U);
  EXPECT_EQ(hops(R"([thor@32473 id="0-1"])"), 1U);
  EXPECT_EQ(hops(R"([thor@32473 id="0-1" hops="3"][ex@9 a="b"])"), 3U);
  EXPECT_EQ(hops(R"([ex@9 a="b"][thor@32473 id="0-1" hops="3"])"), 0U);
  EXPECT_EQ(hops(R"([thor@32473 a=" hops=\"7\""])"), 1U);
  EXPECT_EQ(hops(R"([thor@324730 hops="3"])"), 0U);
  EXPECT_EQ(hops(R"([thor@32473 hops="0"])"), 1U);
  EXPECT_EQ(hops(R"([thor@32473 hops="99999999999999"])"), kMostHops);
  EXPECT_EQ(hops(R"([thor@32473 hops="x"])"), kMostHops);
}

TEST(Hops, AreLookedForBehindTheHeaderOfRfc5424Only) {
  for (const char* line : {"<1>1 ", "<14>1 - h a", "<165>1 2026-03-02T08:00:00Z h a - - [thor@32473 hops=\"3\"]"})
    EXPECT_TRUE(may_have_hops(line)) << line;
  for (const char* line : {"", "<1>1", "<>1 - h", "<1655>1 - h", "<165", "<165>1", "<14>Oct  8 13:47:09 h a: x",
                           "14>1 - h a", "THOR: Info: MODULE: x"})
    EXPECT_FALSE(may_have_hops(line)) << line;
}

TEST(Hops, OfAnUntrustedPeerAreTakenOff) {
  EXPECT_EQ(without_own_elements(R"([thor@32473 hops="3"][thor@32473 hops="9"][ex@9 a="b"])"), R"([ex@9 a="b"])");
  EXPECT_EQ(without_own_elements(R"([ex@9 a="b"])"), R"([ex@9 a="b"])");
  EXPECT_EQ(without_own_elements(R"([thor@32473 hops="3)"), "");
}

TEST(Hops, GoUpWithEachThorlogd) {
  const std::string line = "a line";
  Record record = line_record(line);
  const auto encoded = [&](std::string_view structured_data) {
    record.event.structured_data = structured_data;
    ByteBuffer out;
    SyslogEncoder(Escaping::none).append_rfc5424(stored_record(record), out);
    return std::string(out.view());
  };
  EXPECT_EQ(encoded("").find("hops"), std::string::npos);
  EXPECT_THAT(encoded(R"([thor@32473 id="0-1"])"), HasSubstr(R"( hops="2"])"));
  EXPECT_THAT(encoded(R"([thor@32473 id="0-1" hops="6"])"), HasSubstr(R"( hops="7"])"));
}

TEST(Hops, EightAreACircleAndTheLineIsParked) {
  OutputWorld world;
  Receiver receiver;
  std::vector<std::string> lines = {R"(<14>1 - h a - - [thor@32473 id="0-1" hops="7"] seven)",
                                    R"(<14>1 - h a - - [thor@32473 id="0-1" hops="8"] eight)",
                                    "<14>Oct  8 13:47:09 h a: none"};
  std::vector<Record> records;
  for (const std::string& line : lines) {
    records.push_back(line_record(line));
    const std::size_t at = line.find('[');
    if (at == std::string::npos) continue;
    records.back().event.structured_data = std::string_view(line).substr(at, line.find(']') + 1 - at);
  }
  world.append(records);
  OutputRunner& output = world.run(syslog_to("out", Transport::tcp, receiver.port()));
  ASSERT_TRUE(wait_until([&] { return output.snapshot().pending == 0 && receiver.line_count() >= 2; }));
  EXPECT_EQ(receiver.line_count(), 2U);
  EXPECT_EQ(parked(output.snapshot()), 1U);
  EXPECT_EQ(output.dead_letters()->list(9).at(0).reason, "loop");
  EXPECT_TRUE(is_balanced(output.snapshot()));
}

}  // namespace
}  // namespace thorlog
