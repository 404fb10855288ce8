#include "thorlog/record_hint.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "base/peer_address.h"
#include "thor/lex.h"

namespace thorlog {
namespace {

// What the watch does not take for a plain line of a scan, whatever it says.
constexpr std::uint32_t kDoubtful = flag::ambiguous | flag::orphan | flag::split | flag::replayed;
constexpr std::size_t kLongestId = 256;

std::uint64_t head_of(std::string_view text) noexcept {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), std::min(text.size(), sizeof head));
  return head;
}

}  // namespace

RecordHint hint_of(const Record& record, std::uint32_t sender) noexcept {
  const Event& event = record.event;
  RecordHint hint;
  hint.key = XXH3_64bits(event.canonical_host.data(), event.canonical_host.size());
  hint.level = event.level;
  hint.input = record.input;
  hint.stream = record.stream;
  hint.sender = sender;
  hint.received = record.received;
  hint.is_thor = event.kind == Kind::thor;
  if (!hint.is_thor) return hint;
  hint.key = XXH3_64bits_withSeed(event.scan_id.data(), event.scan_id.size(), hint.key);
  if (!event.module.empty()) hint.module = XXH3_64bits(event.module.data(), event.module.size());
  if (!event.message.empty()) hint.head = head_of(event.message);
  if ((event.flags & flag::clock_skew) == 0) hint.stamp = event.timestamp;
  hint.grouped = !event.group_id.empty();
  hint.ordinary = (event.flags & kDoubtful) == 0 && sender != 0 && !event.host.empty() &&
                  !event.canonical_host.empty() && !event.scan_id.empty() && event.scan_id.size() <= kLongestId &&
                  !lex::equal_ignoring_case(event.scan_id, "thunderstorm");
  return hint;
}

std::uint32_t sender_hash(std::string_view peer) noexcept {
  if (peer.empty()) return 0;
  const auto hash = static_cast<std::uint32_t>(name_hash(peer_address(peer)));
  return hash != 0 ? hash : 1;
}

std::uint64_t name_hash(std::string_view name) noexcept { return XXH3_64bits(name.data(), name.size()); }

}  // namespace thorlog
