#include "config/body_template.h"

#include <gmock/gmock.h>

namespace thorlog {
namespace {

using testing::HasSubstr;

// The pieces as text: {field} outside of strings, {"field"} inside.
std::string pieces(const std::string& text) {
  const auto made = BodyTemplate::parse(text);
  if (!made) return "ERROR " + made.error().doing;
  std::string shown;
  for (const auto& piece : made->pieces()) {
    shown += piece.text;
    if (piece.field == BodyField::count) continue;
    const std::string name(name_of(piece.field));
    shown += piece.in_string ? "{'" + name + "'}" : "{" + name + "}";
  }
  return shown;
}

TEST(BodyTemplate, KnowsWhereAFieldStands) {
  EXPECT_EQ(pieces(R"({"a": "on {host}: {message}", "b": {score}})"),
            R"({"a": "on {'host'}: {'message'}", "b": {score}})");
  EXPECT_EQ(pieces("{event}"), "{event}");
  EXPECT_EQ(pieces(R"([{event},"{raw}",{}, {"x":[]}, -1.5e3, true,null])"),
            R"([{event},"{'raw'}",{}, {"x":[]}, -1.5e3, true,null])");
}

TEST(BodyTemplate, LeavesBracesThatAreNoFieldAlone) {
  EXPECT_EQ(pieces(R"({"a":"{{host} { host } {} {Host} }}"})"), R"({"a":"{host} { host } {} {Host} }}"})");
}

TEST(BodyTemplate, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           "{",
                           "[",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{a:1}",
                           "\"x",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "01",
                           "1.",
                           "tru",
                           "[1 2]",
                           "{} {}",
                           "{\"a\":1,}",
                           "\"line\nend\"",
                           "{\"{host}\": 1}",
                           "\"{event}\"",
                           "\xff",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\""}) {
    EXPECT_THAT(pieces(text), HasSubstr("ERROR")) << text;
  }
}

TEST(BodyTemplate, SaysWhereAndWhatIsWrong) {
  EXPECT_EQ(pieces("{\n\"a\":\n {hots}}"), "ERROR line 3: unknown field 'hots': did you mean 'host'?");
  EXPECT_THAT(pieces("{\"a\": {zzzzzzzz}}"), HasSubstr("unknown field 'zzzzzzzz': use event, id,"));
}

TEST(BodyTemplate, IsBounded) {
  EXPECT_THAT(pieces(std::string(40, '[') + std::string(40, ']')), HasSubstr("nested too deep"));
  EXPECT_THAT(pieces(std::string(BodyTemplate::kMaxBytes + 1, ' ')), HasSubstr("longer than 64KiB"));
  EXPECT_THAT(pieces("[{raw},{raw},{raw},{message},{event}]"), HasSubstr("more than 4"));
  std::string many = "[";
  for (int i = 0; i < 300; ++i) many += "{host},";
  EXPECT_THAT(pieces(many + "1]"), HasSubstr("more than 256 fields"));
}

}  // namespace
}  // namespace thorlog
