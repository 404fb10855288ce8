// The segment after the open one, made ahead by the keeper so that the log thread need not wait for the disk; and the
// reserve, a file of the same size that is turned into a segment when internal records find no other room.
// Used by the log thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/file.h"
#include "journal/keeper.h"
#include "journal/layout.h"
#include "journal/segment.h"
#include "thorlog/result.h"

namespace thorlog {

struct MadeSegment {
  std::shared_ptr<File> file;
  SegmentHeader header;
};

class NextSegment {
 public:
  NextSegment(FileSystem& files, Keeper& keeper, std::string folder);

  // Begins to make it. One at a time.
  void order(const SegmentHeader& header);
  bool ordered() const noexcept { return ordered_bytes_ > 0; }
  // Disk space that it takes, or will take.
  std::uint64_t bytes() const noexcept { return ordered_bytes_; }
  bool ready() const;  // take() would not wait; false when it failed
  // Waits for what was ordered. Errors: those of create_segment().
  Result<MadeSegment> take();
  // Removes what was ordered and is not needed.
  void discard();

  bool has_reserve() const noexcept { return reserve_bytes_ > 0; }
  std::uint64_t reserve_bytes() const noexcept { return reserve_bytes_; }
  // Makes the reserve, or finds it there.
  Status make_reserve(std::uint64_t bytes);
  // Turns it into a segment; header.reserved_bytes is set to its size.
  Result<MadeSegment> use_reserve(SegmentHeader header, const Checksum& checksum);

 private:
  struct Slot;
  std::string reserve_path() const { return folder_ + "/reserve"; }

  FileSystem& files_;
  Keeper& keeper_;
  const std::string folder_;
  std::shared_ptr<Slot> slot_;  // shared with the task that fills it
  std::uint64_t ordered_bytes_ = 0;
  std::string ordered_path_;
  std::uint64_t reserve_bytes_ = 0;
};

}  // namespace thorlog
