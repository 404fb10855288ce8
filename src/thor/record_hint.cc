#include "thorlog/record_hint.h"

#include <algorithm>
#include <cstring>

#include "base/peer_address.h"
#include "thor/scan_key.h"

namespace thorlog {
namespace {

std::uint64_t head_of(std::string_view text) noexcept {
  std::uint64_t head = 0;
  std::memcpy(&head, text.data(), std::min(text.size(), sizeof head));
  return head;
}

}  // namespace

RecordHint hint_of(const Record& record, std::uint32_t sender) noexcept {
  const Event& event = record.event;
  RecordHint hint;
  hint.key = name_hash(event.canonical_host);
  hint.level = event.level;
  hint.input = record.input;
  hint.stream = record.stream;
  hint.sender = sender;
  hint.received = record.received;
  hint.is_thor = event.kind == Kind::thor;
  if (!hint.is_thor) return hint;
  hint.key = scan_hash(event.scan_id, hint.key);
  if (!event.module.empty()) hint.module = name_hash(event.module);
  if (!event.message.empty()) hint.head = head_of(event.message);
  if ((event.flags & flag::clock_skew) == 0) hint.stamp = event.timestamp;
  hint.grouped = !event.group_id.empty();
  hint.ordinary = (event.flags & kDoubtfulOrOld) == 0 && sender != 0 && !event.host.empty() &&
                  !event.canonical_host.empty() && !event.scan_id.empty() && may_be_tracked(event.scan_id);
  return hint;
}

std::uint32_t sender_hash(std::string_view peer) noexcept {
  if (peer.empty()) return 0;
  const auto hash = static_cast<std::uint32_t>(name_hash(peer_address(peer)));
  return hash != 0 ? hash : 1;
}

std::uint64_t name_hash(std::string_view name) noexcept { return XXH3_64bits(name.data(), name.size()); }

}  // namespace thorlog
