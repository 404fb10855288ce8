#include "journal/scanner.h"

#include <algorithm>

namespace thorlog {
namespace {

// So many reads may lie with somebody else before new memory is asked for.
constexpr std::size_t kKept = 4;

}  // namespace

Scanner::Scanner(const File& file, std::uint64_t base, const Checksum& checksum, std::size_t window)
    : file_(&file), base_(base), checksum_(&checksum), window_(window) {}

Scanner::~Scanner() {
  for (BatchMemory* one : kept_) BatchMemory::release(one);
}

void Scanner::go_to(std::uint64_t offset, std::uint64_t limit) noexcept {
  offset_ = offset;
  limit_ = limit;
}

// What was given out is never written over: batches may still lie there.
void Scanner::take_memory(std::size_t capacity) {
  const auto is_free = [capacity](const BatchMemory* one) {
    return one->capacity() >= capacity && one->is_mine_alone();
  };
  auto found = std::find_if(kept_.begin(), kept_.end(), is_free);
  if (found == kept_.end()) {
    if (kept_.size() == kKept) {
      BatchMemory::release(kept_.front());
      kept_.erase(kept_.begin());
    }
    found = kept_.insert(kept_.end(), BatchMemory::make(capacity));
  }
  memory_ = *found;
}

// Up to `size` bytes from `offset` on, fewer at the limit or the file's end.
Result<std::span<const std::byte>> Scanner::load(std::uint64_t offset, std::size_t size) {
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, limit_ - offset));
  const bool here = memory_ != nullptr && offset >= loaded_at_ && offset + size <= loaded_at_ + loaded_;
  if (!here) {
    const std::size_t wanted = std::max(window_, size);
    take_memory(wanted);
    loaded_ = 0;
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, limit_ - offset));
    auto got = file_->read_at(offset - base_, memory_->data(), most);
    if (!got) return fail(std::move(got).error());
    loaded_at_ = offset;
    loaded_ = *got;
  }
  const auto skip = static_cast<std::size_t>(offset - loaded_at_);
  return std::span<const std::byte>(memory_->data() + skip, std::min(size, loaded_ - skip));
}

Result<bool> Scanner::is_batch_at(std::uint64_t offset, std::uint64_t least_seq) {
  auto bytes = load(offset, sizeof(BatchHeader));
  if (!bytes) return fail(std::move(bytes).error());
  return bytes->size() == sizeof(BatchHeader) && is_batch_header(bytes->data(), offset, *checksum_, header_) &&
         header_.base_seq >= least_seq && header_.bytes <= limit_ - offset;
}

// Damage: tries each place on the way to the limit. The magic is looked for first, so this runs at memory speed.
Result<Scanner::Found> Scanner::look_forward(std::uint64_t least_seq) {
  damage_begin_ = offset_;
  std::uint64_t at = offset_ + 8;
  while (at < limit_ && limit_ - at >= sizeof(BatchHeader)) {
    auto bytes = load(at, std::min<std::size_t>(window_, 64U << 10));
    if (!bytes) return fail(std::move(bytes).error());
    if (bytes->size() < sizeof(BatchHeader)) break;  // the file ends before the limit
    std::size_t i = 0;
    for (; i + sizeof(BatchHeader) <= bytes->size(); i += 8) {
      if (header_at<std::uint32_t>(bytes->data() + i) == kBatchMagic &&
          is_batch_header(bytes->data() + i, at + i, *checksum_, header_) && header_.base_seq >= least_seq &&
          header_.bytes <= limit_ - (at + i)) {
        offset_ = at + i;
        return Found::damage;
      }
    }
    at += i;
  }
  return Found::end;
}

Result<Scanner::Found> Scanner::give(bool with_body) {
  body_ = {};
  if (with_body) {
    auto bytes = load(offset_, header_.bytes);
    if (!bytes) return fail(std::move(bytes).error());
    body_ = *bytes;
  }
  offset_ += header_.bytes;
  return Found::batch;
}

Result<Scanner::Found> Scanner::next(bool with_body, std::uint64_t least_seq) {
  if (offset_ >= limit_) return Found::end;
  auto sound = is_batch_at(offset_, least_seq);
  if (!sound) return fail(std::move(sound).error());
  return *sound ? give(with_body) : look_forward(least_seq);
}

}  // namespace thorlog
