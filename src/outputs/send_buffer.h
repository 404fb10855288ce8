// What a sink has gathered for its connection: it goes to the kernel as that takes it. Counts the bytes of a
// connection from its begin. One thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/byte_buffer.h"
#include "outputs/stream_connection.h"

namespace thorlog {

class SendBuffer {
 public:
  // A fresh connection, or none: nothing is gathered, nothing was given.
  void begin() noexcept {
    bytes_.clear();
    sent_ = 0;
    passed_ = 0;
    blocked_ = false;
  }

  ByteBuffer& bytes() noexcept { return bytes_; }  // to append to
  bool empty() const noexcept { return bytes_.empty(); }
  bool is_large() const noexcept { return bytes_.size() >= kSendBytes; }  // better sent before more is gathered

  // part: it is blocked() until the connection says that it is writable; failed: as the connection's send().
  StreamConnection::Sent send(StreamConnection& to) {
    std::size_t sent = 0;
    const auto result = to.send(bytes_.view().substr(sent_), sent);
    sent_ += sent;
    blocked_ = result == StreamConnection::Sent::part;
    if (result == StreamConnection::Sent::all) {
      passed_ += bytes_.size();
      bytes_.clear();
      bytes_.release_above(kKeepBuffer);
      sent_ = 0;
    }
    return result;
  }
  bool blocked() const noexcept { return blocked_; }
  void writable() noexcept { blocked_ = false; }

  // Bytes of this connection up to here: those gathered, and those of them that it was given.
  std::uint64_t gathered() const noexcept { return passed_ + bytes_.size(); }
  std::uint64_t given() const noexcept { return passed_ + sent_; }

 private:
  static constexpr std::size_t kSendBytes = 256U << 10;  // handed to the kernel at once
  static constexpr std::size_t kKeepBuffer = 1U << 20;   // memory a very long line may leave behind

  ByteBuffer bytes_;
  std::size_t sent_ = 0;      // of bytes_
  std::uint64_t passed_ = 0;  // before bytes_
  bool blocked_ = false;      // the kernel takes no more
};

}  // namespace thorlog
