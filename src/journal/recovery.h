// What is left in the segment files at start (specs.md 1, Recovery): sealed segments by their header and footer, open
// ones batch by batch; torn tails are cut, damage is skipped and counted, and both are copied to the quarantine. May
// be interrupted at any step and simply begun again. Before any other thread runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "journal/checksum.h"
#include "journal/segment.h"
#include "thorlog/result.h"

namespace thorlog {

struct Recovered {
  std::vector<std::shared_ptr<Segment>> segments;  // by base; all sealed
  std::uint64_t next_base = 0;                     // offsets below it may have been given out
  std::uint64_t end_seq = 1;                       // behind the last record
  std::int64_t last_stored = 0;
  std::uint64_t damaged = 0;  // records that are numbered and can't be read
};

// `folder`: journal/pNN. `usual_bytes`: what a segment reserves, for one whose header can't be read. Errors: io,
// disk_full.
Result<Recovered> recover(FileSystem& files, const std::string& folder, const std::string& quarantine,
                          std::uint16_t partition, const Uuid& journal_id, const Checksum& checksum,
                          std::uint64_t usual_bytes);

// The journal_id in the newest sound segment header; for a journal whose JOURNAL file is lost. Zeros: none.
Result<Uuid> find_journal_id(FileSystem& files, const std::string& folder);
Result<bool> has_segments(FileSystem& files, const std::string& folder);

// What a batch of `bytes` (the file may end inside it) still holds. `sound`: records with the right checksum; `last`:
// the number of records up to the last sound one.
struct BatchContent {
  std::uint32_t sound = 0;
  std::uint32_t last = 0;
  std::int64_t min_received = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_received = std::numeric_limits<std::int64_t>::min();
};
BatchContent inspect_batch(std::span<const std::byte> bytes, std::uint32_t count, const Checksum& checksum) noexcept;

}  // namespace thorlog
