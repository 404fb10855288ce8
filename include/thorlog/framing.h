// Stream framing: bytes of a connection in, frames out. LF (or NUL) ended lines, octet counting (RFC 6587 3.4.1), and
// telling the two apart: octet counting only when a frame starts with digits, a blank and something that begins a
// message (specs: an agent line that begins with a year is no octet count).
// Pure: no socket, no clock, no logger. One framer for each connection, used by one thread. Idle framers hold no
// buffer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "thorlog/frame.h"

namespace thorlog {

enum class Framing : std::uint8_t { automatic, lf, octet, nul };

// A datagram or a line without what ends it: NULs, one LF, one CR (RFC 6587 3.4.2: trailer). Empty: nothing to log.
std::string_view strip_trailer(std::string_view bytes) noexcept;

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
  // What comes after an idle half frame is still its rest: never taken for a count.
  bool finish(Frame& frame);

  // Auto framing that waits for more bytes to tell a count from a line: 16 decide for a priority or JSON, other
  // starts need their first words. After 200 ms without any, decide_now() and then next(): the frame is taken for a
  // line.
  bool undecided() const noexcept;
  void decide_now() noexcept;

  // True when a frame has begun but not ended; right once next() or finish() has returned false.
  bool unfinished() const noexcept { return used_ < carry_.size(); }
  // Bytes of memory that the framer keeps for an unfinished frame, for the memory budget.
  std::size_t held() const noexcept;
  // Empty frames seen so far (blank lines, lone CR, NUL padding).
  std::uint64_t empty_frames() const noexcept { return empty_; }

 private:
  // line: up to the delimiter. counted: `left_` bytes whatever they are. printed: up to the delimiter, but a count
  // was seen, so `left_` bytes at most.
  enum class State : std::uint8_t { start, line, counted, printed };

  enum class Step : std::uint8_t { frame, again, more };

  bool begin_frame(bool ending);
  Step next_line(Frame& frame);
  Step next_counted(Frame& frame);
  Step give_piece(Frame& frame);
  Step complete(std::string_view bytes, Frame& frame);
  void fill(std::string_view bytes, Frame& frame);
  void strip_printed_count(Frame& frame) const noexcept;
  void end_frame() noexcept;
  void drop(std::size_t n);
  void keep(std::size_t n);
  void keep_rest();
  std::string_view take(std::size_t n);

  Framing framing_;
  State state_ = State::start;
  char delimiter_;
  bool decided_line_ = false;  // decide_now() was called for the frame that begins here
  bool lf_seen_ = false;       // this stream has had lines, counted frames: later frames follow them
  bool counted_seen_ = false;
  bool piece_left_ = false;        // a piece of this frame has left already
  std::uint32_t piece_flags_ = 0;  // and why
  std::size_t max_frame_;
  std::size_t used_ = 0;     // bytes at the front of carry_ that the last frame took
  std::size_t look_at_ = 0;  // undecided: look again when this many bytes are there
  std::string_view input_;   // not yet looked at
  std::string carry_;        // an unfinished frame's beginning, from earlier feeds
  std::uint64_t left_ = 0;   // bytes still to come of a counted frame
  std::uint64_t declared_ = 0;
  std::uint64_t empty_ = 0;
};

}  // namespace thorlog
