// The examples of docs/formats.md are what the code makes.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "encode_fixture.h"

namespace thorlog {
namespace {

using test::encode;
using test::Line;

TEST(Formats, AreDocumentedByExamplesThatAreTrue) {
  std::ifstream file(THORLOG_SOURCE_DIR "/docs/formats.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  ASSERT_FALSE(page.empty());
  Line line{std::string(test::kThorLine)};
  test::make_thor(line);
  for (const LineFormat format : {LineFormat::rfc5424, LineFormat::rfc3164, LineFormat::json, LineFormat::cef}) {
    const std::string example = "\n```\n" + encode(line, format) + "\n```\n";
    EXPECT_NE(page.find(example), std::string::npos) << "docs/formats.md lacks: " << example;
  }
  EXPECT_NE(page.find("\n```\n" + encode(line, LineFormat::raw, LineFraming::lf) + "```\n"), std::string::npos);
  EXPECT_NE(page.find("\n```\n" + line.raw + "\n```\n"), std::string::npos);
}

}  // namespace
}  // namespace thorlog
