#include "wire/part_marker.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <vector>

namespace thorlog {
namespace {

constexpr PartSplitter::Id kId = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                  0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF};
const std::string kBsd = "<190>Oct  8 11:37:54 arch ";
const std::string kStructured = "<190>1 2026-03-02T08:00:00.123456Z arch THOR 4711 - ";

std::vector<std::string> parts_of(const std::string& header, std::string_view raw, std::size_t max_length) {
  std::vector<std::string> parts;
  split_into_parts(header, raw, max_length, kId, [&](std::string_view part) { parts.emplace_back(part); });
  return parts;
}

TEST(PartMarker, StandsDirectlyBehindTheHeader) {
  const auto bsd = parts_of(kBsd, std::string(400, 'x'), 300);
  ASSERT_GE(bsd.size(), 2U);
  EXPECT_EQ(bsd[0].substr(0, 90), kBsd + R"(thorlogd: [part@32473 id="00112233445566778899aabbccddeeff" n="1)");
  const auto structured = parts_of(kStructured, std::string(400, 'x'), 300);
  EXPECT_EQ(structured[1].substr(0, kStructured.size() + 60),
            kStructured + R"([part@32473 id="00112233445566778899aabbccddeeff" n="2" of=")");
}

TEST(PartMarker, PartsAreNoLongerThanAskedAndGiveTheLineBack) {
  std::mt19937 dice(1);
  for (int round = 0; round < 400; ++round) {
    std::string raw;
    for (std::size_t n = dice() % 5'000; n > 0; --n)
      raw += dice() % 2 != 0 ? static_cast<char>(dice()) : " \\a"[dice() % 3];
    const std::size_t max_length = 260 + dice() % 1'000;
    std::string joined;
    std::uint32_t number = 0;
    for (const std::string& part : parts_of(round % 2 != 0 ? kBsd : kStructured, raw, max_length)) {
      ASSERT_LE(part.size(), max_length);
      PartMarker marker;
      ASSERT_TRUE(find_part_marker(part, marker)) << part;
      ASSERT_EQ(marker.number, ++number);
      ASSERT_TRUE(marker.encoded);
      ASSERT_EQ(marker.bytes, raw.size());
      ASSERT_EQ(marker.has_sum, number == 1);
      const std::string_view payload = std::string_view(part).substr(marker.payload_at);
      for (const char c : payload) ASSERT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
      ASSERT_TRUE(payload.empty() || (payload.front() != ' ' && payload.back() != ' ')) << payload;
      decode_part(payload, joined);
    }
    ASSERT_EQ(joined, raw);
  }
}

TEST(PartMarker, ALimitThatLeavesNoRoomIsRefused) {
  EXPECT_TRUE(parts_of(kBsd, "x", 100).empty());
  EXPECT_TRUE(parts_of(kBsd, std::string(400'000, 'x'), 230).empty()) << "more parts than a receiver takes";
}

TEST(PartMarker, AnEmptyOrShortLineIsOnePart) {
  EXPECT_EQ(parts_of(kBsd, "", 400).size(), 1U);
  EXPECT_EQ(parts_of(kStructured, "x", 400).size(), 1U);
}

struct Place {
  const char* name;
  std::string message;
  bool honoured;
};
class Places : public ::testing::TestWithParam<Place> {};
TEST_P(Places, AreHonouredOrNot) {
  EXPECT_EQ(carries_part_marker(GetParam().message), GetParam().honoured) << GetParam().message;
}

const std::string kMarker = R"([part@32473 id="1-ab" n="1" of="2"])";
INSTANTIATE_TEST_SUITE_P(
    Markers, Places,
    ::testing::Values(
        Place{"Structured", kStructured + kMarker + " x", true},
        Place{"StructuredBehindAnother", kStructured + R"([a@1 b="\"]\\"])" + kMarker + " x", true},
        Place{"StructuredBeforeAnother", kStructured + kMarker + R"([a@1 b="c"] x)", true},
        Place{"WithoutPayload", kStructured + kMarker, true},
        Place{"InTheMessage", kStructured + "- " + kMarker + " x", false},
        Place{"InAValueOfAnElement", kStructured + R"([a@1 b="[part@32473 id=\"1\" n=\"1\" of=\"1\"]"] x)", false},
        Place{"BehindTheTag", kBsd + "thorlogd: " + kMarker + " x", true},
        Place{"BehindTheTagAndAWordOfARelay",
              "<13>Oct  8 11:37:54 10.0.0.1 arch/10.1.1.1 thorlogd: " + kMarker + " x", true},
        Place{"BehindAnotherTag", kBsd + "THOR: " + kMarker + " x", false},
        Place{"BehindTheTagInAValue", kBsd + "THOR: Info: MODULE: A MESSAGE: thorlogd: " + kMarker + " x", false},
        Place{"NotAtOnce", kBsd + "thorlogd: x " + kMarker, false},
        Place{"Unclosed", kBsd + R"(thorlogd: [part@32473 id="1" n="1" of="2")", false},
        Place{"NumberTooHigh", kBsd + R"(thorlogd: [part@32473 id="1" n="3" of="2"] x)", false},
        Place{"NumberZero", kBsd + R"(thorlogd: [part@32473 id="1" n="0" of="2"] x)", false},
        Place{"TooMany", kBsd + R"(thorlogd: [part@32473 id="1" n="1" of="4097"] x)", false},
        Place{"NoId", kBsd + R"(thorlogd: [part@32473 n="1" of="2"] x)", false},
        Place{"NotANumber", kBsd + R"(thorlogd: [part@32473 id="1" n="x" of="2"] x)", false},
        Place{"LaterVersion", kBsd + R"(thorlogd: [part@32473 id="1" n="1" of="2" new="what"] x)", true}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(PartMarker, ALineThatCarriesOneTravelsAsAPart) {
  const std::string raw = kBsd + "thorlogd: " + kMarker + " a genuine line of someone";
  ASSERT_TRUE(carries_part_marker(raw));
  const auto parts = parts_of(kBsd, raw, 1'000);
  ASSERT_EQ(parts.size(), 1U);
  PartMarker marker;
  ASSERT_TRUE(find_part_marker(parts[0], marker));
  EXPECT_EQ(marker.of, 1U);
  std::string back;
  decode_part(std::string_view(parts[0]).substr(marker.payload_at), back);
  EXPECT_EQ(back, raw);
}

TEST(PartMarker, WhatNoEncoderWritesStaysAsItIs) {
  std::string out;
  decode_part(R"(a\qb\x4g\x4\\x41\x41\)", out);
  EXPECT_EQ(out, R"(a\qb\x4g\x4\x41A\)");
}

}  // namespace
}  // namespace thorlog
