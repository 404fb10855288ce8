#include "thorlog/framing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "thorlog/event.h"

namespace thorlog {
namespace {

using ::testing::ElementsAre;

constexpr std::size_t kMax = 4096;
const std::string kStart = "<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: after octet";

// Feeds from memory that ends with the read-ahead, so that a sanitizer sees who looks further.
class Feeder {
 public:
  explicit Feeder(Framing framing, std::size_t max_frame = kMax) : framer_(framing, max_frame) {}

  Feeder& feed(std::string_view bytes) {
    buffer_.assign(bytes.size() + kReadAhead, '\xAA');
    bytes.copy(buffer_.data(), bytes.size());
    framer_.feed({buffer_.data(), bytes.size()});
    return drain();
  }
  Feeder& drain() {
    Frame frame;
    while (framer_.next(frame)) take(frame);
    return *this;
  }
  Feeder& finish() {
    Frame frame;
    while (framer_.finish(frame)) take(frame);
    return *this;
  }
  StreamFramer& framer() { return framer_; }
  std::vector<std::string> bytes() const {
    std::vector<std::string> all;
    for (const auto& frame : frames) all.push_back(frame.bytes);
    return all;
  }

  struct Taken {
    std::string bytes;
    std::uint32_t flags;
    bool counted;
    std::uint64_t declared;
    bool operator==(const Taken&) const = default;
  };
  std::vector<Taken> frames;

 private:
  void take(const Frame& frame) {
    volatile char beyond = frame.bytes.data()[frame.bytes.size() + kReadAhead - 1];
    static_cast<void>(beyond);
    frames.push_back({std::string(frame.bytes), frame.flags, frame.counted, frame.declared_length});
  }

  StreamFramer framer_;
  std::string buffer_;
};

std::vector<std::string> frames_of(Framing framing, std::string_view wire, std::size_t max_frame = kMax) {
  return Feeder(framing, max_frame).feed(wire).finish().bytes();
}

std::string counted(std::string_view message) { return std::to_string(message.size()) + " " + std::string(message); }

std::string repeated(std::string_view text, std::size_t size) {
  std::string out;
  while (out.size() < size) out += text;
  out.resize(size);
  return out;
}

TEST(StreamFramer, EndsLinesAtLf) {
  EXPECT_THAT(frames_of(Framing::automatic, "abc\ndef\n\nz\n"), ElementsAre("abc", "def", "z"));
}

TEST(StreamFramer, TakesOffOneCarriageReturnAndPadding) {  // F29, RFC 6587 3.4.2
  EXPECT_THAT(frames_of(Framing::lf, std::string("a SCANID: S-1\r\nb\0\0\nc\r\r\n", 23)),
              ElementsAre("a SCANID: S-1", "b", "c\r"));
}

TEST(StreamFramer, CountsEmptyFrames) {  // F28
  Feeder feeder(Framing::automatic);
  feeder.feed(std::string("\n\r\n\0\0\0\nx\n", 9));
  EXPECT_THAT(feeder.bytes(), ElementsAre("x"));
  EXPECT_EQ(feeder.framer().empty_frames(), 3U);
}

TEST(StreamFramer, EndsLinesAtNul) {
  EXPECT_THAT(frames_of(Framing::nul, std::string("a\nb\0c\0", 6)), ElementsAre("a\nb", "c"));
}

TEST(StreamFramer, ReadsOctetCounts) {  // F16
  const std::string inner = "<14>first\nand second line";
  Feeder feeder(Framing::automatic);
  feeder.feed("59 " + kStart + counted(inner) + counted("<14>x\n") + "\n" + counted("<14>y"));
  EXPECT_THAT(feeder.bytes(), ElementsAre(kStart, inner, "<14>x", "<14>y"));
  EXPECT_TRUE(feeder.frames[0].counted);
  EXPECT_EQ(feeder.frames[0].declared, 59U);
}

struct NoCount {
  const char* name;
  std::string wire;
};
class NoCounts : public ::testing::TestWithParam<NoCount> {};
TEST_P(NoCounts, LeavesLinesThatBeginWithANumberAlone) {
  const std::string wire = GetParam().wire + "\n<14>next\n";
  EXPECT_THAT(frames_of(Framing::automatic, wire), ElementsAre(GetParam().wire, "<14>next"));
  Feeder bytewise(Framing::automatic);
  for (const char& byte : wire) bytewise.feed({&byte, 1});
  EXPECT_THAT(bytewise.bytes(), ElementsAre(GetParam().wire, "<14>next"));
}
INSTANTIATE_TEST_SUITE_P(
    Lines, NoCounts,
    ::testing::Values(NoCount{"Agent", R"(2025/02/12 14:24:34 ASGARD_GENERIC: Info: {"level":"INFO"})"},      // F18
                      NoCount{"Rfc3339", "2025-10-08T11:37:54Z arch/127.0.0.1 THOR: Info: MODULE: Startup"},  // F19
                      NoCount{"Number", "12 00013 00014 00015"},
                      NoCount{"YearFirst", "2025 Oct  8 11:37:54 router %SYS-5"},
                      NoCount{"TooManyDigits", "99999999999 <190>Oct  8 11:37:54 a THOR: Info: x"},
                      NoCount{"LeadingZero", "059 <190>Oct  8 11:37:54 a THOR: Info: x"},
                      NoCount{"Markup", "12 <b>bold</b> and so on, and on"}, NoCount{"OnlyDigits", "4711"},
                      NoCount{"DigitsBlank", "4711 "},
                      NoCount{"ShorterThanItsStart", "3 Oct  8 11:37:54 arch THOR: Info: x"}),
    [](const auto& row) { return std::string(row.param.name); });

struct YesCount {
  const char* name;
  std::string message;
};
class Counts : public ::testing::TestWithParam<YesCount> {};
TEST_P(Counts, AreKnownByWhatFollowsThem) {
  const std::string wire = counted(GetParam().message) + counted("no start");
  const auto wanted = ElementsAre(GetParam().message, "no start");  // the first one settles it
  EXPECT_THAT(frames_of(Framing::automatic, wire), wanted);
  Feeder bytewise(Framing::automatic);
  for (const char& byte : wire) bytewise.feed({&byte, 1});
  EXPECT_THAT(bytewise.bytes(), wanted);
}
INSTANTIATE_TEST_SUITE_P(
    Starts, Counts,
    ::testing::Values(YesCount{"Priority", "<1>x"}, YesCount{"Json", R"({"a":1})"},
                      YesCount{"S1", "Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: MODULE: Startup"},
                      YesCount{"S1Relayed", "Oct  8 11:37:54 10.0.0.1 arch/127.0.0.1 THOR : Alert: MODULE: x"},
                      YesCount{"S1Iso", "2025-10-08T11:37:54.25+02:00 arch THOR: {\"type\":1}"},
                      YesCount{"S2", "THOR: Warning: MODULE: Init MESSAGE: x"},
                      YesCount{"S3", "Oct  8 11:45:05 arch CEF: 0|Nextron Systems GmbH|THOR|10|"},
                      YesCount{"S4", "2025/02/12 14:24:34 ASGARD_GENERIC: Info: {}"},
                      YesCount{"S4Bare", "ASGARD_AGENT: Error: task 1350 done with error"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(StreamFramer, AgentLineFirstIsNoCount) {
  EXPECT_THAT(frames_of(Framing::automatic, "2025/02/12 14:24:34 ASGARD_GENERIC: Info: x\n59 " + kStart + "\n"),
              ElementsAre("2025/02/12 14:24:34 ASGARD_GENERIC: Info: x", kStart));
}

TEST(StreamFramer, GivesTheSameFramesHoweverTheStreamIsCut) {
  const std::vector<std::string> wires = {
      "abc\n\nz\r\n<14>hello world\n" + kStart + "\n",
      "59 " + kStart + counted("<14>inner\nline") + counted("12 34") + "\n" + counted(R"({"a":"b"})"),
      "2025/02/12 14:24:34 ASGARD_GENERIC: Info: {}\n300 <190>Oct  8 11:37:54 a THOR: Info: x\n12 abc\n",
      counted("Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: MODULE: Startup") + "2025/02/12 line\n" + counted("<14>z"),
      "82 Oct  8 11:37:54 a THOR: Info: the rest never came",  // found by the fuzzer
      repeated("0123456789", 95) + "\n" + repeated("x", 32) + "\r\n" + repeated("y", 33) + "\nend\n",
      counted("<14>" + repeated("z", 90)) + counted("<1>q"),
  };
  for (const std::size_t max_frame : {std::size_t{32}, kMax})
    for (const std::string& wire : wires) {
      const auto whole = Feeder(Framing::automatic, max_frame).feed(wire).finish().frames;
      for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
        Feeder feeder(Framing::automatic, max_frame);
        feeder.feed(wire.substr(0, cut)).feed(wire.substr(cut)).finish();
        EXPECT_EQ(feeder.frames, whole) << "cut at " << cut << " of " << wire << ", at most " << max_frame;
      }
      Feeder bytewise(Framing::automatic, max_frame);
      for (const char& byte : wire) bytewise.feed({&byte, 1});
      EXPECT_EQ(bytewise.finish().frames, whole) << wire << ", at most " << max_frame;
    }
}

TEST(StreamFramer, GivesRandomStreamsBackHoweverTheyAreCut) {
  std::mt19937 dice(7);
  const std::string alphabet("1239 <>{\"\n\r\0Oct8:THORZz", 23);
  for (int round = 0; round < 3000; ++round) {
    std::string wire;
    for (std::size_t n = dice() % 120; n > 0; --n) wire += alphabet[dice() % alphabet.size()];
    const auto framing = static_cast<Framing>(dice() % 4);
    const std::size_t max_frame = 1 + dice() % 50;
    const auto whole = Feeder(framing, max_frame).feed(wire).finish();
    Feeder cut(framing, max_frame);
    for (std::size_t at = 0; at < wire.size();) {
      const std::size_t n = 1 + dice() % 9;
      cut.feed(wire.substr(at, n));
      at += n;
    }
    ASSERT_EQ(cut.finish().frames, whole.frames) << ::testing::PrintToString(wire) << " at most " << max_frame;
  }
}

TEST(StreamFramer, GivesLongLinesInFlaggedPieces) {
  const std::string line = repeated("0123456789", 95);
  Feeder feeder(Framing::lf, 40);
  feeder.feed(line + "\nshort\n");
  EXPECT_THAT(feeder.bytes(), ElementsAre(line.substr(0, 40), line.substr(40, 40), line.substr(80), "short"));
  EXPECT_EQ(feeder.frames[0].flags, flag::oversize);
  EXPECT_EQ(feeder.frames[2].flags, flag::oversize);
  EXPECT_EQ(feeder.frames[3].flags, 0U);
}

TEST(StreamFramer, LinesOfExactlyTheLimitAreWhole) {
  Feeder feeder(Framing::lf, 40);
  feeder.feed(repeated("x", 40) + "\r\n" + repeated("y", 41) + "\n");
  EXPECT_THAT(feeder.bytes(), ElementsAre(repeated("x", 40), repeated("y", 41)));
}

TEST(StreamFramer, NeverAllocatesWhatACountClaims) {
  Feeder feeder(Framing::automatic, 1024);
  feeder.feed("9999999999 <190>" + repeated("x", 3000));
  EXPECT_EQ(feeder.frames.size(), 2U);
  EXPECT_EQ(feeder.frames[0].flags, flag::oversize);
  EXPECT_EQ(feeder.frames[0].declared, 9999999999U);
  EXPECT_LE(feeder.framer().held(), 8192U);
}

TEST(StreamFramer, ReadsCountsThatWereWrittenDownAsText) {  // F27
  Feeder feeder(Framing::automatic);
  feeder.feed("<14>plain\n300 " + kStart + "\n" + counted(kStart) + "\n5 " + kStart + "\n");
  EXPECT_THAT(feeder.bytes(), ElementsAre("<14>plain", kStart, kStart, "5 " + kStart));
  EXPECT_EQ(feeder.frames[1].declared, 300U);
  EXPECT_FALSE(feeder.frames[1].counted);
}

TEST(StreamFramer, WaitsForWhatFollowsACountAndDecidesWhenTold) {
  Feeder feeder(Framing::automatic);
  feeder.feed("59");
  EXPECT_TRUE(feeder.framer().undecided());
  feeder.framer().decide_now();
  EXPECT_FALSE(feeder.framer().undecided());
  // A client that is only slow does not glue its frames together.
  feeder.drain().feed(" " + kStart).feed(counted("<14>next"));
  EXPECT_THAT(feeder.bytes(), ElementsAre(kStart, "<14>next"));
}

TEST(StreamFramer, SaysWhatWasLeftUnterminated) {  // F21
  Feeder feeder(Framing::automatic);
  feeder.feed("whole\nhalf of a li").finish();
  EXPECT_THAT(feeder.bytes(), ElementsAre("whole", "half of a li"));
  EXPECT_EQ(feeder.frames[1].flags, flag::unterminated);
  EXPECT_EQ(Feeder(Framing::automatic).feed("100 <14>half").finish().frames,
            (std::vector<Feeder::Taken>{{"<14>half", flag::unterminated, true, 100}}));
}

TEST(StreamFramer, TheRestOfAnIdleLineIsNoCount) {
  Feeder feeder(Framing::automatic);
  feeder.feed("half of a li").finish().feed("5 <1>of it\nnext\n");
  EXPECT_THAT(feeder.bytes(), ElementsAre("half of a li", "5 <1>of it", "next"));
  EXPECT_EQ(feeder.frames[1].flags, flag::unterminated);
  EXPECT_EQ(feeder.frames[2].flags, 0U);
}

TEST(StreamFramer, HoldsNoMemoryWhenIdle) {
  Feeder feeder(Framing::lf);
  feeder.feed(repeated("x", 3000));
  EXPECT_GE(feeder.framer().held(), 3000U);
  feeder.feed("\n");
  EXPECT_EQ(feeder.bytes(), std::vector<std::string>{repeated("x", 3000)});
  feeder.drain();
  EXPECT_LE(feeder.framer().held(), 512U);
}

TEST(StreamFramer, TellsWhatFollowsInTheBuffer) {
  StreamFramer framer(Framing::lf, kMax);
  const std::string wire = "one\ntwo\nthr" + std::string(kReadAhead, ' ');
  framer.feed(std::string_view(wire).substr(0, 11));
  Frame frame;
  ASSERT_TRUE(framer.next(frame));
  EXPECT_EQ(frame.following, "two\nthr");
}

}  // namespace
}  // namespace thorlog
