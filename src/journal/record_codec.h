// Records as bytes: a header of 40 bytes, attributes (type, length, value), the raw line, padding to 8
// (docs/journal-format.md). Pure functions, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "journal/checksum.h"
#include "thorlog/record.h"

namespace thorlog {

// The most bytes that encode_record() will use for it; a multiple of 8.
std::size_t encoded_bound(const Record& record) noexcept;

// Writes the record with its checksum to `to`, which has room for encoded_bound() bytes. Gives the bytes used.
std::size_t encode_record(const Record& record, const Checksum& checksum, std::byte* to) noexcept;

// The length of the record at the front of `bytes`; 0 when no record can begin here (too short, lengths that
// contradict each other). Does not look at the checksum.
std::size_t record_length(std::span<const std::byte> bytes) noexcept;

// True when the checksum of a record is right; `bytes` is exactly the record, as record_length() says.
bool is_record_sound(std::span<const std::byte> bytes, const Checksum& checksum) noexcept;

// Reads a record; `bytes` is exactly the record. Views point into `bytes`, record.pieces into `pieces`. All bounds
// are checked: what lies on a disk may be hostile. False: its attributes make no sense.
bool decode_record(std::span<const std::byte> bytes, Record& record, std::vector<Piece>& pieces);

// The same without its attributes: raw, kind, format, level, priority, flags, input, parts and received are set,
// everything else is left as it was.
bool decode_line(std::span<const std::byte> bytes, Record& record) noexcept;

}  // namespace thorlog
