// A growing run of bytes to write into: encoders append, a socket or file takes the front. Grows by doubling, never
// fills with zeros, keeps its memory when cleared, so that a warm buffer allocates nothing. One thread.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace thorlog {

class ByteBuffer {
 public:
  ByteBuffer() = default;
  explicit ByteBuffer(std::size_t capacity) { grow(capacity); }
  ByteBuffer(ByteBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  ByteBuffer& operator=(ByteBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  // Room for at least n bytes behind the end. Write there, then commit() what was used. Moves earlier bytes.
  char* reserve(std::size_t n) {
    if (capacity_ - size_ < n) grow(n);
    return data_.get() + size_;
  }
  void commit(std::size_t n) noexcept { size_ += n; }
  // The same, for who kept a pointer that ran on from reserve().
  void commit_to(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(std::string_view bytes) {
    char* to = reserve(bytes.size());
    if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
    size_ += bytes.size();
  }
  void push_back(char byte) {
    *reserve(1) = byte;
    ++size_;
  }

  char* data() noexcept { return data_.get(); }
  const char* data() const noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

  void clear() noexcept { size_ = 0; }
  // Forgets what stands behind `size`.
  void truncate(std::size_t size) noexcept {
    if (size < size_) size_ = size;
  }
  // Takes n bytes off the front.
  void drop_front(std::size_t n) noexcept {
    if (n >= size_) return clear();
    std::memmove(data_.get(), data_.get() + n, size_ - n);
    size_ -= n;
  }
  // Gives the memory back when an unusual line has made it larger than `keep`. Only while empty.
  void release_above(std::size_t keep) noexcept {
    if (size_ != 0 || capacity_ <= keep) return;
    data_.reset();
    capacity_ = 0;
  }

 private:
  void grow(std::size_t n) {
    std::size_t wanted = capacity_ < 256 ? 256 : capacity_ * 2;
    if (wanted < size_ + n) wanted = size_ + n;
    std::unique_ptr<char[]> larger(new char[wanted]);  // not make_unique: it would write zeros
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace thorlog
