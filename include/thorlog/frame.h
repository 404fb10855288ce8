// A frame: what a transport delivered as one unit, without its delimiter. Pieces of cut lines are frames of their
// own.
#pragma once

#include <cstdint>
#include <string_view>

namespace thorlog {

// Every view handed on as a frame or a line may be read this many bytes past its end (simdjson reads ahead); what
// stands there means nothing.
inline constexpr std::size_t kReadAhead = 64;

struct Frame {
  std::string_view bytes;             // no LF, no CR before it, no NUL at the end (RFC 6587 3.4.2: trailer)
  std::uint32_t flags = 0;            // flag::oversize, flag::unterminated, flag::split
  bool counted = false;               // came octet-counted: its length is certain
  std::uint64_t declared_length = 0;  // what an octet count said: of a counted frame, or printed in an LF frame (F27)
  bool continues = false;             // the rest of the frame before it, which left oversize or unterminated
  std::string_view following;         // what was read of the stream behind this frame, not framed yet; may be empty
};

}  // namespace thorlog
