// Numbered parts: how a line that is too long for a hop travels in several messages without losing a byte.
//
// A part is a syslog message of its own: a header, then at once the marker, a blank and the payload. Behind an RFC
// 5424 header the marker is a structured data element; behind any other it follows the tag "thorlogd: ":
//
//   <190>Oct  8 11:37:54 arch thorlogd: [part@32473 id="32 hex digits" n="1" of="3" bytes="2500" sum="16 hex digits"]
//   PAYLOAD <190>1 2026-03-02T08:00:00Z arch THOR 4711 - [part@32473 id="…" n="2" of="3" bytes="2500"] PAYLOAD
//
// The payloads of all parts in their order are the whole line, header and all, so relays may rewrite the headers of
// the parts. `bytes` is the line's length, `sum` (first part only) its XXH3-64. In the payload control characters,
// DEL and a blank at either end are written \xHH and a backslash is doubled, because relays strip or rewrite them.
// Without `bytes` the payload is plain text that belongs behind the first part's own header.
//
// Whoever sends to a peer that honours markers (`trust: thorlogd`) sends each line that carries one of its own
// (carries_part_marker) as parts too, if only one: then text that merely looks like a marker joins nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace thorlog {

inline constexpr std::uint32_t kMostParts = 4096;

struct PartMarker {
  std::string_view id;       // as it stands, 1 to 64 bytes
  std::uint32_t number = 0;  // 1 to of
  std::uint32_t of = 0;
  bool encoded = false;     // the payload is encoded, and all payloads are the whole line
  std::uint64_t bytes = 0;  // length of the whole line, when encoded
  bool has_sum = false;
  std::uint64_t sum = 0;
  std::size_t at = 0;           // where the element stands in the message
  std::size_t element_end = 0;  // behind its "]"
  std::size_t payload_at = 0;
};

// False: no marker stands where one is honoured. Bounded: looks at the first 1024 bytes at most.
bool find_part_marker(std::string_view message, PartMarker& marker) noexcept;

// Where the message of an RFC 5424 line begins, behind header and structured data; 0 when the line is none.
std::size_t rfc5424_message(std::string_view line) noexcept;

inline bool carries_part_marker(std::string_view line) noexcept {
  PartMarker marker;
  return find_part_marker(line, marker);
}

// Adds the bytes that an encoded payload stands for. Bytes that no encoder writes stay as they are.
void decode_part(std::string_view payload, std::string& out);

// Cuts `raw` into messages of at most `max_length` bytes. `header` is a fresh header with the blank behind it: of RFC
// 5424 up to and with the MSGID, else up to the host. Both must outlive the splitter.
class PartSplitter {
 public:
  using Id = std::array<std::uint8_t, 16>;  // random: no two lines that are on their way may share one

  PartSplitter(std::string_view header, std::string_view raw, std::size_t max_length, const Id& id);

  // Number of parts; 0 when max_length is too small for this line (more than kMostParts).
  std::uint32_t count() const noexcept { return count_; }
  // Writes the next part into `message` (its old content goes). False: there are no more.
  bool next(std::string& message);

 private:
  std::size_t chunk(std::size_t from, std::size_t room, std::string* out) const;

  std::string_view header_, raw_;
  std::size_t room_ = 0;
  std::size_t at_ = 0;
  std::uint32_t count_ = 0;
  std::uint32_t number_ = 0;
  bool structured_ = false;
  std::string id_;
  std::uint64_t sum_ = 0;
};

// All parts at once. False: max_length is too small, nothing was given.
template <class Sink>
bool split_into_parts(std::string_view header, std::string_view raw, std::size_t max_length,
                      const PartSplitter::Id& id, Sink&& sink) {
  PartSplitter splitter(header, raw, max_length, id);
  std::string message;
  while (splitter.next(message)) sink(std::string_view(message));
  return splitter.count() > 0;
}

}  // namespace thorlog
