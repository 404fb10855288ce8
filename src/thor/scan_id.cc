#include "thor/scan_id.h"

#include <array>
#include <cstring>

namespace thorlog {
namespace {

enum : std::uint8_t { kControl = 1, kBlank = 2 };
constexpr std::array<std::uint8_t, 256> kIdBytes = [] {
  std::array<std::uint8_t, 256> table{};
  for (std::size_t n = 0; n < 0x20; ++n) table[n] = kControl;
  table[0x7f] = kControl;
  table[' '] = kBlank;
  return table;
}();

enum Position : std::uint8_t { unknown = 0, module = 1, message = 2, end = 3 };

// A THOR that has just started tells where its ids stand; nothing scanned is in such lines.
bool is_banner(const Event& event) noexcept {
  return event.level == Level::info && (event.module == "Startup" || event.module == "Init");
}

}  // namespace

void ScanMemory::remember(std::string_view id) noexcept {
  if (id.empty() || id.size() > sizeof id_ || id == open_scan()) return;
  std::memcpy(id_, id.data(), id.size());
  length_ = static_cast<std::uint8_t>(id.size());
}

bool is_scan_id(std::string_view id, bool blanks) noexcept {
  if (id.empty() || id.size() > kLongestScanId) return false;
  const std::uint8_t bad = blanks ? kControl : kControl | kBlank;
  std::uint8_t found = 0;
  for (const char c : id) found |= kIdBytes[static_cast<unsigned char>(c)];
  return (found & bad) == 0;
}

void choose_scan_id(const ScanIdPlaces& places, const ParseContext& context, Event& event) {
  ScanMemory* const memory = context.memory;
  const std::string_view open = memory != nullptr ? memory->open_scan() : std::string_view();
  const std::uint8_t learnt = memory != nullptr ? memory->position() : std::uint8_t{unknown};

  // The first two places come before anything that was scanned; the last one is where a scanned name may end.
  const std::string_view sure = !places.after_module.empty() ? places.after_module : places.after_message;
  const bool differ =
      (!places.after_module.empty() && !places.after_message.empty() && places.after_module != places.after_message) ||
      (!sure.empty() && !places.last.empty() && places.last != sure);

  if (differ) {
    if (!open.empty() && (open == places.after_module || open == places.after_message || open == places.last)) {
      event.scan_id = open == places.after_module    ? places.after_module
                      : open == places.after_message ? places.after_message
                                                     : places.last;
      return;
    }
    event.scan_id = learnt == end && !places.last.empty()                  ? places.last
                    : learnt == message && !places.after_message.empty() ? places.after_message
                                                                           : sure;
    event.flags |= flag::ambiguous;
    return;
  }
  std::string_view id = sure;
  if (id.empty() && !places.last.empty()) {
    // This stream writes its ids elsewhere: what stands at the end is a part of the last value.
    if ((learnt == module || learnt == message) && places.last != open) return;
    id = places.last;
  }
  if (id.empty()) {
    if (places.open_elsewhere) event.scan_id = open;
    return;
  }
  event.scan_id = id;
  if (memory == nullptr || context.cut) return;
  if (!places.after_module.empty()) {
    memory->learn_position(module);
  } else if (!places.after_message.empty()) {
    // At the end of a line without fields both places are the same.
    if (places.last.data() != places.after_message.data()) memory->learn_position(message);
  } else if (is_banner(event)) {
    memory->learn_position(end);
  }
  memory->remember(id);
}

}  // namespace thorlog
