// Holding a head, adding pieces, letting go (R1 to R3, R6, R7).
#include <algorithm>
#include <limits>

#include "reassembly/relay_header.h"
#include "reassembly/state.h"
#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostPieces = 32768;
constexpr std::size_t kMostJoined = 64;  // R7
constexpr std::size_t kLeastText = 256;  // what ByteBuffer takes at least
constexpr std::int64_t kMillisecond = 1'000'000;

std::uint32_t delay_ms(const Held& held, std::int64_t now) noexcept {
  const std::int64_t ms = (now - held.first) / kMillisecond;
  return ms < 0 ? 0
                : static_cast<std::uint32_t>(std::min<std::int64_t>(ms, std::numeric_limits<std::uint32_t>::max()));
}

// What `n` more bytes of text cost, with the room that is always readable behind them.
std::size_t growth(const ByteBuffer& text, std::size_t n) noexcept {
  const std::size_t wanted = text.size() + n + kReadAhead;
  if (wanted <= text.capacity()) return 0;
  return std::max({wanted, text.capacity() * 2, kLeastText}) - text.capacity();
}

void add_text(ByteBuffer& text, std::string_view bytes) {
  text.reserve(bytes.size() + kReadAhead);
  text.append(bytes);
}

}  // namespace

bool Reassembler::State::charge(Held& held, std::size_t bytes, LineSink& sink) {
  if (bytes == 0) return true;
  const auto evict = [&](Held& victim) { release(victim, Why::budget, sink); };
  if (!holdings.take(*held.stream->peer, bytes, &held, evict)) return false;
  held.charge += bytes;
  return true;
}

// Something new to hold, with its first `size` bytes paid for and no frame yet. Null: there is no room.
Held* Reassembler::State::keep(Held::Kind kind, Offer& offer, std::size_t size) {
  auto held = std::make_unique<Held>(kind, offer.stream);
  if (!charge(*held, sizeof(Held) + growth(held->text, size), offer.sink)) return nullptr;
  held->start = offer.start;
  held->first_frame = offer.number;
  held->flags = offer.frame.flags | offer.flags;
  held->first = offer.now;
  held->received = offer.received;
  offer.stream.held.push_back(*held);
  holdings.add(*offer.stream.peer, *held);
  by_first.push_back(*held);
  touch(*held, offer.now);
  return held.release();  // owned by the lists, until let_go()
}

void Reassembler::State::touch(Held& held, std::int64_t now) noexcept {
  held.last = now;
  by_last.push_back(held);
}

void Reassembler::State::count_in(Held& held) noexcept {
  ++held.frames;
  ++held.stream->held_frames;
  ++counters.held;
}

bool Reassembler::State::hold(Offer& offer, Slot& slot, const Cut& cut) {
  Held* held = keep(Held::Kind::head, offer, offer.bytes.size());
  if (held == nullptr) return false;
  add_text(held->text, offer.bytes);
  held->json = cut.json_open ? Held::Json::open : Held::Json::none;
  held->depth = cut.depth;
  held->at_cut_size = cut.at_size;
  held->by_token = cut.by_token;
  held->lossless = cut.at_size && CutSizes::lossless(offer.bytes.size());
  held->counted_out = cut.counted_out;
  held->declared = offer.frame.declared_length;
  held->slot = &slot;
  slot.held = held;
  ++offer.stream.heads;
  count_in(*held);
  return true;
}

// Adds a piece: `stripped` was taken off in front of it, `joint` stands between it and what came before.
bool Reassembler::State::append(Held& held, const Offer& offer, std::string_view stripped, std::string_view joint,
                                std::string_view bytes) {
  const std::size_t n = joint.size() + bytes.size();
  const bool first = held.pieces.empty() && held.kind != Held::Kind::parts;
  const std::size_t rows = first ? 2 : 1;
  if (!charge(held, growth(held.text, n) + rows * 2 * sizeof(HeldPiece) + stripped.size(), offer.sink)) return false;
  if (first) held.pieces.push_back({static_cast<std::uint32_t>(held.text.size()), 0, 0, 0});
  held.pieces.push_back({static_cast<std::uint32_t>(n), delay_ms(held, offer.now),
                         static_cast<std::uint32_t>(held.stripped.size()),
                         static_cast<std::uint32_t>(stripped.size())});
  held.stripped.append(stripped);
  if (!joint.empty()) add_text(held.text, joint);
  add_text(held.text, bytes);
  held.flags |= offer.frame.flags | offer.flags;
  count_in(held);
  touch(held, offer.now);
  return true;
}

// R2 and R3. The frame becomes part of offer.head, or leaves as an orphan.
void Reassembler::State::continue_head(Offer& offer) {
  if (offer.head == nullptr) return emit_stray(offer);
  Held& head = *offer.head;
  if (head.repeats > 0) {  // whoever repeats a head never sends its tail
    release(head, Why::start, offer.sink);
    return emit_stray(offer);
  }

  std::size_t made_up = relay_header(offer.bytes, offer.received);
  if (made_up > 0) {
    const SenderWord sender = sender_word(offer.bytes.substr(made_up));
    if (names_sender(offer.stream, head, sender.word)) made_up += sender.length;
  }
  const std::string_view piece = offer.bytes.substr(made_up);
  const bool too_long = head.text.size() + piece.size() > options.max_message || head.pieces.size() >= kMostPieces ||
                        (offer.frame.flags & flag::oversize) != 0;
  if (too_long || !append(head, offer, offer.bytes.substr(0, made_up), {}, piece)) {
    release(head, too_long ? Why::too_long : Why::budget, offer.sink);
    return emit_stray(offer);
  }
  offer.stream.continues = true;
  head.depth.scan(piece);

  const bool framed_full = is_cut_size(offer.bytes.size(), *head.slot);
  const bool full = framed_full || is_cut_size(piece.size(), *head.slot);
  // After a lost quote the depth means little: at a cut size only a clean end is believed.
  const bool json_closed =
      head.json == Held::Json::open && (full ? head.depth.balanced() && piece.ends_with('}') : head.depth.closed());
  const bool counted = head.counted_out && head.text.size() < head.declared;
  const bool by_size = head.at_cut_size;
  head.at_cut_size = full;
  if (made_up > 0 || (full && !CutSizes::lossless(piece.size()))) head.lossless = false;
  if ((offer.frame.flags & flag::unterminated) != 0) {
    release(head, Why::ended, offer.sink);
  } else if (json_closed || (!full && !counted && (by_size || head.json == Held::Json::none))) {
    release(head, Why::complete, offer.sink);
  }
}

// R7: whether the next line in the read buffer belongs to a text that had line breaks in it.
bool Reassembler::State::next_joins(Offer& offer) {
  const std::string_view following = offer.frame.following;
  if (!offer.more || following.empty() || following.front() == '<') return false;
  const std::size_t end = following.find('\n');
  if (end == std::string_view::npos) return false;
  const std::string_view line = strip_trailer(following.substr(0, end));
  if (line.empty()) return false;
  Stream& stream = offer.stream;
  stream.peeked = line.data();  // it is offered next, and need not be tested again
  stream.peeked_size = static_cast<std::uint32_t>(line.size());
  stream.peeked_start = test_start(line);
  return !stream.peeked_start.is_start() && stream.peeked_start.priority == kNoPriority;
}

bool Reassembler::State::hold_multiline(Offer& offer, Slot& slot) {
  Held* held = keep(Held::Kind::multiline, offer, offer.bytes.size());
  if (held == nullptr) return false;
  add_text(held->text, offer.bytes);
  held->slot = &slot;
  offer.stream.multiline = held;
  count_in(*held);
  return true;
}

// False: the frame is not more of the line that waits; that one has left.
bool Reassembler::State::join_multiline(Offer& offer) {
  Held& held = *offer.stream.multiline;
  const bool fits = !offer.start.is_start() && offer.start.priority == kNoPriority && offer.frame.flags == 0 &&
                    held.text.size() + offer.bytes.size() < options.max_message;
  if (!fits || !append(held, offer, {}, "\n", offer.bytes)) {
    release(held, Why::complete, offer.sink);
    return false;
  }
  if (held.pieces.size() > kMostJoined || !next_joins(offer)) release(held, Why::complete, offer.sink);
  return true;
}

// Takes it out of all lists and counts; its memory counts as free from here on.
std::unique_ptr<Held> Reassembler::State::let_go(Held& held) {
  std::unique_ptr<Held> owned(&held);
  Stream& stream = *held.stream;
  held.in_stream.leave();
  held.by_first.leave();
  held.by_last.leave();
  holdings.remove(held, *stream.peer);
  if (held.kind == Held::Kind::head) {
    --stream.heads;
    held.slot->held = nullptr;
    if (stream.named == &held) stream.named = nullptr;
  } else if (stream.multiline == &held) {
    stream.multiline = nullptr;
  }
  stream.held_frames -= held.frames;
  counters.held -= held.frames;
  if (held.frames > 0) counters.joined += held.frames - 1;
  return owned;
}

void Reassembler::State::release(Held& held, Why why, LineSink& sink) {
  if (why == Why::budget) ++counters.evicted;
  if (held.kind == Held::Kind::parts) return release_parts(held, why, sink);
  const std::unique_ptr<Held> owned = let_go(held);
  const bool waited = why == Why::timeout || why == Why::ended || why == Why::flushed;

  std::uint32_t flags = held.flags;
  bool cut = (flags & (flag::truncated | flag::unterminated)) != 0;
  if (held.repeats > 0) flags |= flag::duplicate_head | flag::truncated;
  if (why == Why::ended) flags |= flag::unterminated;
  if (why == Why::too_long) flags |= flag::oversize;
  if (held.kind == Held::Kind::head && why != Why::complete) {
    cut = true;
    if (held.json == Held::Json::open || (held.counted_out && held.text.size() < held.declared) ||
        why == Why::too_long)
      flags |= flag::incomplete;
    // A size at which relays cut, and nothing came. Where continuations do come, it may as well be whole; one that
    // only had the size before it reached the relay surely is, since a relay that cuts sends the rest.
    const bool whole = held.by_token && held.pieces.empty();
    if (held.at_cut_size && !whole) flags |= flag::lossy_possible;
    if (held.at_cut_size && !whole && why != Why::budget && (waited || !held.stream->continues))
      flags |= flag::truncated;
  }
  const bool exact = held.counted_out && held.text.size() == held.declared;
  if (!held.pieces.empty()) {
    flags |= flag::joined;
    if (held.kind == Held::Kind::head && !held.lossless && !exact) flags |= flag::lossy_possible;
  }

  Line line;
  line.flags = flags;
  line.cut = cut;
  line.start = held.start;
  line.memory = held.slot != nullptr ? &held.slot->memory : nullptr;
  send(held, line, sink);
}

void Reassembler::State::send(Held& held, Line& line, LineSink& sink) {
  if (line.raw.data() == nullptr) line.raw = held.text.view();
  pieces.clear();
  for (const HeldPiece& piece : held.pieces)
    pieces.push_back({piece.length, piece.delay_ms,
                      std::string_view(held.stripped).substr(piece.stripped_at, piece.stripped_length)});
  line.pieces = pieces;
  line.parts = static_cast<std::uint16_t>(std::max<std::size_t>(1, pieces.size()));
  line.frames = held.frames;
  line.owner = held.stream->owner;
  line.received = held.received;
  line.frame = held.first_frame;
  if ((line.flags & flag::incomplete) != 0) ++counters.incomplete;
  sink.on_line(line);
}

}  // namespace thorlog
