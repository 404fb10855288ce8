// Whose scan a line belongs to when the line alone does not say it: what the stream taught.
#include <gtest/gtest.h>

#include "thor/samples.h"

namespace thorlog {
namespace {

std::string line(const std::string& rest) { return "<190>Oct  8 11:37:54 h/10.0.0.1 THOR: " + rest; }

struct Stream {
  ScanMemory memory;
  std::uint32_t flags = 0;

  std::string scan_of(const std::string& rest, bool cut = false) {
    ParseContext context;
    context.memory = &memory;
    context.cut = cut;
    const Parsed parsed(line(rest), context);
    flags = parsed.event().flags;
    return std::string(parsed.event().scan_id);
  }
};

TEST(ScanMemory, PrefersTheOpenScanWhereCandidatesDiffer) {
  Stream stream;
  EXPECT_EQ(stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-1"), "S-1");
  EXPECT_EQ(stream.memory.open_scan(), "S-1");
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m SCANID: S-1 FILE: a SCANID: S-evil"), "S-1");
  EXPECT_EQ(stream.flags, 0U);
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-evil b SCANID: S-1"), "S-1");
  EXPECT_EQ(stream.flags, 0U);
}

TEST(ScanMemory, CallsALineAmbiguousWhenNeitherCandidateIsOpen) {
  Stream stream;
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-1");
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m SCANID: S-2 FILE: a SCANID: S-3"), "S-2");
  EXPECT_EQ(stream.flags, flag::ambiguous);
  EXPECT_EQ(stream.memory.open_scan(), "S-1") << "a doubtful line teaches nothing";
}

TEST(ScanMemory, KnowsTheOpenScanAtTheEndOfALineThatMayBeCut) {
  Stream stream;
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-12");
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-12", true), "S-12");
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-1", true), "") << "half an id";
}

TEST(ScanMemory, LearnsThatIdsStandBehindTheMessage) {
  Stream stream;
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-1");
  EXPECT_EQ(stream.memory.position(), 0) << "first and last at once";
  stream.scan_of("Info: MODULE: Init MESSAGE: Successfully compiled SCANID: S-1 TYPE: YARA");
  EXPECT_EQ(stream.memory.position(), 2);
}

TEST(ScanMemory, LearnsThatIdsStandAtTheEndFromABannerOnly) {
  Stream stream;
  stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-9");
  EXPECT_EQ(stream.memory.position(), 0);
  stream.scan_of("Info: MODULE: Init MESSAGE: Successfully compiled TYPE: YARA SCANID: S-1");
  EXPECT_EQ(stream.memory.position(), 3);
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-evil b SCANID: S-2"), "S-2");
  EXPECT_EQ(stream.flags, 0U);
}

TEST(ScanMemory, FindsTheOpenScanBehindAMessageThatHoldsAKey) {
  Stream stream;
  const std::string hotfix = "Warning: MODULE: HotfixCheck MESSAGE: Last hotfix DATE: 2015/01/09 SCANID: S-1 PATH: x";
  EXPECT_EQ(stream.scan_of(hotfix), "");
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-1");
  EXPECT_EQ(stream.scan_of(hotfix), "S-1");
  EXPECT_EQ(stream.scan_of(hotfix + " SCANID: S-evil"), "S-1");
  EXPECT_EQ(stream.flags, 0U);
}

TEST(ScanMemory, BelievesNoIdOfAScanThatHasNone) {
  Stream stream;
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0");
  EXPECT_EQ(stream.memory.position(), 4);
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-evil"), "");
  // The next scan has ids again.
  EXPECT_EQ(stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-2"), "S-2");
  EXPECT_EQ(stream.scan_of("Warning: MODULE: Filescan MESSAGE: m FILE: a SCANID: S-2"), "S-2");
}

TEST(ScanMemory, LearnsNothingFromCutLines) {
  Stream stream;
  EXPECT_EQ(stream.scan_of("Info: MODULE: Init MESSAGE: m SCANID: S-1 TYPE: YA", true), "S-1");
  EXPECT_EQ(stream.memory.open_scan(), "");
  EXPECT_EQ(stream.memory.position(), 0);
}

TEST(ScanMemory, TakesTheNextScanOfTheStream) {
  Stream stream;
  stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-1");
  EXPECT_EQ(stream.scan_of("Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-2"), "S-2");
  EXPECT_EQ(stream.memory.open_scan(), "S-2");
}

TEST(ScanMemory, FitsIntoItsBound) {
  static_assert(sizeof(ScanMemory) <= 128);
  ScanMemory memory;
  memory.remember(std::string(118, 'a'));
  EXPECT_EQ(memory.open_scan().size(), 118U);
  memory.remember(std::string(119, 'b'));
  EXPECT_EQ(memory.open_scan()[0], 'a');
}

TEST(ScanId, IsNoWordOfEndlessLength) {
  EXPECT_EQ(Stream().scan_of("Info: MODULE: M MESSAGE: m SCANID: " + std::string(128, 'a') + " FILE: x").size(),
            128U);
  EXPECT_EQ(Stream().scan_of("Info: MODULE: M MESSAGE: m SCANID: " + std::string(129, 'a') + " FILE: x"), "");
}

}  // namespace
}  // namespace thorlog
