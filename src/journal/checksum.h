// The journal's checksums: XXH3-64 seeded by the journal's own id, so that bytes of another journal (an old disk, a
// copied file) never look sound here. Any thread; immutable once made.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace thorlog {

class Checksum {
 public:
  explicit Checksum(std::uint64_t seed = 0) noexcept;
  // The seed of a journal: XXH3-64 of the 16 bytes of its id.
  static std::uint64_t seed_of(std::span<const std::byte> journal_id) noexcept;

  std::uint64_t seed() const noexcept { return seed_; }
  // XXH3_64bits_withSeed(data, size, seed).
  std::uint64_t of(const void* data, std::size_t size) const noexcept;
  // Of a record: its first 32 bytes, seeded by the hash of what lies behind the checksum's own 8 bytes. `bytes` is
  // the record's whole length, at least 40.
  std::uint64_t of_record(const void* record, std::size_t bytes) const noexcept;

 private:
  std::uint64_t seed_;
  alignas(64) std::array<unsigned char, 192> secret_;  // derived from the seed once instead of for each record
};

}  // namespace thorlog
