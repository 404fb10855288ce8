// A regular expression, flattened: the sequences of byte classes that a match can be made of. Knows the plain parts
// of RE2's syntax and gives up on all others, so that nothing is ever misread. Pure.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "outputs/match_windows.h"

namespace thorlog {

inline constexpr int kNoLimit = -1;

// `bytes` repeated from `least` to `most` times; or, when opaque, any text at all.
struct SequencePart {
  ByteSet bytes;
  int least = 1;
  int most = 1;
  bool opaque = false;
};
using Sequence = std::vector<SequencePart>;

// Every match of the pattern is a match of one of the sequences (not the other way round: they allow more). Nothing
// when the pattern isn't understood, or there would be too many.
std::optional<std::vector<Sequence>> sequences_of(std::string_view pattern);

}  // namespace thorlog
