// The frames of a RELP connection that wait for their answer. Answers may come in any order; what counts is the run
// of answered frames from the oldest on. Pure, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>

#include "outputs/sink.h"
#include "wire/relp.h"

namespace thorlog {

class RelpWindow {
 public:
  struct Frame {
    std::uint64_t seq = 0;  // of the record
    std::uint64_t bytes = 0;
    bool answered = false;
    bool refused = false;  // and not settled otherwise yet
  };

  // A fresh connection: its first frame (open) has the number 1.
  void begin() noexcept {
    clear();
    next_ = 2;
  }

  std::uint32_t next_number() const noexcept { return next_; }
  void add(const Frame& frame) {
    frames_.push_back(frame);
    next_ = next_relp_txnr(next_);
    ++waiting_;
  }
  // The number of a frame that is no record: close.
  std::uint32_t skip_number() noexcept {
    const std::uint32_t number = next_;
    next_ = next_relp_txnr(next_);
    return number;
  }

  // The frame with this number, when no answer to it has come.
  Frame* waiting(std::uint32_t number) noexcept {
    if (frames_.empty() || number == 0 || number > kMaxRelpTxnr) return nullptr;
    const auto behind = static_cast<std::size_t>((next_ + kMaxRelpTxnr - number) % kMaxRelpTxnr);  // 1: the newest
    if (behind == 0 || behind > frames_.size()) return nullptr;
    Frame& frame = frames_[frames_.size() - behind];
    return frame.answered || frame.refused ? nullptr : &frame;
  }
  void answer(Frame& frame) noexcept {
    frame.answered = true;
    --waiting_;
  }

  void refuse(Frame& frame) noexcept {
    frame.refused = true;
    ++refused_;
  }
  // What was refused is settled in another way: all frames of the record.
  void settle_refused(std::uint64_t seq) noexcept {
    for (Frame& frame : frames_) {
      if (frame.seq != seq || !frame.refused || frame.answered) continue;
      --refused_;
      answer(frame);
    }
  }

  // Frames that are not settled, refused ones too; those that no answer has come to; and all from the oldest on.
  std::size_t count() const noexcept { return waiting_; }
  std::size_t unanswered() const noexcept { return waiting_ - refused_; }
  std::size_t span() const noexcept { return frames_.size(); }
  std::uint64_t oldest_seq() const noexcept { return frames_.empty() ? 0 : frames_.front().seq; }
  bool empty() const noexcept { return waiting_ == 0; }
  std::uint64_t bytes() const noexcept {
    std::uint64_t sum = 0;
    for (const Frame& frame : frames_) sum += frame.answered ? 0 : frame.bytes;
    return sum;
  }

  void mark(Token token) { marks_.push_back({token, passed_ + frames_.size()}); }
  // The newest mark with nothing open before it, once; 0: none.
  Token settle() {
    while (!frames_.empty() && frames_.front().answered) {
      frames_.pop_front();
      ++passed_;
    }
    Token token = 0;
    for (; !marks_.empty() && marks_.front().end <= passed_; marks_.pop_front()) token = marks_.front().token;
    return token;
  }

  void clear() noexcept {
    frames_.clear();
    marks_.clear();
    waiting_ = 0;
    refused_ = 0;
  }

 private:
  struct Mark {
    Token token;
    std::uint64_t end;  // frames before it, counted for ever
  };
  std::deque<Frame> frames_;  // without a gap; the newest has the number next_ - 1
  std::deque<Mark> marks_;
  std::uint64_t passed_ = 0;
  std::size_t waiting_ = 0;
  std::size_t refused_ = 0;
  std::uint32_t next_ = 2;
};

}  // namespace thorlog
