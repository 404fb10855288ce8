// The inside of the Reassembler. What a frame means is decided in decide.cc, what is held in hold.cc, numbered parts
// in parts.cc, the rest in reassembler.cc.
#pragma once

#include <vector>

#include "reassembly/cut_sizes.h"
#include "reassembly/holdings.h"
#include "reassembly/stream.h"

namespace thorlog {

// One frame on its way through the rules.
struct Offer {
  Reassembler::Stream& stream;
  const Frame& frame;
  std::string_view bytes;
  std::int64_t now, received;
  bool more;  // frame.following will be offered in this turn
  LineSink& sink;
  std::uint32_t number;  // of the frame within the stream
  Start start = {};
  bool tested = false;  // `start` is known
  std::uint32_t flags = 0;
  Held* head = nullptr;  // the held head that it continues
};

// Why the end of a line may be missing; all false: it can't be.
struct Cut {
  bool at_size = false;
  bool by_token = false;  // at_size, but only without the word that a relay put into the header
  bool json_open = false;
  bool counted_out = false;
  bool by_scanner = false;  // THOR cut it, so nothing follows
  JsonDepth depth;

  bool may_go_on() const noexcept { return !by_scanner && (at_size || json_open || counted_out); }
};

struct Reassembler::State {
  State(ReassemblyOptions its_options, MemoryBudget& budget)
      : options(std::move(its_options)), cuts(options.cut_sizes), holdings(budget) {}

  enum class Meaning : std::uint8_t { start, continuation };
  enum class Why : std::uint8_t { complete, start, timeout, ended, flushed, budget, too_long };

  // reassembler.cc
  void take(Offer& offer);
  void begin(Offer& offer);
  void emit(Offer& offer, Slot* slot, bool cut);
  void emit_stray(Offer& offer);
  std::uint32_t take_split(Offer& offer);
  void take_segment(const Offer& whole, std::string_view bytes);
  void close(Stream& stream, Why why, LineSink& sink);
  void forget(Stream& stream);

  // decide.cc
  bool meet_held(Offer& offer);
  bool repeat_head(Offer& offer);
  Meaning meaning_of(Offer& offer);
  static Held* head_meant(const Offer& offer);
  static Held* head_named(const Offer& offer, std::string_view word);
  Meaning meaning_of_strong(Offer& offer, Held* only);
  Meaning meaning_of_json(Offer& offer, Held* only);
  Cut cut_of(const Offer& offer, const Slot& slot) const;
  bool is_cut_by_scanner(std::string_view bytes, const Start& start) const noexcept;
  bool is_cut_size(std::size_t n, const Slot& slot) const noexcept;

  // slots.cc
  static Slot* find_slot(Stream& stream, std::string_view host) noexcept;
  Slot& slot_for(Stream& stream, std::string_view host, LineSink& sink);
  Slot& new_slot(Stream& stream, std::string_view host, LineSink& sink);
  std::size_t free_slot(Stream& stream, LineSink& sink);
  void learn_start(Stream& stream, Slot& slot, const Offer& offer);
  void learn_cut(Stream& stream);
  static bool is_sender_of(const Held& head, std::string_view word) noexcept;
  static bool names_sender(const Stream& stream, const Held& head, std::string_view word) noexcept;

  // hold.cc
  bool hold(Offer& offer, Slot& slot, const Cut& cut);
  void continue_head(Offer& offer);
  bool append(Held& held, const Offer& offer, std::string_view stripped, std::string_view joint,
              std::string_view bytes);
  bool next_joins(Offer& offer);
  bool hold_multiline(Offer& offer, Slot& slot);
  bool join_multiline(Offer& offer);
  Held* keep(Held::Kind kind, Offer& offer, std::size_t size);
  bool charge(Held& held, std::size_t bytes, LineSink& sink);
  void touch(Held& held, std::int64_t now) noexcept;
  void count_in(Held& held) noexcept;
  std::unique_ptr<Held> let_go(Held& held);
  void release(Held& held, Why why, LineSink& sink);
  void send(Held& held, Line& line, LineSink& sink);

  // parts.cc
  bool take_part(Offer& offer);
  void release_parts(Held& held, Why why, LineSink& sink);

  ReassemblyOptions options;
  CutSizes cuts;
  Holdings holdings;
  Counters counters;
  List<Held, &Held::by_first> by_first;
  List<Held, &Held::by_last> by_last;
  List<Stream, &Stream::in_all> streams;
  const Stream* last_offered = nullptr;
  std::vector<Piece> pieces;  // of the line that leaves
};

// What is behind the header of a start: offset of the JSON object that is the message; npos when it is none.
std::size_t json_message(std::string_view bytes, const Start& start) noexcept;

inline std::string_view host_of(std::string_view bytes, const Start& start) noexcept {
  return {bytes.data() + start.host_at, start.host_length};
}

// None, or the one that relays write where none was.
inline bool is_plain_priority(std::uint8_t priority) noexcept { return priority == kNoPriority || priority == 13; }

}  // namespace thorlog
