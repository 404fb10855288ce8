// A batch: some records in the very form in which they lie on the disk (docs/journal-format.md), with a reference
// count. A worker fills it, the log thread gives it its place, then it never changes and any thread may read it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "journal/checksum.h"
#include "thorlog/record.h"
#include "thorlog/record_hint.h"

namespace thorlog {

inline constexpr std::size_t kBatchHeaderSize = 64;
inline constexpr std::size_t kRecordHeaderSize = 40;
inline constexpr std::size_t kBatchBytes = 256U << 10;   // of a usual batch: small enough to stay in a core's cache
inline constexpr std::size_t kMaxBatchBytes = 1U << 30;  // a record must fit; far above any max_message

class Batch;
class BatchMemory;

// Counts references; the last one gives the memory back to the pool it came from.
class BatchRef {
 public:
  BatchRef() = default;
  explicit BatchRef(Batch* batch) noexcept : batch_(batch) {}  // takes over one reference
  BatchRef(const BatchRef& other) noexcept;
  BatchRef(BatchRef&& other) noexcept : batch_(std::exchange(other.batch_, nullptr)) {}
  BatchRef& operator=(BatchRef other) noexcept {
    std::swap(batch_, other.batch_);
    return *this;
  }
  ~BatchRef();

  explicit operator bool() const noexcept { return batch_ != nullptr; }
  Batch* operator->() const noexcept { return batch_; }
  Batch& operator*() const noexcept { return *batch_; }

 private:
  Batch* batch_ = nullptr;
};

// Keeps some emptied batches for the next use, last used first, so that their memory stays warm. Any thread. May go
// before the batches that came from it.
class BatchPool {
 public:
  explicit BatchPool(std::size_t batch_bytes = kBatchBytes, std::size_t keep = 64);
  ~BatchPool();
  BatchPool(const BatchPool&) = delete;
  BatchPool& operator=(const BatchPool&) = delete;

 private:
  friend class Batch;
  struct Core;
  Core* core_;
};

class Batch {
 public:
  // A batch with room for `capacity` bytes of records; grows when a single record needs more.
  static BatchRef make(std::size_t capacity, std::uint64_t checksum_seed);
  static BatchRef make(BatchPool& pool, std::uint64_t checksum_seed);

  // Worker: adds a record at the end (views are copied). False: no room, and the batch isn't empty; hand it over
  // first. Either each record of a batch comes with a hint, or none does.
  bool add(const Record& record);
  bool add(const Record& record, const RecordHint& hint);

  std::uint32_t count() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  // Header and records; the header is only valid once the log thread has placed the batch.
  std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
  std::size_t capacity() const noexcept { return capacity_; }  // bytes of memory that it keeps
  const Checksum& checksum() const noexcept { return checksum_; }
  // True when a record of it is damaged (it was read from a disk): BatchReader then looks at each checksum.
  bool doubtful() const noexcept { return doubtful_; }

  // Valid once placed. Offset and sequence number of the first record; log time.
  std::uint16_t partition() const noexcept { return partition_; }
  std::uint64_t base_offset() const noexcept { return base_offset_; }
  std::uint64_t base_seq() const noexcept { return base_seq_; }
  std::uint64_t end_offset() const noexcept { return base_offset_ + size_; }
  std::uint64_t end_seq() const noexcept { return base_seq_ + count_; }
  std::int64_t stored() const noexcept { return stored_; }
  // Earliest and latest `received`; known in batches that were filled here, not in those read from a disk.
  std::int64_t min_received() const noexcept { return min_received_; }
  std::int64_t max_received() const noexcept { return max_received_; }
  // One for each record, in their order; empty: the batch has none.
  std::span<const RecordHint> hints() const noexcept { return hints_; }

  // Log thread, once: gives it its place and fills in the header.
  void place(std::uint16_t partition, std::uint64_t offset, std::uint64_t seq, std::int64_t stored,
             std::uint64_t life);
  // A placed batch inside memory that was read from a segment: `at` bytes in, where a sound header lies. Shares the
  // memory. Only `size` bytes of it are there, and only its first `count` records count.
  static BatchRef inside(BatchMemory& memory, std::size_t at, std::size_t size, std::uint32_t count,
                         const Checksum& checksum, bool doubtful);

 private:
  friend class BatchRef;
  friend class BatchPool;
  explicit Batch(const Checksum& checksum) : checksum_(checksum) {}
  ~Batch();
  static void release(Batch* batch) noexcept;
  void reset(std::uint64_t checksum_seed) noexcept;
  void grow(std::size_t capacity);

  BatchMemory* memory_ = nullptr;  // one reference
  std::byte* data_ = nullptr;      // into memory_
  std::size_t size_ = kBatchHeaderSize;
  std::size_t capacity_ = 0;
  std::uint32_t count_ = 0;
  std::uint16_t partition_ = 0;
  bool doubtful_ = false;
  std::uint64_t base_offset_ = 0;
  std::uint64_t base_seq_ = 0;
  std::int64_t stored_ = 0;
  std::int64_t min_received_ = std::numeric_limits<std::int64_t>::max();
  std::int64_t max_received_ = std::numeric_limits<std::int64_t>::min();
  std::atomic<std::uint32_t> references_{1};
  BatchPool::Core* pool_ = nullptr;
  Checksum checksum_;
  std::vector<RecordHint> hints_;
};

// Walks through the records of a placed batch. A record whose checksum is wrong is skipped and counted.
class BatchReader {
 public:
  // Checksums of batches from the disk were looked at when they were read; `verify` looks again.
  explicit BatchReader(const Batch& batch, bool verify = false) noexcept;
  // Views are valid as long as the batch; `pieces` until the next call.
  bool next(Record& record);
  // The same without attributes: only raw, kind, format, level, priority, flags, input, parts and received are set,
  // the rest of `record` stays as it is. For who looks at no more.
  bool next_line(Record& record);
  // All of the record that next_line() gave. False: it is damaged, and counted.
  bool read_fields(Record& record);
  // What comes next is the record with this number within the batch, which begins there.
  void go_to(std::uint32_t index, std::size_t at) noexcept { index_ = index, at_ = at; }
  // Of the record that next() gave: its offset (the id) and number.
  std::uint64_t offset() const noexcept { return offset_; }
  std::uint64_t seq() const noexcept { return seq_; }
  std::uint64_t damaged() const noexcept { return damaged_; }

 private:
  std::span<const std::byte> next_sound();

  const Batch* batch_;
  bool verify_;
  std::size_t at_ = kBatchHeaderSize;
  std::span<const std::byte> current_;
  std::uint32_t index_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t seq_ = 0;
  std::uint64_t damaged_ = 0;
  std::vector<Piece> pieces_;
};

}  // namespace thorlog
