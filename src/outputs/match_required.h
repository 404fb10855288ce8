// What a regular expression can't match without: windows of a few bytes of which every matching text holds one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "outputs/match_windows.h"

namespace thorlog {

// Text of the kind that usually comes, in the case in which it comes: to tell rare from common.
std::string_view usual_text() noexcept;

// Literals of which a matching text holds at least one, in lower case and in any case in the text; each of four bytes
// or more, and rare. Empty when there are no such. RE2's own analysis.
std::vector<std::string> required_literals(const std::string& pattern);

// The rarer ones: of the literals, or by required_windows(), which knows upper from lower case.
std::vector<Window> best_windows(std::string_view pattern, const std::vector<std::string>& literals,
                                 std::uint32_t owner);

// The literal in upper and lower case.
Window window_of_literal(const std::string& literal, std::uint32_t owner);

// For patterns without literals, such as addresses and numbers: windows of byte classes, by an analysis of our own.
// Empty when there are none that are rare, or the pattern has something in it that the analysis does not know.
std::vector<Window> required_windows(std::string_view pattern, std::uint32_t owner);

}  // namespace thorlog
