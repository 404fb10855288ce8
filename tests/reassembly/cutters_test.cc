// A line that a cutter took apart comes back: as it was where nothing was lost, else as the best that can be known.
#include "cutters.h"

#include <random>

#include "fragment_file.h"
#include "harness.h"

namespace thorlog {
namespace {

const std::string kStamp = "Nov 21 16:45:50";  // what the harness' clock says
const std::string kSender = "127.0.0.1";

std::string filler(std::mt19937& dice, std::size_t size) {
  static const char* const kWords[] = {"C:\\Windows\\Temp\\a.exe",
                                       "alpha",
                                       "00011",
                                       "Str1:",
                                       "0x7f",
                                       "/var/tmp/x",
                                       "REASON_1:",
                                       "näive",
                                       "b-c",
                                       "{x}",
                                       "[1]",
                                       "THOR",
                                       "SCANID:",
                                       "10.0.0.9",
                                       "\"quoted\"",
                                       "ends.",
                                       "12"};
  std::string text;
  while (text.size() < size) text += std::string(kWords[dice() % std::size(kWords)]) + " ";
  text.resize(size);
  for (char& c : text)  // the rest of a character that was cut in two would be no text of anyone
    if (static_cast<unsigned char>(c) >= 0x80) c = 'u';
  if (text.back() == ' ') text.back() = 'e';
  return text;
}

std::string text_line(std::mt19937& dice, std::size_t size) {
  const std::string head = counter_header() + "Warning: MODULE: Filescan MESSAGE: m SCANID: S-1 FILE: ";
  return head + filler(dice, size - head.size());
}

std::string json_line(std::mt19937& dice, std::size_t size) {
  std::string line = R"({"type":"THOR finding","meta":{"scan_id":"S-1"},"reasons":[)";
  while (line.size() + 80 < size)
    line += R"({"data":"a \\ \" } ]","offset":)" + std::to_string(dice() % 99999) + "},";
  return line + R"({"data":"e"}],"log_version":"v3"})";
}

enum class Kind { text, json };

class Cutters : public ::testing::TestWithParam<Kind> {
 protected:
  std::string line(std::mt19937& dice, std::size_t size) const {
    return GetParam() == Kind::text ? text_line(dice, size) : json_line(dice, size);
  }
  static std::string next_line(int n) {
    return counter_header() + "Info: MODULE: Filescan MESSAGE: next " + std::to_string(n);
  }
};

// Gives the pieces and then a start line; answers the record that the pieces became.
Got through(Harness& harness, Reassembler::Stream* stream, const std::vector<std::string>& pieces,
            const std::string& next) {
  harness.lines.clear();
  for (const std::string& piece : pieces) harness.offer(stream, piece);
  const std::size_t before = harness.lines.size();
  harness.offer(stream, next);
  EXPECT_EQ(harness.lines.size(), 2U) << harness.text();
  if (harness.lines.size() != 2) return {};
  EXPECT_EQ(harness.lines[1].raw, next);
  // Only a last piece of cut size leaves it open until the start line.
  EXPECT_EQ(before, 1U) << pieces.back().size();
  return harness.lines[0];
}

std::size_t not_a_cut_size(std::mt19937& dice, std::size_t limit) {
  const std::size_t size = limit + 60 + dice() % (4 * limit);
  const std::size_t last = size % limit;
  return last < 60 || last > limit - 60 ? size + 130 : size;
}

TEST_P(Cutters, ThatLoseNothingGiveTheLineBack) {
  std::mt19937 dice(1);
  for (const std::size_t limit : {std::size_t{700}, std::size_t{8096}, std::size_t{8192}, std::size_t{65536}}) {
    ReassemblyOptions options;
    options.cut_sizes = {700};
    Harness harness(options);
    auto* stream = harness.open();
    for (int n = 0; n < 40; ++n) {
      const std::string whole = line(dice, not_a_cut_size(dice, limit));
      const auto pieces = cut_exact(whole, limit);
      const Got got = through(harness, stream, pieces, next_line(n));
      ASSERT_EQ(got.raw, whole) << limit;
      ASSERT_EQ(got.parts, pieces.size());
      ASSERT_EQ(names_of(got.flags), limit == 65536 ? "joined" : "joined lossy_possible");
    }
  }
}

TEST_P(Cutters, ThatLoseAByteAtEachBreakGiveAllOthersBack) {
  std::mt19937 dice(2);
  Harness harness;
  auto* stream = harness.open();
  for (int n = 0; n < 60; ++n) {
    const std::string whole = line(dice, not_a_cut_size(dice, 8097));
    const auto pieces = cut_imtcp(whole, 8096);
    std::string left;
    for (const std::string& piece : pieces) left += piece;
    const Got got = through(harness, stream, pieces, next_line(n));
    ASSERT_EQ(got.raw, left);
    ASSERT_EQ(names_of(got.flags), "joined lossy_possible");
  }
}

TEST_P(Cutters, BehindASyslogNgRelayGiveTheLineBack) {
  std::mt19937 dice(3);
  Harness harness;
  auto* stream = harness.open();
  for (int n = 0; n < 60; ++n) {
    const std::string whole = line(dice, not_a_cut_size(dice, 8192));
    std::vector<std::string> pieces = cut_syslog_ng(whole, 8192);
    std::string left;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      left += pieces[i];
      if (i > 0 || GetParam() == Kind::json) pieces[i] = syslog_ng_header(pieces[i], kSender, kStamp);
    }
    if (GetParam() == Kind::json) left.insert(0, "<13>" + kStamp + " " + kSender + " ");
    const Got got = through(harness, stream, pieces, next_line(n));
    ASSERT_EQ(got.raw, left);
    ASSERT_EQ(names_of(got.flags), "joined lossy_possible");
    ASSERT_EQ(got.stripped.at(1), "<13>" + kStamp + " " + kSender + " ");
  }
}

// rsyslog cuts once more what its header made longer, and shortens tags: what it left is what is joined.
TEST_P(Cutters, BehindAnRsyslogRelayGiveBackWhatItLeft) {
  std::mt19937 dice(4);
  for (int n = 0; n < 200; ++n) {
    Harness harness;
    auto* stream = harness.open();
    const std::string whole = line(dice, not_a_cut_size(dice, 8097));
    std::vector<std::string> pieces = cut_imtcp(whole, 8096);
    for (std::size_t i = 0; i < pieces.size(); ++i)
      if (i > 0 || GetParam() == Kind::json) pieces[i] = rsyslog_header(pieces[i], kSender, kStamp).substr(0, 8096);
    const Got got = through(harness, stream, pieces, next_line(n));
    ASSERT_EQ(got.parts, pieces.size()) << harness.text();
    std::size_t stripped = 0, sent = 0;
    for (const auto& one : got.stripped) stripped += one.size();
    for (const auto& one : pieces) sent += one.size();
    ASSERT_EQ(got.raw.size() + stripped, sent);
    for (std::size_t i = 1; i < pieces.size(); ++i) {  // nothing but the header and the sender's name went
      const std::string& header = got.stripped[i];
      const std::string made_up = "<13>" + kStamp + " ";
      ASSERT_EQ(header.substr(0, made_up.size()), made_up);
      const std::string rest = header.substr(made_up.size());
      ASSERT_TRUE(rest.empty() || rest == kSender + " " || rest == kSender + "  ") << rest;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lines, Cutters, ::testing::Values(Kind::text, Kind::json),
                         [](const auto& row) { return row.param == Kind::text ? "text" : "json"; });

// Pieces of headerless lines as real relays forwarded them (rsyslog 8.2302, syslog-ng 3.38).
TEST(Cutters, ModelsSayWhatRealRelaysWrote) {
  struct Row {
    const char *piece, *rsyslog, *syslog_ng;
  };
  const Row rows[] = {
      {"word 00013 00014", "word 00013 00014", "127.0.0.1 word 00013 00014"},
      {" 00046 00047", "127.0.0.1  00046 00047", "127.0.0.1 00046 00047"},
      {R"({"type":"x"} y)", R"(127.0.0.1  {"type":"x"} y)", R"(127.0.0.1 {"type":"x"} y)"},
      {"[abc] def", "127.0.0.1  [abc] def", "127.0.0.1 [abc] def"},
      {R"(ws\System32\foo.exe SCORE: 75)", R"(127.0.0.1 ws\System32\foo.exe SCORE: 75)",
       R"(127.0.0.1 ws\System32\foo.exe SCORE: 75)"},
      {R"(C:\Users\neo SCORE: 75)", R"(127.0.0.1 C: \Users\neo SCORE: 75)", R"(127.0.0.1 C:\Users\neo SCORE: 75)"},
      {"word verylongtokenthatisquitelongerthanthirtytwochars tail", "word verylongtokenthatisquitelongerth tail",
       "127.0.0.1 word verylongtokenthatisquitelongerthanthirtytwochars tail"},
      {"word- next more", "127.0.0.1 word- next more", "127.0.0.1 word- next more"},
      {"abc", "abc  ", "127.0.0.1 abc"},
      {"a/b", "127.0.0.1 a/b ", "127.0.0.1 a/b"},
      {":colon first", "127.0.0.1 : colon first", "127.0.0.1 :colon first"},
      {"\x80\xA6 more", "127.0.0.1 \x80\xA6 more", "127.0.0.1 \x80\xA6 more"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(rsyslog_header(row.piece, kSender, kStamp), "<13>" + kStamp + " " + row.rsyslog);
    EXPECT_EQ(syslog_ng_header(row.piece, kSender, kStamp), "<13>" + kStamp + " " + row.syslog_ng);
  }
}

}  // namespace
}  // namespace thorlog
