// Stream framing: bytes of a connection in, frames out. LF (or NUL) ended lines, octet counting (RFC 6587 3.4.1), and
// telling the two apart: octet counting only when a frame starts with digits, a blank and something that begins a
// message (specs: an agent line that begins with a year is no octet count).
// Pure: no socket, no clock, no logger. One framer for each connection, used by one thread. Idle framers hold no buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "thorlog/frame.h"

namespace thorlog {

enum class Framing : std::uint8_t { automatic, lf, octet, nul };

class StreamFramer {
 public:
  // max_frame: longer frames leave in pieces of this length, flagged oversize; never thrown away.
  StreamFramer(Framing framing, std::size_t max_frame);

  // Gives the next bytes of the stream. They, and kReadAhead bytes after them, must stay readable until next() has
  // returned false. Call next() until it returns false before feeding more.
  void feed(std::string_view bytes);

  // The next complete frame; its bytes are valid until the next call. Empty frames are counted, not returned.
  bool next(Frame& frame);

  // The connection ended, or idled too long: what is left of an unfinished frame (flag::unterminated), then false.
  bool finish(Frame& frame);

  // Auto framing that waits for more bytes to tell a count from a line (at most 16): after 200 ms without any, call
  // this to let it decide for a line.
  bool undecided() const noexcept;
  void decide_now() noexcept;

  // Bytes of an unfinished frame that the framer keeps, for the memory budget.
  std::size_t held() const noexcept;
  // Empty frames seen so far (blank lines, lone CR, NUL padding).
  std::uint64_t empty_frames() const noexcept;

 private:
  // Owned by the implementer of wire: see src/wire/framing.cc.
  enum class State : std::uint8_t { start, line, counted };
  Framing framing_;
  std::size_t max_frame_;
  std::string_view input_;       // not yet looked at
  std::string carry_;            // an unfinished frame's beginning, from earlier feeds
  State state_ = State::start;
  bool decided_line_ = false;    // decide_now() was called for the frame that begins here
  std::uint64_t left_ = 0;       // bytes still to come of a counted frame
  std::uint64_t declared_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace thorlog
