#include "journal/batch.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "base/prefetch.h"
#include "journal/batch_memory.h"
#include "journal/layout.h"
#include "journal/record_codec.h"
#include "thorlog/result.h"

namespace thorlog {

static_assert(kBatchHeaderSize == sizeof(BatchHeader) && kRecordHeaderSize == sizeof(RecordHeader));

namespace {

constexpr std::size_t kAhead = 768;  // of a batch: about a record

// Other cores have read this memory; it comes back before it is needed.
void fetch_for_writing(const std::byte* memory, std::size_t bytes) noexcept {
  for (std::size_t at = 0; at < bytes; at += 64) prefetch(memory + at);
}

}  // namespace

// Lives until the pool and the last of its batches are gone.
struct BatchPool::Core {
  Core(std::size_t bytes, std::size_t keep) : batch_bytes(bytes), most(keep) { free.reserve(keep); }

  const std::size_t batch_bytes;
  const std::size_t most;
  std::atomic<std::uint32_t> references{1};
  std::mutex mutex;          // guards what follows
  std::vector<Batch*> free;  // the one used last at the end
  bool closed = false;

  static void release(Core* core) noexcept {
    if (core->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete core;
  }
  Batch* take() noexcept {
    const std::lock_guard lock(mutex);
    if (free.empty()) return nullptr;
    Batch* const batch = free.back();
    free.pop_back();
    return batch;
  }
  bool give_back(Batch* batch) noexcept {
    const std::lock_guard lock(mutex);
    if (closed || free.size() >= most) return false;
    free.push_back(batch);
    return true;
  }
};

BatchPool::BatchPool(std::size_t batch_bytes, std::size_t keep)
    : core_(new Core(std::min(round_up(batch_bytes, 8), kMaxBatchBytes), keep)) {}

BatchPool::~BatchPool() {
  std::vector<Batch*> free;
  {
    const std::lock_guard lock(core_->mutex);
    core_->closed = true;
    free.swap(core_->free);
  }
  for (Batch* batch : free) delete batch;
  Core::release(core_);
}

BatchRef::BatchRef(const BatchRef& other) noexcept : batch_(other.batch_) {
  if (batch_ != nullptr) batch_->references_.fetch_add(1, std::memory_order_relaxed);
}

BatchRef::~BatchRef() {
  if (batch_ != nullptr && batch_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) Batch::release(batch_);
}

Batch::~Batch() { BatchMemory::release(memory_); }

void Batch::release(Batch* batch) noexcept {
  BatchPool::Core* const pool = std::exchange(batch->pool_, nullptr);
  // One that grew goes back to the system: a single huge line must not stay in the books for ever.
  const bool kept = pool != nullptr && batch->capacity_ == pool->batch_bytes && pool->give_back(batch);
  if (!kept) delete batch;
  if (pool != nullptr) BatchPool::Core::release(pool);
}

BatchRef Batch::make(std::size_t capacity, std::uint64_t checksum_seed) {
  BatchRef batch(new Batch(Checksum(checksum_seed)));
  batch->grow(kBatchHeaderSize + round_up(capacity, 8));
  return batch;
}

BatchRef Batch::make(BatchPool& pool, std::uint64_t checksum_seed) {
  Batch* batch = pool.core_->take();
  if (batch == nullptr) {
    batch = new Batch(Checksum(checksum_seed));
    batch->grow(pool.core_->batch_bytes);
  } else {
    batch->reset(checksum_seed);
  }
  batch->pool_ = pool.core_;
  pool.core_->references.fetch_add(1, std::memory_order_relaxed);
  return BatchRef(batch);
}

void Batch::reset(std::uint64_t checksum_seed) noexcept {
  if (checksum_.seed() != checksum_seed) checksum_ = Checksum(checksum_seed);
  size_ = kBatchHeaderSize;
  count_ = 0;
  hints_.clear();
  partition_ = 0;
  doubtful_ = false;
  base_offset_ = 0;
  base_seq_ = 0;
  stored_ = 0;
  min_received_ = std::numeric_limits<std::int64_t>::max();
  max_received_ = std::numeric_limits<std::int64_t>::min();
  references_.store(1, std::memory_order_relaxed);
}

void Batch::grow(std::size_t capacity) {
  THORLOG_ASSERT(capacity <= kMaxBatchBytes);
  BatchMemory::release(std::exchange(memory_, BatchMemory::make(capacity)));
  data_ = memory_->data();
  capacity_ = capacity;
}

bool Batch::add(const Record& record) {
  const std::size_t bound = encoded_bound(record);
  if (bound > capacity_ - size_) {
    if (count_ > 0) return false;
    grow(kBatchHeaderSize + bound);
  }
  size_ += encode_record(record, checksum_, data_ + size_);
  ++count_;
  fetch_for_writing(data_ + size_, std::min(kAhead, capacity_ - size_));
  min_received_ = std::min(min_received_, record.received);
  max_received_ = std::max(max_received_, record.received);
  return true;
}

bool Batch::add(const Record& record, const RecordHint& hint) {
  const std::size_t at = size_;
  if (!add(record)) return false;
  hints_.push_back(hint);
  hints_.back().at = static_cast<std::uint32_t>(at);
  return true;
}

void Batch::place(std::uint16_t partition, std::uint64_t offset, std::uint64_t seq, std::int64_t stored,
                  std::uint64_t life) {
  THORLOG_ASSERT(count_ > 0);
  partition_ = partition;
  base_offset_ = offset;
  base_seq_ = seq;
  stored_ = stored;
  BatchHeader header;
  header.bytes = static_cast<std::uint32_t>(size_);
  header.count = count_;
  header.partition = partition;
  header.base_offset = offset;
  header.base_seq = seq;
  header.stored = stored;
  header.life = life;
  seal_header(header, checksum_);
  std::memcpy(data_, &header, sizeof header);
}

BatchRef Batch::inside(BatchMemory& memory, std::size_t at, std::size_t size, std::uint32_t count,
                       const Checksum& checksum, bool doubtful) {
  Batch* const batch = new Batch(checksum);
  memory.add_reference();
  batch->memory_ = &memory;
  batch->data_ = memory.data() + at;
  const auto header = header_at<BatchHeader>(batch->data_);
  batch->size_ = size;
  batch->capacity_ = size;
  batch->count_ = count;
  batch->partition_ = header.partition;
  batch->doubtful_ = doubtful;
  batch->base_offset_ = header.base_offset;
  batch->base_seq_ = header.base_seq;
  batch->stored_ = header.stored;
  return BatchRef(batch);
}

BatchReader::BatchReader(const Batch& batch, bool verify) noexcept
    : batch_(&batch), verify_(verify || batch.doubtful()) {}

// The bytes of the next record whose checksum, if it is looked at, is right; empty at the end.
std::span<const std::byte> BatchReader::next_sound() {
  const std::span<const std::byte> bytes = batch_->bytes();
  while (index_ < batch_->count()) {
    const std::size_t length = record_length(bytes.subspan(at_));
    if (length == 0) {  // without its length the rest can't be told apart
      damaged_ += batch_->count() - index_;
      index_ = batch_->count();
      return {};
    }
    const std::span<const std::byte> one = bytes.subspan(at_, length);
    offset_ = batch_->base_offset() + at_;
    seq_ = batch_->base_seq() + index_;
    at_ += length;
    ++index_;
    // Another core has written it. Five lines: what stands before the message of most.
    const auto* const next = bytes.data() + at_;
    for (const std::size_t line : {0, 64, 128, 192, 256}) __builtin_prefetch(next + line);
    if (!verify_ || is_record_sound(one, batch_->checksum())) return current_ = one;
    ++damaged_;
  }
  return {};
}

bool BatchReader::next(Record& record) {
  for (std::span<const std::byte> one = next_sound(); !one.empty(); one = next_sound()) {
    if (decode_record(one, record, pieces_)) return true;
    ++damaged_;
  }
  return false;
}

bool BatchReader::next_line(Record& record) {
  for (std::span<const std::byte> one = next_sound(); !one.empty(); one = next_sound()) {
    if (decode_line(one, record)) return true;
    ++damaged_;
  }
  return false;
}

bool BatchReader::read_fields(Record& record) {
  if (decode_record(current_, record, pieces_)) return true;
  ++damaged_;
  return false;
}

}  // namespace thorlog
