// A record as it stands in the journal, with the names that the journal keeps as numbers: what outputs match, encode
// and show. A view: it owns nothing and is valid as long as what it was made from.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "thorlog/record.h"

namespace thorlog {

struct StoredRecord {
  const Record& record;
  std::uint16_t partition = 0;
  std::uint64_t offset = 0;  // with the partition: the id
  std::uint64_t seq = 0;
  std::string_view journal_id;    // UUID of the journal, as text
  std::string_view input_name;    // configured name of the input; "internal" for our own records
  std::string_view asset;         // from the asset table; empty: the canonical host is the asset
  std::uint32_t extra_flags = 0;  // flag:: bits of this delivery, not of the record: replayed
  bool made = false;              // not as it stands in the journal's batch: its bytes live no longer than the call

  std::uint32_t flags() const noexcept { return record.event.flags | extra_flags; }
  // The journal_id and id that the thorlogd which took the line in gave it, when that was another: it stays the same
  // wherever the record goes (Record::origin, behind ';'). Empty views otherwise.
  std::pair<std::string_view, std::string_view> first_id() const noexcept {
    const std::size_t at = record.origin.find(';');
    if (at == std::string_view::npos) return {};
    const std::string_view both = record.origin.substr(at + 1);
    const std::size_t slash = both.find('/');
    if (slash == std::string_view::npos) return {};
    return {both.substr(0, slash), both.substr(slash + 1)};
  }
  std::string_view asset_or_host() const noexcept { return asset.empty() ? record.event.canonical_host : asset; }
};

}  // namespace thorlog
