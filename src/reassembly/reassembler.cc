// The way of a frame: to what is held on its stream, or out at once. Nearly every frame takes the short way through
// take(), begin() and emit(), which allocates nothing.
#include "thorlog/reassembly.h"

#include <algorithm>
#include <cstring>

#include "base/prefetch.h"
#include "reassembly/parts.h"
#include "reassembly/relay_header.h"
#include "reassembly/state.h"
#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {

void Reassembler::State::take(Offer& offer) {
  Stream& stream = offer.stream;
  offer.number = stream.frames++;
  if (offer.frame.continues) return emit_stray(offer);  // it has a beginning, which has left
  if (offer.tested) {
    // done before this stream was looked at
  } else if (stream.peeked == offer.bytes.data() && stream.peeked_size == offer.bytes.size()) {
    offer.start = stream.peeked_start;
  } else {
    offer.start = test_start(offer.bytes);
  }
  stream.peeked = nullptr;
  if (stream.multiline != nullptr && join_multiline(offer)) return;
  if (stream.trusted && take_part(offer)) return;
  if (stream.heads > 0 && meet_held(offer)) return;
  if (offer.start.is_start()) {
    begin(offer);
  } else {
    emit_stray(offer);
  }
}

// A line of its own: held where it may go on, else out.
void Reassembler::State::begin(Offer& offer) {
  Stream& stream = offer.stream;
  const std::string_view host = host_of(offer.bytes, offer.start);
  Slot& slot = slot_for(stream, host, offer.sink);
  learn_start(stream, slot, offer);
  const Cut cut = cut_of(offer, slot);
  if (cut.by_scanner) offer.flags |= flag::truncated;
  const bool ended = (offer.frame.flags & (flag::oversize | flag::unterminated)) != 0;
  if (cut.may_go_on()) {
    if (!ended) {
      if (hold(offer, slot, cut)) return;
      ++counters.evicted;
    }
    if (cut.json_open || cut.counted_out) offer.flags |= flag::incomplete;
    if (cut.at_size) offer.flags |= flag::lossy_possible;
  } else if (options.multiline && stream.thor_only && !offer.frame.counted && !offer.frame.following.empty() &&
             !stream.datagrams && !ended && offer.start.rule != StartRule::s7 && next_joins(offer)) {
    if (hold_multiline(offer, slot)) return;
  }
  // R8: the next frame may tell that this was the head of a longer line.
  stream.cut_slot = offer.bytes.size() >= kLeastCut ? &slot : nullptr;
  stream.cut_size = static_cast<std::uint32_t>(offer.bytes.size());
  emit(offer, &slot, cut.may_go_on() || cut.by_scanner || ended);
}

void Reassembler::State::emit(Offer& offer, Slot* slot, bool cut) {
  Line line;
  line.raw = offer.bytes;
  line.start = offer.start;
  line.flags = offer.frame.flags | offer.flags;
  line.owner = offer.stream.owner;
  line.received = offer.received;
  line.frame = offer.number;
  line.cut = cut;
  if (slot != nullptr) line.memory = &slot->memory;
  if ((line.flags & flag::incomplete) != 0) ++counters.incomplete;
  offer.sink.on_line(line);
}

// What begins no line that we know and continues none that is held.
void Reassembler::State::emit_stray(Offer& offer) {
  Stream& stream = offer.stream;
  const bool made_up = offer.start.priority == kRelayPriority && relay_header(offer.bytes, offer.received) > 0;
  if (made_up) learn_cut(stream);
  stream.cut_slot = nullptr;
  const bool own_header = offer.start.priority != kNoPriority && !made_up;
  if (own_header) {
    stream.thor_only = false;
  } else if (!offer.frame.continues) {
    offer.flags |= flag::orphan;
  }
  emit(offer, nullptr, true);
}

// Several complete lines in one datagram. 0: there are not; the frame is one record.
std::uint32_t Reassembler::State::take_split(Offer& whole) {
  const std::string_view bytes = whole.bytes;
  std::uint32_t records = 0;
  std::size_t from = 0;
  for (std::size_t at = bytes.find('\n'); at != std::string_view::npos; at = bytes.find('\n', at + 1)) {
    const std::string_view line = bytes.substr(at + 1, bytes.find('\n', at + 1) - at - 1);
    const Start start = test_start(line);
    if (!start.is_strong() && !(start.rule == StartRule::s5 && start.priority != kNoPriority)) continue;
    if (records == 0 && !test_start(bytes).is_start()) return 0;
    take_segment(whole, bytes.substr(from, at - from));
    ++records;
    from = at + 1;
  }
  if (records == 0) return 0;
  take_segment(whole, bytes.substr(from));
  return records + 1;
}

void Reassembler::State::take_segment(const Offer& whole, std::string_view bytes) {
  Frame frame = whole.frame;
  frame.bytes = strip_trailer(bytes);
  frame.flags |= flag::split;
  Offer offer{whole.stream, frame, frame.bytes, whole.now, whole.received, false, whole.sink, 0};
  take(offer);
}

void Reassembler::State::close(Stream& stream, Why why, LineSink& sink) {
  while (Held* held = stream.held.front())
    release(*held, held->kind == Held::Kind::multiline ? Why::complete : why, sink);
}

Reassembler::Reassembler(ReassemblyOptions options, MemoryBudget& budget)
    : state_(std::make_unique<State>(std::move(options), budget)) {}

Reassembler::~Reassembler() {
  while (Stream* stream = state_->streams.front()) {
    while (Held* held = stream->held.front()) state_->let_go(*held);
    state_->forget(*stream);
  }
}

Reassembler::Stream* Reassembler::open_stream(const StreamOptions& options) {
  auto stream = std::make_unique<Stream>();
  stream->address = options.peer_address;
  stream->owner = options.owner;
  stream->datagrams = options.datagrams;
  stream->split = options.split && options.datagrams;
  stream->trusted = options.trusted;
  stream->peer = state_->holdings.enter(options.peer_address);
  state_->streams.push_back(*stream);
  return stream.release();
}

void Reassembler::close_stream(Stream* stream, LineSink& sink) {
  state_->close(*stream, State::Why::ended, sink);
  state_->forget(*stream);
}

void Reassembler::State::forget(Stream& stream) {
  const std::unique_ptr<Stream> owned(&stream);
  for (const auto& slot : stream.others) holdings.give_back(*stream.peer, slot->charge);
  holdings.leave(stream.peer);
}

void Reassembler::expect(const Stream* stream) noexcept {
  const auto* const state = reinterpret_cast<const char*>(stream);
  for (const std::size_t at : {0, 64, 128, 192, 256}) prefetch(state + at);
}

std::uint32_t Reassembler::offer(Stream* stream, const Frame& frame, std::int64_t now, std::int64_t received,
                                 bool more_buffered, LineSink& sink) {
  Offer offer{*stream, frame, frame.bytes, now, received, more_buffered, sink, 0};
  if (stream != state_->last_offered) {
    // Among many streams none of this is in a cache. The start test looks at the line only, so it comes meanwhile.
    state_->last_offered = stream;
    expect(stream);
    if (!frame.continues) offer.start = test_start(frame.bytes);
    offer.tested = !frame.continues;
  }
  if (stream->split) {
    if (const std::uint32_t records = state_->take_split(offer)) return records;
  }
  state_->take(offer);
  return 1;
}

void Reassembler::release_due(std::int64_t now, LineSink& sink) {
  State& state = *state_;
  while (Held* held = state.by_last.front()) {
    if (held->last + state.options.timeout > now) break;
    state.release(*held, State::Why::timeout, sink);
  }
  while (Held* held = state.by_first.front()) {
    if (held->first + 3 * state.options.timeout > now) break;
    state.release(*held, State::Why::timeout, sink);
  }
}

std::int64_t Reassembler::next_due() const noexcept {
  const Held* last = state_->by_last.front();
  if (last == nullptr) return kNoTime;
  return std::min(last->last + state_->options.timeout,
                  state_->by_first.front()->first + 3 * state_->options.timeout);
}

void Reassembler::flush(Stream* stream, LineSink& sink) {
  if (stream != nullptr) return state_->close(*stream, State::Why::flushed, sink);
  for (Stream* each = state_->streams.front(); each != nullptr; each = state_->streams.after(*each))
    state_->close(*each, State::Why::flushed, sink);
}

std::uint64_t Reassembler::held(const Stream* stream) const noexcept {
  // Nearly always: nothing, and that stands where offer() has looked.
  if (stream->heads == 0 && stream->multiline == nullptr && !stream->trusted) return 0;
  return stream->held_frames;
}

const Reassembler::Counters& Reassembler::counters() const noexcept { return state_->counters; }

}  // namespace thorlog
