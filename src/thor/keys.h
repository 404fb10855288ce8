// The keys that THOR is known to write in its text form. They end a MESSAGE; other words in capitals before a colon
// may be part of it.
#pragma once

#include <string_view>

namespace thorlog {

// Also numbered ones (REASON_1) and those with the name of a relation before them (PARENT_FILE, ARCHIVE_FILE).
bool is_thor_key(std::string_view key) noexcept;

// The longest key that is looked up; longer words are none.
inline constexpr std::size_t kLongestKey = 64;

}  // namespace thorlog
