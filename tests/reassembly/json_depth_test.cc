#include "reassembly/json_depth.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "thorlog/frame.h"

namespace thorlog {
namespace {

// The slow, obvious reading of one byte after the other.
struct Model {
  void see(char c) {
    if (escaped) {
      escaped = false;
    } else if (c == '\\') {
      escaped = true;
    } else if (c == '"') {
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '[')) {
      ++depth;
    } else if (!in_string && (c == '}' || c == ']')) {
      --depth;
    }
  }
  int depth = 0;
  bool in_string = false, escaped = false;
};

TEST(JsonDepth, AgreesWithAModelOnRandomTextInRandomPieces) {
  std::mt19937 dice(11);
  const std::string alphabet = "\"\\\\\\{}[]ab;:\xFB\xDD";  // with bytes that differ from braces in one bit
  for (int round = 0; round < 20'000; ++round) {
    Model model;
    JsonDepth depth;
    for (std::size_t pieces = 1 + dice() % 4; pieces > 0; --pieces) {
      std::string text;
      const bool long_runs = dice() % 4 == 0;
      for (std::size_t n = dice() % 200; n > 0; --n)
        text += long_runs && dice() % 8 != 0 ? '\\' : alphabet[dice() % alphabet.size()];
      const std::size_t size = text.size();
      text.append(kReadAhead, "\"\\{"[dice() % 3]);  // what stands behind means nothing
      depth.scan({text.data(), size});
      for (std::size_t i = 0; i < size; ++i) model.see(text[i]);
    }
    ASSERT_EQ(depth.closed(), !model.in_string && model.depth <= 0);
    ASSERT_EQ(depth.balanced(), !model.in_string && model.depth == 0);
  }
}

}  // namespace
}  // namespace thorlog
