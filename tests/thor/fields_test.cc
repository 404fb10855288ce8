#include <gtest/gtest.h>

#include "thor/samples.h"

namespace thorlog {
namespace {

// "KEY=value" one after the other, values that are JSON in angle brackets.
std::string fields_of(const std::string& line) {
  const Parsed parsed(line);
  std::string out;
  for_each_field(parsed.event(), [&out](std::string_view key, std::string_view value, bool json) {
    out += (out.empty() ? "" : " | ") + std::string(key) + "=" + (json ? "<" : "") + std::string(value) +
           (json ? ">" : "");
  });
  return out;
}

const std::string kHeader = "<190>Oct  8 11:37:54 h/10.0.0.1 THOR: ";

TEST(Fields, OfTextAreInOrderWithNumbersForRepeatedKeys) {
  EXPECT_EQ(fields_of(kHeader +
                      "Warning: MODULE: Amcache MESSAGE: a: b SCANID: S-1 FILE: C:\\x y DESC: one DESC: two SHA1:"),
            "MODULE=Amcache | MESSAGE=a: b | SCANID=S-1 | FILE=C:\\x y | DESC=one | DESC_2=two | SHA1=");
}

TEST(Fields, OfTextMayBeEmptyInTheMiddle) {
  EXPECT_EQ(fields_of(kHeader + "Warning: MODULE: M MESSAGE: m FULL_NAME: PRIV: 2 X_PLUGIN: y"),
            "MODULE=M | MESSAGE=m | FULL_NAME= | PRIV=2 | X_PLUGIN=y");
}

TEST(Fields, KeepUnknownWordsInTheMessage) {
  EXPECT_EQ(fields_of(kHeader + "Warning: MODULE: M MESSAGE: Found FOOBARISH: x FILE: y"),
            "MODULE=M | MESSAGE=Found FOOBARISH: x | FILE=y");
}

TEST(Fields, DoNotMeetAKeyThatHasItsNumberAlready) {
  EXPECT_EQ(fields_of(kHeader + "Info: MODULE: M MESSAGE: m DESC_2: a DESC: b DESC: c"),
            "MODULE=M | MESSAGE=m | DESC_2=a | DESC=b | DESC_3=c");
}

TEST(Fields, OfKeyValueAreWhatTheQuotesHold) {
  EXPECT_EQ(fields_of(kHeader + "Info: MODULE='M' MESSAGE='it's' SCORE='7' FILE='a b'"),
            "MODULE=M | MESSAGE=it's | SCORE=7 | FILE=a b");
}

TEST(Fields, OfCefAreUnescaped) {
  EXPECT_EQ(
      fields_of("Oct  8 11:45:05 h CEF:0|Nextron Systems GmbH|THOR|10|61|a \\| b|3|sproc=Startup msg=x \\= y cs1=z"),
      "version=0 | vendor=Nextron Systems GmbH | product=THOR | device_version=10 | signature_id=61 | name=a | b | "
      "severity=3 | sproc=Startup | msg=x = y | cs1=z");
}

TEST(Fields, OfJsonStandAsInTheLine) {
  EXPECT_EQ(
      fields_of(
          R"({"log_version":3, "meta":{"level":"Info","module":"M","scan_id":"S-1"},"message":"a\"b","n":[1,{"x":2}]})"),
      R"(log_version=<3> | meta=<{"level":"Info","module":"M","scan_id":"S-1"}> | message=<"a\"b"> | n=<[1,{"x":2}]>)");
}

TEST(Fields, OfBrokenJsonEndWhereItBreaks) {
  EXPECT_EQ(fields_of(R"({"log_version":3,"meta":{"level":"Info","module":"M","scan_id":"S-1"},"message":"ab)"),
            R"(log_version=<3> | meta=<{"level":"Info","module":"M","scan_id":"S-1"}>)");
}

TEST(Fields, OfAnAgentAreItsBody) {
  EXPECT_EQ(fields_of(R"(2025/02/12 14:24:34 ASGARD_GENERIC: Info: {"level":"INFO","pid":8920,"timeout":"45s"})"),
            R"(level=<"INFO"> | pid=<8920> | timeout=<"45s">)");
}

TEST(Fields, AreFoundBehindARfc5424Header) {
  EXPECT_EQ(
      fields_of(
          "<190>1 2025-10-08T11:37:54Z h THOR 1875 - [thor@32473 id=\"0-1\"] THOR: Info: MODULE: M MESSAGE: m A: b"),
      "MODULE=M | MESSAGE=m A: b");
  EXPECT_EQ(fields_of("<190>1 2025-10-08T11:37:54Z h THOR - - - THOR: Info: MODULE: M MESSAGE: m FILE: b"),
            "MODULE=M | MESSAGE=m | FILE=b");
}

TEST(Fields, OfOtherProgramsAreNone) { EXPECT_EQ(fields_of("<86>Oct  8 11:59:00 app010 sshd[9518]: FILE: x"), ""); }

}  // namespace
}  // namespace thorlog
