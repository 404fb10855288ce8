// Walks the batches of a segment file in large reads: for readers behind the shared batches, and for recovery. One
// thread. What it meets is judged here: a batch is one only when its header is sound and says its own place.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/file.h"
#include "journal/batch_memory.h"
#include "journal/checksum.h"
#include "journal/layout.h"
#include "thorlog/result.h"

namespace thorlog {

class Scanner {
 public:
  enum class Found : std::uint8_t {
    batch,   // header() and, with bodies, body()
    damage,  // from damage_begin() to position() no batch could be found; the next call gives the one that follows
    end,     // no sound batch from position() to the limit
  };

  // `window`: bytes of one read. Offsets are the journal's (base + position in the file).
  Scanner(const File& file, std::uint64_t base, const Checksum& checksum, std::size_t window);
  ~Scanner();
  Scanner(const Scanner&) = delete;
  Scanner& operator=(const Scanner&) = delete;

  // Looks on from `offset`, up to `limit` (both offsets).
  void go_to(std::uint64_t offset, std::uint64_t limit) noexcept;
  void set_limit(std::uint64_t limit) noexcept { limit_ = limit; }

  // The next batch. Without `with_body` only headers are read, and a batch whose body reaches behind the file's end
  // still counts. `least_seq`: a header that goes backwards is not sound.
  Result<Found> next(bool with_body, std::uint64_t least_seq);

  const BatchHeader& header() const noexcept { return header_; }
  // The whole batch; fewer bytes when the file ends inside it.
  std::span<const std::byte> body() const noexcept { return body_; }
  BatchMemory& memory() const noexcept { return *memory_; }  // that holds body(), `at` bytes in
  std::size_t at() const noexcept { return static_cast<std::size_t>(body_.data() - memory_->data()); }
  std::uint64_t position() const noexcept { return offset_; }
  std::uint64_t damage_begin() const noexcept { return damage_begin_; }

 private:
  void take_memory(std::size_t capacity);
  Result<std::span<const std::byte>> load(std::uint64_t offset, std::size_t size);
  Result<bool> is_batch_at(std::uint64_t offset, std::uint64_t least_seq);
  Result<Found> look_forward(std::uint64_t least_seq);
  Result<Found> give(bool with_body);

  const File* file_;
  std::uint64_t base_;
  const Checksum* checksum_;
  std::size_t window_;
  BatchMemory* memory_ = nullptr;   // one of kept_
  std::vector<BatchMemory*> kept_;  // a reference each; what nobody else holds any more is read into again
  std::uint64_t loaded_at_ = 0;     // offset of the first byte in memory_
  std::size_t loaded_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t damage_begin_ = 0;
  BatchHeader header_;
  std::span<const std::byte> body_;
};

}  // namespace thorlog
