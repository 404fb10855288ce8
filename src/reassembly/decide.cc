// What a frame means: a line of its own, or more of one that is held (R1, R4, R5). Only its first bytes decide.
#include "reassembly/relay_header.h"
#include "reassembly/state.h"
#include "thor/host_name.h"
#include "wire/part_marker.h"

namespace thorlog {
namespace {

// Lines of one format begin alike; a nested object that begins a continuation does not begin like the line.
constexpr std::size_t kSameBeginning = 12;
constexpr std::size_t kAgentHeader = 96;  // "2025/02/12 14:24:34 ASGARD_GENERIC: Info: " and rebranded ones

bool begins_like(std::string_view a, std::string_view b) noexcept {
  return a.size() >= kSameBeginning && b.size() >= kSameBeginning &&
         a.substr(0, kSameBeginning) == b.substr(0, kSameBeginning);
}

}  // namespace

std::size_t json_message(std::string_view bytes, const Start& start) noexcept {
  std::size_t at = start.body_at;
  switch (start.rule) {
    case StartRule::s7:
      return at;
    case StartRule::s1:
    case StartRule::s2:
      at += 6;  // "THOR: "
      if (at < bytes.size() && bytes[at] == ' ') ++at;
      return at < bytes.size() && bytes[at] == '{' ? at : std::string_view::npos;
    case StartRule::s4: {
      const std::size_t brace = bytes.substr(0, at + kAgentHeader).find(": {\"", at);
      return brace == std::string_view::npos ? brace : brace + 2;
    }
    default:
      return std::string_view::npos;
  }
}

bool Reassembler::State::is_cut_by_scanner(std::string_view bytes, const Start& start) const noexcept {
  if (bytes.back() != '.' || start.rule == StartRule::s5) return false;
  const std::size_t at = start.rule == StartRule::s6 ? rfc5424_message(bytes) : start.body_at;
  return at < bytes.size() && cuts.cut_by_scanner(bytes.substr(at));
}

bool Reassembler::State::is_cut_size(std::size_t n, const Slot& slot) const noexcept {
  if (cuts.contains(n)) return true;
  for (std::size_t i = 0; i < slot.learnt_count; ++i)
    if (slot.extra->learnt[i] == n) return true;
  return false;
}

Cut Reassembler::State::cut_of(const Offer& offer, const Slot& slot) const {
  Cut cut;
  const Start& start = offer.start;
  const std::size_t n = offer.bytes.size();
  const std::uint64_t declared = offer.frame.counted ? 0 : offer.frame.declared_length;
  const std::size_t json = json_message(offer.bytes, start);
  if (json < n) {
    cut.depth.scan(offer.bytes.substr(json));
    if (cut.depth.closed()) return cut;  // whatever its size
    cut.json_open = true;
  } else if (is_cut_by_scanner(offer.bytes, start)) {
    cut.by_scanner = true;
    return cut;
  }
  cut.counted_out = declared > n;
  if (declared == n) return cut;  // the count says that it is whole
  if (n < cuts.smallest() && slot.learnt_count == 0) return cut;
  const std::size_t made_up = start.rule == StartRule::s7 && start.priority == kRelayPriority ? start.body_at : 0;
  cut.at_size = is_cut_size(n, slot) || (made_up > 0 && made_up < n && is_cut_size(n - made_up, slot));
  // A relay that also cut the host has changed the length by more than its word.
  cut.by_token = !cut.at_size && start.extra_length > 0 && start.host_length != kRsyslogTag &&
                 is_cut_size(n - start.extra_length - 1, slot);
  cut.at_size = cut.at_size || cut.by_token;
  return cut;
}

// True when the frame has become part of something held, or has left; false when it is a line of its own.
bool Reassembler::State::meet_held(Offer& offer) {
  if (repeat_head(offer)) return true;
  if (meaning_of(offer) == Meaning::continuation) {
    continue_head(offer);
    return true;
  }
  if (!offer.start.is_start()) return false;
  const Slot* slot = find_slot(offer.stream, host_of(offer.bytes, offer.start));
  if (slot != nullptr && slot->held != nullptr) release(*slot->held, Why::start, offer.sink);
  return false;
}

// R5: the very bytes of a held head again.
bool Reassembler::State::repeat_head(Offer& offer) {
  Stream& stream = offer.stream;
  for (Held* held = stream.held.front(); held != nullptr; held = stream.held.after(*held)) {
    if (held->kind != Held::Kind::head || !held->pieces.empty() || held->text.view() != offer.bytes) continue;
    ++held->repeats;
    count_in(*held);
    touch(*held, offer.now);
    return true;
  }
  return false;
}

// The one head that a frame can continue, if it continues any: the only one; of several, the one whose sender a relay
// names. A relay names nobody before a piece that begins with what may be a name itself; such a piece comes at once
// behind the one before it.
Held* Reassembler::State::head_meant(const Offer& offer) {
  Stream& stream = offer.stream;
  if (stream.heads == 1) {
    Held* only = stream.held.front();
    while (only->kind != Held::Kind::head) only = stream.held.after(*only);
    return only;
  }
  const std::size_t made_up = offer.start.priority == kRelayPriority ? relay_header(offer.bytes, offer.received) : 0;
  if (made_up == 0) return nullptr;
  const std::string_view word = sender_word(offer.bytes.substr(made_up)).word;
  if (Held* named = head_named(offer, word)) {
    stream.named = named;
  } else if (stream.named_frame + 1 != offer.number) {
    stream.named = nullptr;
  }
  stream.named_frame = offer.number;
  return stream.named;
}

Held* Reassembler::State::head_named(const Offer& offer, std::string_view word) {
  Held* named = nullptr;
  for (Held* held = offer.stream.held.front(); held != nullptr; held = offer.stream.held.after(*held)) {
    if (held->kind != Held::Kind::head || !is_sender_of(*held, word)) continue;
    if (named != nullptr) return nullptr;
    named = held;
  }
  return named;
}

// R4. Sets offer.head where the frame continues one certain head.
Reassembler::State::Meaning Reassembler::State::meaning_of(Offer& offer) {
  Stream& stream = offer.stream;
  const Start& start = offer.start;
  Held* const only = head_meant(offer);
  offer.head = only;
  const bool has_priority = !is_plain_priority(start.priority);

  switch (start.rule) {
    case StartRule::s1:
    case StartRule::s2:
    case StartRule::s3:
    case StartRule::s4:
    case StartRule::s6:
      return meaning_of_strong(offer, only);
    case StartRule::s7:
      return meaning_of_json(offer, only);
    case StartRule::s1b:
      return Meaning::continuation;
    case StartRule::s5: {
      if (has_priority) return Meaning::start;
      const std::string_view host = host_of(offer.bytes, start);
      const Slot* slot = find_slot(stream, host);
      const bool relay = only != nullptr && names_sender(stream, *only, host);
      if (slot != nullptr && slot->known && !relay) return Meaning::start;
      break;
    }
    case StartRule::none:
      if (has_priority) return Meaning::start;  // some header that we don't know, but one
      break;
  }
  if (start.priority == kRelayPriority && relay_header(offer.bytes, offer.received) == 0) return Meaning::start;
  return Meaning::continuation;
}

Reassembler::State::Meaning Reassembler::State::meaning_of_strong(Offer& offer, Held* only) {
  const Start& start = offer.start;
  Slot* slot = find_slot(offer.stream, host_of(offer.bytes, start));
  const bool plain = is_plain_priority(start.priority);
  if (slot != nullptr && slot->held != nullptr) {
    if (!plain || is_plain_priority(slot->held->start.priority)) return Meaning::start;
    offer.flags |= flag::ambiguous;
    offer.head = slot->held;
    return Meaning::continuation;
  }
  if (!plain || (slot != nullptr && slot->plain_priority)) return Meaning::start;

  // Quoted text at the very cut (F15) looks like this; so does a first line of a host that writes no priority.
  bool doubtful = false;
  for (const Held* held = offer.stream.held.front(); held != nullptr; held = offer.stream.held.after(*held))
    doubtful = doubtful || (held->kind == Held::Kind::head && !is_plain_priority(held->start.priority));
  if (!doubtful) return Meaning::start;
  offer.flags |= flag::ambiguous;
  const bool quoted = start.rule == StartRule::s1 && start.priority == kNoPriority && slot == nullptr &&
                      only != nullptr && only->at_cut_size;
  return quoted ? Meaning::continuation : Meaning::start;
}

Reassembler::State::Meaning Reassembler::State::meaning_of_json(Offer& offer, Held* only) {
  const Start& start = offer.start;
  if (start.stamp_length > 0) {
    if (start.priority != kRelayPriority || relay_header(offer.bytes, offer.received) == 0) return Meaning::start;
    // Made up by a relay, for a line or for a piece. Another sender's is no piece of this one.
    if (only != nullptr && !names_sender(offer.stream, *only, host_of(offer.bytes, start)) &&
        host_of(offer.bytes, start) != host_of(only->text.view(), only->start))
      return Meaning::start;
  }
  if (only != nullptr && only->json == Held::Json::none) return Meaning::continuation;
  const std::string_view object = offer.bytes.substr(start.body_at);
  if (only != nullptr) {
    const std::size_t begin = json_message(only->text.view(), only->start);
    if (begins_like(object, only->text.view().substr(begin))) return Meaning::start;
  }
  // A piece closes more than it opens, unless it was cut again.
  JsonDepth depth;
  depth.scan(object);
  const bool full = cuts.contains(offer.bytes.size()) || cuts.contains(object.size());
  return depth.balanced() && !full ? Meaning::start : Meaning::continuation;
}

}  // namespace thorlog
