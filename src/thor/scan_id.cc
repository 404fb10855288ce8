#include "thor/scan_id.h"

#include <cstring>

#include "thor/lex.h"

namespace thorlog {
namespace {

enum Position : std::uint8_t { unknown = 0, module = 1, message = 2, end = 3, nowhere = 4 };

// A THOR that has just started tells where its ids stand; nothing scanned is in such lines.
bool is_banner(const Event& event) noexcept {
  return event.level == Level::info && (event.module == "Startup" || event.module == "Init");
}

// Candidates that contradict each other: the open scan's, else the one at the place where this stream writes its ids.
void choose_among(const ScanIdPlaces& places, std::string_view open, std::uint8_t learnt, Event& event) noexcept {
  const std::string_view all[] = {places.after_module, places.after_message, places.last};
  for (const std::string_view id : all)
    if (!open.empty() && id == open) {
      event.scan_id = id;
      return;
    }
  event.flags |= flag::ambiguous;
  if (learnt >= module && learnt <= end) event.scan_id = all[learnt - module];
  for (const std::string_view id : all)
    if (event.scan_id.empty()) event.scan_id = id;
}

// An id at the end and none before: THOR 10's place for it, or the end of the last value, which may be a stranger's
// text.
std::string_view judge_last(const ScanIdPlaces& places, std::string_view open, std::uint8_t learnt,
                            Event& event) noexcept {
  if (places.last == open) return places.last;
  if (learnt == nowhere) return {};
  if (places.seen == 1) return places.last;
  if (places.open_elsewhere) return open;
  if (learnt != end) event.flags |= flag::ambiguous;
  return places.last;
}

void teach(const ScanIdPlaces& places, const Event& event, ScanMemory& memory) noexcept {
  if (!places.after_module.empty()) {
    memory.learn_position(module);
  } else if (!places.after_message.empty()) {
    // At the end of a line without fields both places are the same.
    if (places.last.data() != places.after_message.data()) {
      memory.learn_position(message);
    } else if (memory.position() == nowhere && is_banner(event)) {
      memory.learn_position(unknown);
    }
  } else if (is_banner(event)) {
    memory.learn_position(end);
  }
  memory.remember(event.scan_id);
}

}  // namespace

void ScanMemory::remember(std::string_view id) noexcept {
  if (id.empty() || id.size() > sizeof id_ || id == open_scan()) return;
  std::memcpy(id_, id.data(), id.size());
  length_ = static_cast<std::uint8_t>(id.size());
}

bool is_scan_id(std::string_view id) noexcept {
  if (id.empty() || id.size() > kLongestScanId) return false;
  for (const char c : id)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

void choose_scan_id(const ScanIdPlaces& places, const ParseContext& context, Event& event) {
  ScanMemory* const memory = context.memory;
  const std::string_view open = memory != nullptr ? memory->open_scan() : std::string_view();
  const std::uint8_t learnt = memory != nullptr ? memory->position() : std::uint8_t{unknown};

  // The first two places come before anything that was scanned; the last one is where a scanned name may end.
  const std::string_view sure = !places.after_module.empty() ? places.after_module : places.after_message;
  const bool differ = (!places.after_module.empty() && !places.after_message.empty() &&
                       places.after_module != places.after_message) ||
                      (!sure.empty() && !places.last.empty() && places.last != sure);

  if (differ) {
    choose_among(places, open, learnt, event);
    return;
  }
  event.scan_id = sure;
  if (sure.empty() && !places.last.empty()) event.scan_id = judge_last(places, open, learnt, event);
  if (event.scan_id.empty() && places.open_elsewhere && learnt != nowhere) {
    event.scan_id = open;
    return;
  }
  if (memory == nullptr || context.cut || (event.flags & flag::ambiguous) != 0) return;
  if (event.scan_id.empty()) {
    // --noscanid: what looks like an id later is none.
    if (places.seen == 0 && is_banner(event) && lex::starts_with(event.message, "Thor Version"))
      memory->learn_position(nowhere);
    return;
  }
  teach(places, event, *memory);
}

}  // namespace thorlog
