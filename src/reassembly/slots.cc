// The header hosts of a stream, and what their lines teach.
#include <algorithm>
#include <bit>
#include <cstring>

#include "reassembly/relay_header.h"
#include "reassembly/state.h"
#include "thor/host_name.h"

namespace thorlog {
namespace {

// With what the allocator, the list and the index take beside it.
constexpr std::size_t kSlotCost = sizeof(Slot) + 40;

std::uint32_t hash_of(std::string_view host) noexcept {
  std::uint64_t hash = 0x9E3779B97F4A7C15U ^ host.size();
  std::size_t at = 0;
  for (; at + 8 <= host.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, host.data() + at, 8);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93U;
    hash ^= hash >> 32;
  }
  std::uint64_t rest = 0;
  if (at < host.size()) std::memcpy(&rest, host.data() + at, host.size() - at);
  hash = (hash ^ rest) * 0xD6E8FEB86659FD93U;
  return static_cast<std::uint32_t>(hash >> 32);
}

// Enters others[place] into the index, which has room.
void put_in_index(Reassembler::Stream& stream, std::size_t place) noexcept {
  const std::size_t mask = stream.index.size() - 1;
  std::size_t at = stream.others[place]->hash & mask;
  while (stream.index[at] != 0) at = (at + 1) & mask;
  stream.index[at] = static_cast<std::uint16_t>(place + 1);
}

void make_room_in_index(Reassembler::Stream& stream) {
  const std::size_t count = stream.others.size();
  if (count * 2 <= stream.index.size()) return;
  stream.index.assign(std::bit_ceil(count * 4), 0);
  for (std::size_t place = 0; place + 1 < count; ++place) put_in_index(stream, place);  // all but the one to come
}

// Takes others[place] out of the index; those behind it move up, so that no search stops short of them.
void take_from_index(Reassembler::Stream& stream, std::size_t place) noexcept {
  const std::size_t mask = stream.index.size() - 1;
  std::size_t hole = stream.others[place]->hash & mask;
  while (stream.index[hole] != place + 1) hole = (hole + 1) & mask;
  for (std::size_t at = (hole + 1) & mask; stream.index[at] != 0; at = (at + 1) & mask) {
    const std::size_t home = stream.others[stream.index[at] - 1U]->hash & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    stream.index[hole] = stream.index[at];
    hole = at;
  }
  stream.index[hole] = 0;
}

Slot& slot_at(Reassembler::Stream& stream, std::size_t index) noexcept {
  return index == 0 ? stream.first : *stream.others[index - 1];
}

}  // namespace

Slot* Reassembler::State::find_slot(Stream& stream, std::string_view host) noexcept {
  if (stream.last != nullptr && stream.last->is_host(host)) return stream.last;
  if (stream.first_used && stream.first.is_host(host)) return &stream.first;
  if (stream.others.empty()) return nullptr;
  const std::uint32_t hash = hash_of(host);
  const std::size_t mask = stream.index.size() - 1;
  for (std::size_t at = hash & mask; stream.index[at] != 0; at = (at + 1) & mask) {
    Slot& slot = *stream.others[stream.index[at] - 1U];
    if (slot.hash == hash && slot.is_host(host)) return &slot;
  }
  return nullptr;
}

Slot& Reassembler::State::slot_for(Stream& stream, std::string_view host, LineSink& sink) {
  Slot* slot = find_slot(stream, host);
  if (slot == nullptr) slot = &new_slot(stream, host, sink);
  slot->used = stream.frames;
  stream.last = slot;
  return *slot;
}

// A slot that was not used for a while. A hand goes round the slots from where it stood, since a relay with thousands
// of senders asks this for nearly every line. Index 0 is the stream's first slot. One that holds a head goes only
// when all do, and then without it.
std::size_t Reassembler::State::free_slot(Stream& stream, LineSink& sink) {
  const std::size_t count = stream.others.size() + 1;
  std::size_t idle = count;
  std::size_t oldest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    stream.hand = stream.hand + 1 < count ? stream.hand + 1 : 0;
    const Slot& slot = slot_at(stream, stream.hand);
    if (slot.used < slot_at(stream, oldest).used) oldest = stream.hand;
    if (slot.held != nullptr) continue;
    if (stream.frames - slot.used > count) return stream.hand;
    if (idle == count || slot.used < slot_at(stream, idle).used) idle = stream.hand;
  }
  if (idle != count) return idle;
  release(*slot_at(stream, oldest).held, Why::budget, sink);
  return oldest;
}

// The first slot of a stream is free of charge; others are paid from the budget, or take the place of another.
Slot& Reassembler::State::new_slot(Stream& stream, std::string_view host, LineSink& sink) {
  if (!stream.first_used) {
    stream.first_used = true;
    stream.first.set_host(host);
    return stream.first;
  }
  const std::size_t cost = kSlotCost + (host.size() > sizeof(Slot::host_begin) ? sizeof(SlotExtra) + host.size() : 0);
  if (stream.others.size() + 1 < kMostSlots && holdings.try_take(*stream.peer, cost)) {
    stream.others.push_back(std::make_unique<Slot>());
    Slot& slot = *stream.others.back();
    slot.charge = static_cast<std::uint32_t>(cost);
    slot.hash = hash_of(host);
    slot.set_host(host);
    make_room_in_index(stream);
    put_in_index(stream, stream.others.size() - 1);
    return slot;
  }
  const std::size_t index = free_slot(stream, sink);
  Slot& slot = slot_at(stream, index);
  if (stream.cut_slot == &slot) stream.cut_slot = nullptr;
  if (stream.multiline != nullptr && stream.multiline->slot == &slot) stream.multiline->slot = nullptr;
  if (index != 0) take_from_index(stream, index - 1);
  slot.forget();
  slot.hash = hash_of(host);
  slot.set_host(host);
  if (index != 0) put_in_index(stream, index - 1);
  return slot;
}

void Reassembler::State::learn_start(Stream& stream, Slot& slot, const Offer& offer) {
  const Start& start = offer.start;
  slot.known = slot.known || start.is_strong() || slot.seen_weak;
  slot.seen_weak = true;
  slot.plain_priority = is_plain_priority(start.priority);
  if (start.rule == StartRule::s5 || start.rule == StartRule::s6) stream.thor_only = false;
  if (start.extra_length > 0) {
    const std::string_view word = offer.bytes.substr(start.extra_at, start.extra_length);
    if (slot.relay_word() != word) slot.more().relay_word = word.substr(0, 300);
  }
}

// R8: a piece with a made-up header came behind a line that had left. Twice behind lines of one length: that is where
// they are cut.
void Reassembler::State::learn_cut(Stream& stream) {
  Slot* slot = stream.cut_slot;
  stream.cut_slot = nullptr;
  if (!options.learn || slot == nullptr || is_cut_size(stream.cut_size, *slot)) return;
  SlotExtra& extra = slot->more();
  if (extra.suspected != stream.cut_size) {
    extra.suspected = stream.cut_size;
    return;
  }
  extra.learnt[slot->learnt_count % extra.learnt.size()] = stream.cut_size;
  if (slot->learnt_count < extra.learnt.size()) ++slot->learnt_count;
  extra.suspected = 0;
}

// By its own header, or by what a relay put before that one.
bool Reassembler::State::is_sender_of(const Held& head, std::string_view word) noexcept {
  if (word.empty()) return false;
  const HostParts parts = split_host(host_of(head.text.view(), head.start));
  return word == parts.host || word == parts.ip || word == head.slot->relay_word();
}

// R2: the words by which a relay may call the sender of this head.
bool Reassembler::State::names_sender(const Stream& stream, const Held& head, std::string_view word) noexcept {
  if (word.empty()) return false;
  if (word == stream.address || is_sender_of(head, word)) return true;
  if (stream.first.relay_word() == word) return true;
  return std::any_of(stream.others.begin(), stream.others.end(),
                     [&](const auto& slot) { return slot->relay_word() == word; });
}

}  // namespace thorlog
