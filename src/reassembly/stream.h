// What is remembered of one stream: its header hosts, what it holds, what it has taught.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "reassembly/held.h"

namespace thorlog {

// Header hosts of one stream; beyond it the least used one is forgotten. A relay that carries more of them looks for
// one to forget at nearly every line.
inline constexpr std::size_t kMostSlots = 256;

// Of a header host, what only few have.
struct SlotExtra {
  std::string host;                       // when it is longer than Slot::host_begin
  std::string relay_word;                 // what a relay puts before this host (H12), and so before its continuations
  std::array<std::uint32_t, 4> learnt{};  // cut sizes (R8)
  std::uint32_t suspected = 0;            // seen once
};

// One header host of a stream: the token as it stands in the header ("arch/127.0.0.1"), empty for lines without one.
// What each line asks comes first: two cache lines with the beginning of `memory`.
struct Slot {
  bool is_host(std::string_view token) const noexcept {
    if (token.size() != host_size) return false;
    const std::size_t near = token.size() < sizeof(host_begin) ? token.size() : sizeof(host_begin);
    return std::memcmp(token.data(), host_begin, near) == 0 && (near == token.size() || token == extra->host);
  }
  void set_host(std::string_view token) {
    host_size = static_cast<std::uint16_t>(token.size());
    std::memcpy(host_begin, token.data(), token.size() < sizeof(host_begin) ? token.size() : sizeof(host_begin));
    if (token.size() > sizeof(host_begin)) more().host = token;
  }
  std::string_view relay_word() const noexcept { return extra ? std::string_view(extra->relay_word) : ""; }
  SlotExtra& more() {
    if (!extra) extra = std::make_unique<SlotExtra>();
    return *extra;
  }
  // As new, for another host; what was paid for it stays.
  void forget() noexcept {
    known = seen_weak = plain_priority = false;
    learnt_count = 0;
    memory = ScanMemory();
    extra.reset();
  }

  std::uint16_t host_size = 0;
  bool known = false;  // seen in a strong start, or twice in a weak one
  bool seen_weak = false;
  bool plain_priority = false;  // its lines come without a priority, or with a relay's
  std::uint8_t learnt_count = 0;
  std::uint32_t used = 0;  // when, in the stream's frames
  std::uint32_t hash = 0;  // of the host
  std::uint32_t charge = 0;
  char host_begin[44] = {};
  Held* held = nullptr;
  ScanMemory memory;
  std::unique_ptr<SlotExtra> extra;
};
static_assert(offsetof(Slot, held) == 64 && sizeof(Slot) == 200);

class alignas(64) Reassembler::Stream {
 public:
  // What each line asks: one cache line, and another one for the slot.
  std::uint32_t frames = 0;  // offered so far
  std::uint32_t heads = 0;   // in `held`
  bool datagrams = false, split = false, trusted = false;
  bool continues = false;  // has had a continuation that was joined
  bool thor_only = true;   // no start but THOR's and its agent's so far
  void* owner = nullptr;
  Held* multiline = nullptr;
  Slot* last = nullptr;          // the slot of the last start
  const char* peeked = nullptr;  // a line in the read buffer whose start test has been made
  Slot* cut_slot = nullptr;      // the last emitted line, if a synthesized header may tell that it was a head (R8)
  std::uint32_t cut_size = 0;
  std::uint32_t peeked_size = 0;

  Slot first;  // most streams have but one host
  bool first_used = false;

  std::uint64_t held_frames = 0;
  List<Held, &Held::in_stream> held;
  std::vector<std::unique_ptr<Slot>> others;
  // Finds others by the hash of their host: places in it plus one, 0 for none, probed in line; never over half full.
  std::vector<std::uint16_t> index;
  Held* named = nullptr;  // the head that a relay's word named in the frame before, or that followed from it
  std::uint32_t named_frame = 0;
  std::size_t hand = 0;  // where the search for a slot to give away goes on
  Start peeked_start;
  std::string address;
  Peer* peer = nullptr;
  ListHook<Reassembler::Stream> in_all;
};

}  // namespace thorlog
