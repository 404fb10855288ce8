// Numbered parts of one line (wire/part_marker.h), in any order, with other lines between them.
#include "reassembly/parts.h"

#include <algorithm>

#include <xxhash.h>

#include "reassembly/state.h"
#include "thorlog/event.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostSets = 64;  // of one stream at a time

Held* find_set(Reassembler::Stream& stream, std::string_view id, std::size_t& sets) noexcept {
  sets = 0;
  for (Held* held = stream.held.front(); held != nullptr; held = stream.held.after(*held)) {
    if (held->kind != Held::Kind::parts) continue;
    ++sets;
    if (held->parts->id == id) return held;
  }
  return nullptr;
}

Held* oldest_set(Reassembler::Stream& stream) noexcept {
  Held* held = stream.held.front();
  while (held != nullptr && held->kind != Held::Kind::parts) held = stream.held.after(*held);
  return held;
}

// The first part's header without the marker; RFC 5424 wants a dash where no element is left.
std::string header_without_marker(const PartMarker& marker, std::string_view front) {
  const bool alone = marker.element_end + 1 >= front.size() && marker.at > 0 && front[marker.at - 1] == ' ';
  std::string header(front.substr(0, marker.at));
  if (alone) header += '-';
  header += front.substr(marker.element_end);
  return header;
}

}  // namespace

const PartSet::Part* PartSet::find(std::uint32_t number) const noexcept {
  const auto place =
      std::lower_bound(parts.begin(), parts.end(), number, [](const Part& part, auto n) { return part.number < n; });
  return place != parts.end() && place->number == number ? &*place : nullptr;
}

void PartSet::add(const PartMarker& marker, std::size_t at, std::size_t length, std::string_view front) {
  const std::size_t row = parts.size();
  const auto place = std::lower_bound(parts.begin(), parts.end(), marker.number,
                                      [](const Part& part, auto n) { return part.number < n; });
  parts.insert(place, {marker.number, at, length, row});
  if (marker.has_sum) {
    has_sum = true;
    sum = marker.sum;
  }
  if (!encoded && parts.front().number == marker.number) header = header_without_marker(marker, front);
}

std::string PartSet::join(std::string_view text, const std::vector<HeldPiece>& arrived,
                          std::vector<HeldPiece>& rows) const {
  std::string raw;
  raw.reserve(header.size() + text.size() + kReadAhead);
  if (!encoded) raw = header;
  for (const Part& part : parts) {
    const std::size_t before = rows.empty() ? 0 : raw.size();
    const std::string_view payload = text.substr(part.at, part.length);
    if (encoded) {
      decode_part(payload, raw);
    } else {
      raw += payload;
    }
    rows.push_back(arrived[part.row]);
    rows.back().length = static_cast<std::uint32_t>(raw.size() - before);
  }
  raw.append(kReadAhead, '\0');
  return raw;
}

bool PartSet::exact(std::string_view raw) const noexcept {
  if (!encoded) return true;
  return raw.size() == bytes && (!has_sum || XXH3_64bits(raw.data(), raw.size()) == sum);
}

// False: the frame is no part that is honoured.
bool Reassembler::State::take_part(Offer& offer) {
  PartMarker marker;
  if (offer.frame.flags != 0 || !find_part_marker(offer.bytes, marker)) return false;
  std::size_t sets = 0;
  Held* held = find_set(offer.stream, marker.id, sets);
  if (held != nullptr && !held->parts->agrees(marker)) return false;
  const std::string_view payload = offer.bytes.substr(marker.payload_at);
  if (held == nullptr) {
    if (sets >= kMostSets) release(*oldest_set(offer.stream), Why::too_long, offer.sink);
    held = keep(Held::Kind::parts, offer, payload.size());
    if (held == nullptr) return false;
    held->parts = std::make_unique<PartSet>(marker);
  }
  PartSet& set = *held->parts;

  if (const PartSet::Part* known = set.find(marker.number)) {
    if (held->text.view().substr(known->at, known->length) != payload) return false;
    count_in(*held);  // sent again
    touch(*held, offer.now);
    return true;
  }
  const bool too_long = held->text.size() + payload.size() > options.max_message;
  const std::size_t text = held->text.size();
  const std::string_view stripped = offer.bytes.substr(0, marker.payload_at);
  if (too_long || !append(*held, offer, stripped, {}, payload)) {
    if (held->frames == 0) {
      let_go(*held);
      return false;
    }
    release(*held, too_long ? Why::too_long : Why::budget, offer.sink);
    return false;
  }
  set.add(marker, text, payload.size(), stripped);
  if (set.complete()) release(*held, Why::complete, offer.sink);
  return true;
}

void Reassembler::State::release_parts(Held& held, Why why, LineSink& sink) {
  const std::unique_ptr<Held> owned = let_go(held);
  PartSet& set = *held.parts;
  std::vector<HeldPiece> in_order;
  const std::string raw = set.join(held.text.view(), held.pieces, in_order);
  held.pieces.swap(in_order);

  Line line;
  line.raw = std::string_view(raw.data(), raw.size() - kReadAhead);
  std::uint32_t flags = held.flags;
  if (held.pieces.size() > 1) flags |= flag::joined;
  if (why == Why::ended) flags |= flag::unterminated;
  if (why == Why::too_long) flags |= flag::oversize;
  if (!set.complete())
    flags |= flag::incomplete | (set.has_gap() ? flag::gap : 0);
  else if (!set.exact(line.raw))
    flags |= flag::lossy_possible;  // a relay changed what it carried

  line.flags = flags;
  line.start = test_start(line.raw);
  if (line.start.is_start()) {
    if (set.complete() && is_cut_by_scanner(line.raw, line.start)) line.flags |= flag::truncated;
    // Evicting must not move slots about: somebody is at work with one.
    const std::string_view host = host_of(line.raw, line.start);
    Slot* slot = why == Why::budget ? find_slot(*held.stream, host) : &slot_for(*held.stream, host, sink);
    if (slot != nullptr) line.memory = &slot->memory;
  }
  line.cut = (line.flags & (flag::incomplete | flag::truncated)) != 0;
  send(held, line, sink);
}

}  // namespace thorlog
