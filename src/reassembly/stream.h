// What is remembered of one stream: its header hosts, what it holds, what it has taught.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reassembly/held.h"

namespace thorlog {

inline constexpr std::size_t kMostSlots =
    64;  // header hosts of one stream; beyond it the least used one is forgotten

// One header host of a stream: the token as it stands in the header ("arch/127.0.0.1"), empty for lines without one.
struct Slot {
  std::string host;
  std::string relay_word;  // what a relay puts before this host (H12), and so before its continuations
  bool known = false;      // seen in a strong start, or twice in a weak one
  bool seen_weak = false;
  bool plain_priority = false;  // its lines come without a priority, or with a relay's
  std::uint8_t learnt_count = 0;
  std::array<std::uint32_t, 4> learnt{};  // cut sizes (R8)
  std::uint32_t suspected = 0;            // seen once
  std::uint32_t used = 0;                 // when, in the stream's frames
  std::size_t charge = 0;
  Held* held = nullptr;
  ScanMemory memory;
};

class Reassembler::Stream {
 public:
  std::string address;
  void* owner = nullptr;
  Peer* peer = nullptr;
  bool datagrams = false, split = false, trusted = false;
  bool continues = false;    // has had a continuation that was joined
  bool thor_only = true;     // no start but THOR's and its agent's so far
  std::uint32_t frames = 0;  // offered so far
  std::uint32_t heads = 0;   // in `held`
  std::uint64_t held_frames = 0;

  std::vector<std::uint64_t> hashes;  // of the slots' hosts, same order
  std::vector<std::unique_ptr<Slot>> slots;
  Slot* last = nullptr;  // the slot of the last start

  List<Held, &Held::in_stream> held;
  Held* multiline = nullptr;

  Slot* cut_slot = nullptr;  // the last emitted line, if a synthesized header may tell that it was a head (R8)
  std::uint32_t cut_size = 0;

  const char* peeked = nullptr;  // a line in the read buffer whose start test has been made
  std::size_t peeked_size = 0;
  Start peeked_start;

  ListHook<Reassembler::Stream> in_all;
};

}  // namespace thorlog
