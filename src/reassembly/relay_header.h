// The header that a relay makes up for a piece that has none: "<13>", the moment of receipt, often a name for the
// sender.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace thorlog {

inline constexpr std::uint8_t kRelayPriority = 13;  // user.notice, what relays write where no priority was

// Length of "<13>STAMP " when a relay wrote it just now; 0 when it did not. `received`: wall clock ns. Stamps without
// a zone may be in any zone of the world: their quarter of an hour counts.
std::size_t relay_header(std::string_view bytes, std::int64_t received) noexcept;

// The word in which a relay names the sender, with what relays put behind it: one blank, a second one before a brace
// or a bracket. `text` begins behind relay_header(). 0: no word ends here.
struct SenderWord {
  std::string_view word;
  std::size_t length = 0;  // of the word and those blanks
};
SenderWord sender_word(std::string_view text) noexcept;

}  // namespace thorlog
