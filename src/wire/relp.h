// RELP, the reliable event logging protocol, as bytes: frames in either direction, what `open` offers, what `rsp`
// says. Source: the specification that comes with librelp (doc/relp.html), and what librelp 1.11 does where that is
// silent.
//
//   frame  = TXNR SP COMMAND SP DATALEN [SP DATA] LF        the blank and DATA only when DATALEN is not 0
//   TXNR   1 to 999999999, then 1 again; 0 for what is said unasked (`serverclose`)
//
// Pure: no socket, no clock, no logger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"
#include "thorlog/frame.h"

namespace thorlog {

inline constexpr std::uint32_t kMaxRelpTxnr = 999'999'999;

enum class RelpCommand : std::uint8_t { open, close, syslog, rsp, serverclose, other };

struct RelpFrame {
  std::uint32_t txnr = 0;
  RelpCommand command = RelpCommand::other;
  std::string_view data;  // kReadAhead readable bytes behind it
  bool first = true;      // the data begins here
  bool last = true;       // and ends here: data longer than the reader's limit comes in pieces of that length
  std::size_t total = 0;  // bytes of all of the data
};

// One for each connection, used by one thread. Keeps an unfinished frame of at most the limit; idle readers keep
// nothing.
class RelpReader {
 public:
  enum class Step : std::uint8_t {
    frame,
    more,   // what was fed is used up
    broken  // not RELP; error() says why. Nothing can be read any more: close the connection
  };

  // max_data: longer data leaves in pieces of this length.
  explicit RelpReader(std::size_t max_data) : max_data_(max_data) {}

  // The next bytes of the stream. They, and kReadAhead bytes behind them, must stay readable until next() has
  // returned `more`. Call next() until it does before feeding more.
  void feed(std::string_view bytes);
  // The frame's data is valid until the next call.
  Step next(RelpFrame& frame);

  std::string_view error() const noexcept { return error_; }
  // A frame has begun and not ended; right once next() has returned `more`.
  bool unfinished() const noexcept { return state_ != State::header || !carry_.empty(); }
  // Bytes of memory kept for it, for the memory budget.
  std::size_t held() const noexcept { return carry_.capacity(); }

 private:
  enum class State : std::uint8_t { header, data, end, broken };

  Step read_header();
  Step read_data(RelpFrame& frame);
  Step read_end();
  Step fail(std::string_view why);
  std::string_view parse_header(std::string_view header);
  Step give(std::string_view data, RelpFrame& frame);

  std::size_t max_data_;
  State state_ = State::header;
  std::string_view input_;    // fed, not yet looked at
  std::string carry_;         // the begin of a header or of data, from earlier feeds
  bool given_carry_ = false;  // the last frame's data lies in carry_
  bool piece_left_ = false;   // a piece of this data has left already
  RelpCommand command_ = RelpCommand::other;
  std::uint32_t txnr_ = 0;
  std::size_t total_ = 0;  // DATALEN
  std::size_t left_ = 0;   // of it, not given yet
  std::string_view error_;
};

// Behind `to`: a frame with this data. `command`: lower-case letters.
void append_relp(std::uint32_t txnr, std::string_view command, std::string_view data, ByteBuffer& to);
// "200 OK" or what went wrong; `more`: lines behind it, as the offers of an answer to `open`.
void append_relp_response(std::uint32_t txnr, unsigned code, std::string_view text, std::string_view more,
                          ByteBuffer& to);
// The number after this one.
constexpr std::uint32_t next_relp_txnr(std::uint32_t txnr) noexcept { return txnr >= kMaxRelpTxnr ? 1 : txnr + 1; }

struct RelpResponse {
  unsigned code = 0;      // 200: done
  std::string_view text;  // of the first line
  std::string_view more;  // the lines behind it
};
// Of an `rsp`. An empty one (librelp's answer to `close`) is a 200. False: it has no code.
bool read_relp_response(std::string_view data, RelpResponse& response) noexcept;

struct RelpOffers {
  unsigned version = 0;
  bool syslog = false;        // among the commands
  std::string_view software;  // for the log; at most 255 bytes of it
};
// The data of an `open`, or the lines behind its answer: NAME[=VALUE] each. False: the version is missing or none.
bool read_relp_offers(std::string_view data, RelpOffers& offers) noexcept;
// What we offer ourselves, on either side.
std::string_view relp_offers() noexcept;

}  // namespace thorlog
