// One segment file: made with its space reserved, filled, sealed with a footer, removed. journal/pNN/<base>.seg
// (docs/journal-format.md). Functions on files; who calls them from which thread is the journal's business.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "base/file.h"
#include "journal/checksum.h"
#include "journal/layout.h"

namespace thorlog {

// What we know of a segment. Those in the journal's list are guarded by its mutex.
struct Segment {
  std::string path;
  std::uint16_t partition = 0;
  std::uint64_t base = 0;
  std::uint64_t reserved = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t previous_end_seq = 0;
  std::uint64_t end = 0;  // offset behind the last batch
  std::uint64_t end_seq = 0;
  std::uint64_t records = 0;  // sound ones; fewer than end_seq - first_seq after damage
  std::int64_t min_time = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_time = std::numeric_limits<std::int64_t>::min();
  std::int64_t last_stored = 0;
  std::int64_t created = 0;
  bool sealed = false;
  std::uint64_t disk_bytes = 0;
  std::uint64_t known_damage = 0;  // numbers in it that can't be read: counted at recovery or by readers
  std::uint64_t noted_damage = 0;  // those that readers met

  bool empty() const noexcept { return end_seq == first_seq; }
};

std::string segment_name(std::uint64_t base);                              // "00000000000067108864.seg"
std::optional<std::uint64_t> base_of_segment_name(std::string_view name);  // nothing: no segment's name

// Makes the file with its space and its header, and returns when both and the folder's entry are on the disk. On an
// error nothing is left behind (as far as the disk lets us).
Result<std::shared_ptr<File>> create_segment(FileSystem& files, const std::string& folder,
                                             const SegmentHeader& header);

// Writes a new header over the first one. Not synced: both are right.
Status rewrite_header(File& file, const SegmentHeader& header);

// Syncs the batches, then writes and syncs the footer and gives back the space behind it: where a footer is,
// everything before it is on the disk. Sets `sealed` and `disk_bytes`.
Status seal_segment(File& file, Segment& segment, const Checksum& checksum);

// Nothing: no sound header (or footer) there. Errors: io.
Result<std::optional<SegmentHeader>> read_header(const File& file, const Checksum& checksum);
Result<std::optional<SegmentFooter>> read_footer(const File& file, std::uint64_t base, const Checksum& checksum);

}  // namespace thorlog
