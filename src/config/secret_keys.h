// The keys that a webhook signs with: a file with one key a line, at most two. While a receiver moves from the old
// key to the new one both stand there, and each body carries both signatures. Any thread.
#pragma once

#include <string>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

inline constexpr std::size_t kLeastKeyBytes = 16;
inline constexpr std::size_t kMostKeys = 2;

// Line ends are no part of a key, empty lines are skipped. Errors, config: the file can't be read, has no key, more
// than two, or one that is too short to be one.
Result<std::vector<std::string>> read_secret_keys(const std::string& path);

}  // namespace thorlog
