#include "wire/escape.h"

#include <gtest/gtest.h>

#include <random>

#include "wire/encode_json_text.h"
#include "wire/utf8.h"

namespace thorlog {
namespace {

using namespace std::string_literals;

template <class Append>
std::string made_by(Append append) {
  ByteBuffer out;
  append(out);
  return std::string(out.view());
}
std::string line_escaped(std::string_view bytes) {
  return made_by([bytes](ByteBuffer& out) { append_line_escaped(out, bytes); });
}
std::string on_terminal(std::string_view bytes) {
  return made_by([bytes](ByteBuffer& out) { append_terminal(out, bytes); });
}
std::string param(std::string_view bytes) {
  return made_by([bytes](ByteBuffer& out) { append_param_value(out, bytes); });
}
std::string json(std::string_view bytes) {
  return made_by([bytes](ByteBuffer& out) { append_json_string(out, bytes); });
}

// All lengths around the block sizes, with one special byte at each place.
template <class Check>
void with_each_byte_at_each_place(Check check) {
  for (const std::size_t length : {1U, 3U, 4U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 33U, 40U}) {
    for (std::size_t place = 0; place < length; ++place) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(length, 'a');
        text[place] = static_cast<char>(byte);
        check(text);
      }
    }
  }
}

std::string random_bytes(std::mt19937& random, std::size_t length) {
  // Many of the bytes that matter, so that they stand next to each other.
  static constexpr std::string_view kSpecial("\\x0A\n\r\0\x1B\"']\xC3\xA9\xE2\x80\xAE\xF0\x9F\x98\x80\xFF=|", 23);
  std::string bytes(length, '\0');
  for (char& byte : bytes)
    byte = random() % 2 == 0 ? kSpecial[random() % kSpecial.size()] : static_cast<char>(random());
  return bytes;
}

TEST(LineEscape, TurnsControlsAndBackslashesIntoHex) {
  EXPECT_EQ(line_escaped("a\nb\r\0\t\x1B[31m\\z\x7F\xC3\xA9\xFF"s),
            "a\\x0Ab\\x0D\\x00\\x09\\x1B[31m\\x5Cz\x7F\xC3\xA9\xFF"s);
  EXPECT_EQ(line_escaped(""), "");
}

TEST(LineEscape, GivesBackTheSameBytesForEachByteAtEachPlace) {
  with_each_byte_at_each_place([](const std::string& text) {
    const std::string escaped = line_escaped(text);
    ASSERT_EQ(unescape_line(escaped), text);
    for (const char c : escaped) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
  });
}

TEST(LineEscape, GivesBackTheSameBytesForRandomLines) {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    const std::string text = random_bytes(random, random() % 200);
    ASSERT_EQ(unescape_line(line_escaped(text)), text);
  }
  const std::string giant = random_bytes(random, 100'000);  // several chunks
  EXPECT_EQ(unescape_line(line_escaped(giant)), giant);
}

TEST(LineEscape, LeavesWhatIsNoEscapeAlone) {
  EXPECT_EQ(unescape_line("C:\\temp \\x4 \\xZZ \\"), "C:\\temp \\x4 \\xZZ \\");
}

TEST(ParamValue, EscapesWhatEndsAValueOrAnElement) {
  EXPECT_EQ(param(R"(a"]b\c)"), R"(a\"\]b\\c)");
  EXPECT_EQ(param("x\ny\x7F"), "x\\x0Ay\\x7F");
  EXPECT_EQ(param("caf\xC3\xA9 \xFF"), "caf\xC3\xA9 \xEF\xBF\xBD");
}

// A reader by the letter of RFC 5424 6.3.3: only `\"`, `\\` and `\]` are escapes.
std::string read_param(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\' || text[i + 1] == ']'))
      ++i;
    value += text[i];
  }
  return value;
}

TEST(ParamValue, GivesBackPrintableTextAndNeverEndsEarly) {
  with_each_byte_at_each_place([](const std::string& text) {
    const std::string escaped = param(text);
    for (std::size_t i = 0; i < escaped.size(); ++i) {
      ASSERT_GE(static_cast<unsigned char>(escaped[i]), 0x20);
      if (escaped[i] != '"' && escaped[i] != ']') continue;
      ASSERT_TRUE(i > 0 && escaped[i - 1] == '\\') << escaped;
    }
    const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F; });
    if (printable) {
      ASSERT_EQ(read_param(escaped), text);
    }
  });
}

TEST(HeaderField, IsPrintableBoundedAndNeverEmpty) {
  const auto field = [](std::string_view value) {
    return made_by([value](ByteBuffer& out) { append_header_field(out, value, 8); });
  };
  EXPECT_EQ(field(""), "-");
  EXPECT_EQ(field("arch"), "arch");
  EXPECT_EQ(field("a b\n\xC3\x7F"), "a_b___");
  EXPECT_EQ(field("longer than that"), "longer_t");
}

TEST(Cef, EscapesHeaderAndValuesEachInItsWay) {
  const auto header = [](std::string_view value) {
    return made_by([value](ByteBuffer& out) { append_cef_header(out, value, 20); });
  };
  const auto value = [](std::string_view text) {
    return made_by([text](ByteBuffer& out) { append_cef_value(out, text); });
  };
  EXPECT_EQ(header("a|b\\c=d\ne"), "a\\|b\\\\c=d e");
  EXPECT_EQ(header("0123456789012345678\xC3\xA9"), "0123456789012345678") << "no half of a character";
  EXPECT_EQ(value("a|b\\c=d\ne\r\x1B\xFF"), "a|b\\\\c\\=d\\ne\\r\\x1B\xEF\xBF\xBD");
}

TEST(Terminal, ShowsPlainTextAndLettersOfAllLanguages) {
  EXPECT_EQ(on_terminal("C:\\temp\\1.exe \"x\""), "C:\\temp\\1.exe \"x\"");
  EXPECT_EQ(on_terminal("gr\xC3\xBC\xC3\x9F \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80"),
            "gr\xC3\xBC\xC3\x9F \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x98\x80");
}

TEST(Terminal, ShowsNothingThatMovesHidesOrTurnsText) {
  const struct {
    std::string_view bytes, shown;
  } cases[] = {
      {"\x1B[31mred", "\\x1B[31mred"},
      {"a\nb\r\tc\x7F", "a\\x0Ab\\x0D\\x09c\\x7F"},
      {"\xC2\x9B"
       "31m",
       "\\x9B31m"},  // CSI as a C1 control in UTF-8
      {"\x9B"
       "31m",
       "\\x9B31m"},  // and as a bare byte
      {"gpj\xE2\x80\xAE"
       "exe",
       "gpj\\u{202E}exe"},
      {"\xE2\x80\x8F\xE2\x81\xA6\xD8\x9C", "\\u{200F}\\u{2066}\\u{061C}"},
      {"\xE2\x80\xA8\xEF\xBB\xBF\xE2\x80\x8B", "\\u{2028}\\u{FEFF}\\u{200B}"},
      {"\xF3\xA0\x81\x81", "\\u{E0041}"},  // a tag character
      {"\xC0\xAF\xED\xA0\x80", "\\xC0\\xAF\\xED\\xA0\\x80"},
      {"\xE2\x82", "\\xE2\\x82"},
  };
  for (const auto& [bytes, shown] : cases) EXPECT_EQ(on_terminal(bytes), shown);
}

TEST(Terminal, IsPrintableUtf8WhateverComesIn) {
  std::mt19937 random(11);
  for (int i = 0; i < 2000; ++i) {
    const std::string shown = on_terminal(random_bytes(random, i == 0 ? 50'000 : random() % 150));
    ASSERT_TRUE(is_valid_utf8(shown));
    for (const char c : shown) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }
}

// Unicode, table 3-7: the well-formed sequences, row by row.
struct Row {
  unsigned char low[4], high[4];
  std::size_t length;
};
constexpr Row kRows[] = {{{0x00}, {0x7F}, 1},
                         {{0xC2, 0x80}, {0xDF, 0xBF}, 2},
                         {{0xE0, 0xA0, 0x80}, {0xE0, 0xBF, 0xBF}, 3},
                         {{0xE1, 0x80, 0x80}, {0xEC, 0xBF, 0xBF}, 3},
                         {{0xED, 0x80, 0x80}, {0xED, 0x9F, 0xBF}, 3},
                         {{0xEE, 0x80, 0x80}, {0xEF, 0xBF, 0xBF}, 3},
                         {{0xF0, 0x90, 0x80, 0x80}, {0xF0, 0xBF, 0xBF, 0xBF}, 4},
                         {{0xF1, 0x80, 0x80, 0x80}, {0xF3, 0xBF, 0xBF, 0xBF}, 4},
                         {{0xF4, 0x80, 0x80, 0x80}, {0xF4, 0x8F, 0xBF, 0xBF}, 4}};

// The slow, obvious way: the longest beginning that some row allows; whole rows are valid.
std::pair<std::size_t, bool> by_the_table(std::string_view text) {
  std::size_t longest = 1;
  for (const Row& row : kRows) {
    std::size_t n = 0;
    while (n < row.length && n < text.size() && static_cast<unsigned char>(text[n]) >= row.low[n] &&
           static_cast<unsigned char>(text[n]) <= row.high[n]) {
      ++n;
    }
    if (n == row.length) return {n, true};
    longest = std::max(longest, n);
  }
  return {longest, false};
}

TEST(Utf8, AgreesWithUnicodesTableOnEveryBeginning) {
  // Every pair of bytes, followed by what matters: too low, right, too high, nothing.
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      for (const std::string_view rest : {"", "\x7F", "\x80", "\x80\x80", "\xBF\xBF", "\xBF\xC0", "\xC0"}) {
        const std::string text = std::string{static_cast<char>(first), static_cast<char>(second)} + std::string(rest);
        const auto [length, valid] = by_the_table(text);
        const Utf8Step step = utf8_step(text.data(), text.data() + text.size());
        ASSERT_EQ(step.valid, valid) << first << ' ' << second;
        ASSERT_EQ(step.length, length) << first << ' ' << second;
      }
    }
  }
}

TEST(Utf8, ReplacesEachMaximalSubpartOnce) {
  const std::string r(kReplacement);
  // The example of Unicode 3.9, table 3-8.
  EXPECT_EQ(json("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            "\"a" + r + r + r + "b" + r + "c" + r + r + "d\"");
  EXPECT_EQ(json("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), '"' + r + r + r + r + r + r + r + r + "A\"");
  EXPECT_EQ(json("\xED\xA0\x80"), '"' + r + r + r + '"') << "a surrogate";
  EXPECT_EQ(json("\xF4\x90\x80\x80"), '"' + r + r + r + r + '"') << "above U+10FFFF";
}

TEST(JsonString, EscapesEachByteAtEachPlace) {
  EXPECT_EQ(json("\"\\/\b\f\n\r\t\x01\x1F\x7F"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\"");
  with_each_byte_at_each_place([](const std::string& text) {
    const std::string made = json(text);
    ASSERT_TRUE(is_valid_utf8(made));
    for (const char c : made) ASSERT_GE(static_cast<unsigned char>(c), 0x20);
  });
}

TEST(JsonString, SaysWhetherTheBytesWereUtf8) {
  ByteBuffer out;
  EXPECT_TRUE(append_json_string(out, "caf\xC3\xA9"));
  EXPECT_FALSE(append_json_string(out, "caf\xC3"));
  // A character that lies across the end of a chunk.
  for (std::size_t before = 4090; before < 4100; ++before) {
    const std::string text = std::string(before, 'a') + "\xF0\x9F\x98\x80" + "b";
    out.clear();
    EXPECT_TRUE(append_json_string(out, text));
    EXPECT_EQ(out.view(), '"' + text + '"');
  }
}

TEST(JsonValue, TakesOnlyWholeValues) {
  for (const std::string_view good : {"{}", "[]", "0", "-1.5e+10", "true", "null", R"("a\u00e9\"")",
                                      R"({"a":[1,{"b":"]}"}],"c":""})", " [ 1 , 2 ] "}) {
    ByteBuffer out;
    EXPECT_TRUE(append_json_value(out, good)) << good;
    EXPECT_EQ(out.view(), good);
  }
  for (const std::string_view bad :
       {"", "{", "{}x", "[1,]", "{\"a\"}", "{a:1}", "01", "1.", "tru", "\"\\x\"", "\"a\nb\"", "\"\xFF\"", "\"open",
        "{\"a\":1,}", "[1 2]", "'a'", "nul", "-", "\"\\u12\""}) {
    ByteBuffer out;
    EXPECT_FALSE(append_json_value(out, bad)) << bad;
    EXPECT_TRUE(out.empty());
  }
}

TEST(JsonValue, StaysOneLineAndRefusesBottomlessNesting) {
  ByteBuffer out;
  EXPECT_TRUE(append_json_value(out, "{\r\n\t\"a\": 1\n}"));
  EXPECT_EQ(out.view(), "{   \"a\": 1 }");
  EXPECT_FALSE(append_json_value(out, std::string(1'000'000, '[')));
}

TEST(Base64, IsThatOfTheRfc) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFF\xFE\xFD", "//79"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(made_by([b = bytes](ByteBuffer& out) { append_base64(out, b); }), text);
  }
}

}  // namespace
}  // namespace thorlog
