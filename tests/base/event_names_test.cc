#include <gtest/gtest.h>

#include <string>

#include "thorlog/event.h"

namespace thorlog {
namespace {

// The names that the outside knows: whoever changes one breaks every receiver.
TEST(EventNames, AreThoseOfTheContract) {
  std::string kinds;
  for (int i = 0; i <= static_cast<int>(Kind::life); ++i) kinds += std::string(name_of(static_cast<Kind>(i))) + " ";
  EXPECT_EQ(kinds, "syslog thor agent management os detection audit life ");

  std::string formats;
  for (int i = 1; i <= static_cast<int>(Format::agent); ++i) {
    formats += std::string(name_of(static_cast<Format>(i))) + " ";
  }
  EXPECT_EQ(formats, "text keyvalue cef json1 json2 json3 agent ");
  EXPECT_EQ(name_of(Format::none), "");

  std::string levels;
  for (int i = 1; i <= static_cast<int>(Level::alert); ++i)
    levels += std::string(name_of(static_cast<Level>(i))) + " ";
  EXPECT_EQ(levels, "debug info notice error warning alert ");
  EXPECT_EQ(name_of(Level::none), "");

  std::string flags;
  for (int i = 0; i < flag::count; ++i) flags += std::string(flag_name(i)) + " ";
  EXPECT_EQ(
      flags,
      "joined incomplete truncated oversize invalid_utf8 ambiguous duplicate_head lossy_possible gap orphan split "
      "host_truncated unterminated json_invalid replayed clock_skew ");
}

}  // namespace
}  // namespace thorlog
