// Which scan a line belongs to: the scan id from a place that only THOR itself writes to (specs 2, "Scan id").
#pragma once

#include <string_view>

#include "thor/lex.h"
#include "thorlog/thor.h"

namespace thorlog {

inline constexpr std::size_t kLongestScanId = 128;

// Not empty, not too long, no control characters.
bool is_scan_id(std::string_view id) noexcept;

// The same for a word of a line, which has kReadAhead readable bytes behind it.
inline bool is_scan_id_word(std::string_view id) noexcept {
  return !id.empty() && id.size() <= kLongestScanId && !lex::has_control_ahead(id);
}

// The candidates of one line by their places; empty: none there.
struct ScanIdPlaces {
  std::string_view after_module;
  std::string_view after_message;  // first key behind MESSAGE, a UID left aside
  std::string_view last;           // the line's last field
  unsigned seen = 0;               // SCANID keys in all, wherever they stand
  bool open_elsewhere = false;     // one of them has the id of the stream's open scan
};

// Sets event.scan_id, perhaps flag::ambiguous, and teaches the stream's memory.
void choose_scan_id(const ScanIdPlaces& places, const ParseContext& context, Event& event);

}  // namespace thorlog
