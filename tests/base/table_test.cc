// Tables fit the terminal: sentences go below, what matters least leaves, and says so.
#include "base/table.h"

#include <gtest/gtest.h>

#include <sstream>

namespace thorlog {
namespace {

Table scans() {
  Table table({{"ASSET", Align::left, true},
               {"STATE"},
               {"RUN", Align::right, false, 1},
               {"STARTED", Align::left, false, 2},
               {"WHAT", Align::left, false, 0, true}});
  table.add({"parserver00176.example.net", "lost (killed_externally)", "2", "2026-11-27 17:18:28",
             "It is lost: no line for 6 h while the machine goes on talking. Look for an antivirus or a person."});
  return table;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

TEST(Table, IsAsWideAsItsContentWithoutATerminal) {
  const auto lines = lines_of(scans().text(0, false));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find("parserver00176.example.net"), std::string::npos);
  EXPECT_NE(lines[1].find("or a person."), std::string::npos);
}

TEST(Table, FitsEveryTerminal) {
  for (std::size_t width = 44; width < 260; ++width)
    for (const std::string& line : lines_of(scans().text(width, false)))
      EXPECT_LE(display_width(line), width) << line;
}

TEST(Table, WritesASentenceBelowItsRow) {
  const auto lines = lines_of(scans().text(80, false));
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].find("WHAT"), std::string::npos);
  EXPECT_EQ(lines[2], "    It is lost: no line for 6 h while the machine goes on talking. Look for an");
  EXPECT_EQ(lines[3], "    antivirus or a person.");
}

TEST(Table, LeavesOutWhatMattersLeastAndSaysSo) {
  const auto lines = lines_of(scans().text(60, false));
  EXPECT_EQ(lines[0].find("STARTED"), std::string::npos);
  EXPECT_NE(lines[0].find("RUN"), std::string::npos);
  EXPECT_EQ(lines.back(), "no room for STARTED: see a wider terminal, or --json");
}

TEST(Table, BreaksLinesAtBlanksAndLongWordsAnywhere) {
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("abcdefgh", 3), (std::vector<std::string>{"abc", "def", "gh"}));
  EXPECT_EQ(wrapped("äöü äöü", 3), (std::vector<std::string>{"äöü", "äöü"}));
  EXPECT_EQ(wrapped("as it is", 0), (std::vector<std::string>{"as it is"}));
}

}  // namespace
}  // namespace thorlog
