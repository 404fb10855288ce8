// The server's side of one RELP connection: bytes in, lines out, acknowledgements when the lines are durable. No
// socket, no clock; the connection's thread.
//
// A line is acknowledged when the record that it became, or became a part of, is as durable as configured; never
// before. What was not acknowledged the client sends again. The order is that in which the lines came, but those
// behind a line that waits for its rest do not wait with it: a client whose window is small would stand still. (The
// specification has it both ways; librelp takes answers in any order.)
//
// A line that can't be stored is not refused with a 500: librelp would throw it away. The connection is ended
// instead, and the client keeps what it has.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "wire/relp.h"

namespace thorlog {

class RelpSession {
 public:
  // No more is to be read while so many lines wait to be acknowledged, or so many bytes for the client to read them.
  static constexpr std::size_t kWindow = 4096;
  static constexpr std::size_t kMostBehind = 16 * kWindow;  // lines since the oldest that waits, acknowledged or not
  static constexpr std::size_t kMostOutgoing = std::size_t{64} << 10;

  explicit RelpSession(std::size_t max_message) : reader_(max_message) {}

  // As with RelpReader: call next() until it returns false before feeding more.
  void feed(std::string_view bytes) { reader_.feed(bytes); }
  // The next line, or piece of one; valid until the next call. Commands are dealt with on the way. Lines without a
  // byte are counted, acknowledged, not returned.
  bool next(Frame& frame);
  // One more of the frames that next() has returned went to the intake. left: it became a record at once, and
  // `emitted` of the input exist now.
  void offered(bool left, std::uint64_t emitted) noexcept;
  // All that was offered has left the reassembly; `emitted`: how many records of the input exist now.
  void settled(std::uint64_t emitted);
  // So many records are durable: writes the acknowledgements that this allows. True when there were any.
  bool acknowledge(std::uint64_t durable);

  // The client can send no more: it said so, or broke the protocol, or we end it.
  bool ends() const noexcept { return ends_; }
  // Ends it from our side, without acknowledging what waits.
  void hang_up();
  // The next `open` is refused, and a line ends the connection. Null: no trouble.
  void set_trouble(const char* why) noexcept { trouble_ = why; }
  // Acknowledges a `close` that waits, says that we close. After it nothing more is written.
  void say_goodbye();

  bool waits() const noexcept { return !waiting_.empty(); }
  bool full() const noexcept {
    return waiting_.size() - early_ >= kWindow || waiting_.size() >= kMostBehind || outgoing_.size() >= kMostOutgoing;
  }
  bool unfinished() const noexcept { return reader_.unfinished(); }
  std::size_t held() const noexcept { return reader_.held(); }
  std::uint64_t empty_frames() const noexcept { return empty_; }
  // What was wrong, if the client broke the protocol.
  const std::string& error() const noexcept { return error_; }
  // For the client; who takes bytes off its front sends them.
  ByteBuffer& outgoing() noexcept { return outgoing_; }

 private:
  static constexpr std::uint64_t kHeld = ~std::uint64_t{0};
  struct Waiting {
    std::uint32_t txnr;
    std::uint64_t frame;  // settled when this many frames are
    std::uint64_t mark;   // durable when this many records are; kHeld: not known yet
    bool whole;           // one frame
    bool early = false;   // acknowledged before its turn
    bool is_durable(std::uint64_t durable) const noexcept { return mark != kHeld && mark <= durable; }
  };

  bool take_line(const RelpFrame& relp, Frame& frame);
  void take_command(const RelpFrame& relp);
  void break_off(std::string why);
  bool acknowledge_early(std::uint64_t durable);
  bool answer(const Waiting& line);

  RelpReader reader_;
  std::deque<Waiting> waiting_;
  std::size_t marked_ = 0;  // of waiting_, from its front: settled
  std::size_t asked_ = 0;   // of waiting_, from its front: their frames were offered
  std::size_t early_ = 0;   // of waiting_
  std::uint64_t given_ = 0, offered_ = 0;
  std::uint64_t empty_ = 0;
  bool opened_ = false;
  bool ends_ = false;
  bool said_goodbye_ = false;
  std::uint32_t close_txnr_ = 0;  // 0: no close waits
  const char* trouble_ = nullptr;
  std::string error_;
  ByteBuffer outgoing_;
};

}  // namespace thorlog
