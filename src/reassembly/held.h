// What waits for more: the head of a line that may have been cut, with the pieces that came; a line that takes
// following ones (R7); a set of numbered parts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_buffer.h"
#include "reassembly/json_depth.h"
#include "reassembly/list.h"
#include "reassembly/parts.h"
#include "thorlog/reassembly.h"

namespace thorlog {

struct Slot;
struct Peer;

struct Held {
  enum class Kind : std::uint8_t { head, multiline, parts };
  enum class Json : std::uint8_t { none, open };

  Held(Kind what, Reassembler::Stream& its_stream) : kind(what), stream(&its_stream) {}

  Kind kind;
  Json json = Json::none;    // the message is JSON and not closed yet
  bool at_cut_size = false;  // the last piece ended where something may have cut
  bool by_token = false;     // and the only piece does so only without the word that a relay put into its header
  bool lossless = true;      // all cuts so far are of a kind that loses nothing
  bool counted_out = false;  // a printed count says how long the whole line is
  bool ambiguous = false;
  std::uint32_t repeats = 0;  // copies of the head that came behind it
  std::uint32_t frames = 0;
  std::uint32_t first_frame = 0;
  std::uint32_t flags = 0;     // of its frames
  std::uint64_t declared = 0;  // the printed count
  Reassembler::Stream* stream;
  Slot* slot = nullptr;  // of a head
  Start start;
  JsonDepth depth;
  ByteBuffer text;
  std::vector<HeldPiece> pieces;
  std::string stripped;
  std::unique_ptr<PartSet> parts;
  std::int64_t first = 0, last = 0;  // monotonic time of the first and the last piece
  std::int64_t received = 0;
  std::size_t charge = 0;  // bytes taken from the budget

  ListHook<Held> in_stream, in_peer, by_first, by_last;
};

}  // namespace thorlog
