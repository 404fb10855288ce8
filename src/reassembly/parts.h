// A set of numbered parts that is not complete yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wire/part_marker.h"

namespace thorlog {

// One piece of what is held, in the order of arrival.
struct HeldPiece {
  std::uint32_t length = 0;
  std::uint32_t delay_ms = 0;
  std::uint32_t stripped_at = 0;  // within Held::stripped
  std::uint32_t stripped_length = 0;
};

struct PartSet {
  struct Part {
    std::uint32_t number = 0;
    std::size_t at = 0, length = 0;  // of the payload within the text that is held
    std::size_t row = 0;             // in Held::pieces
  };

  explicit PartSet(const PartMarker& marker)
      : id(marker.id), of(marker.of), encoded(marker.encoded), bytes(marker.bytes) {}

  // Whether a part with this marker, and this id, can belong here.
  bool agrees(const PartMarker& marker) const noexcept {
    return marker.of == of && marker.encoded == encoded && marker.bytes == bytes;
  }
  const Part* find(std::uint32_t number) const noexcept;
  void add(const PartMarker& marker, std::size_t at, std::size_t length, std::string_view front);

  bool complete() const noexcept { return parts.size() == of; }
  // Parts are missing in front of one that came.
  bool has_gap() const noexcept { return !parts.empty() && parts.back().number != parts.size(); }
  // The joined line, with kReadAhead bytes behind it. `rows` become the pieces in the order of the parts.
  std::string join(std::string_view text, const std::vector<HeldPiece>& arrived, std::vector<HeldPiece>& rows) const;
  // The line is what its sender said it was.
  bool exact(std::string_view raw) const noexcept;

  std::string id;
  std::uint32_t of = 0;
  bool encoded = false;
  std::uint64_t bytes = 0;
  bool has_sum = false;
  std::uint64_t sum = 0;
  std::string header;       // plain payloads: what stood around the marker of the first part
  std::vector<Part> parts;  // by number
};

}  // namespace thorlog
