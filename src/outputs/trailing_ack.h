// How much of what was sent over a TCP connection may count as delivered. The kernel of the peer acknowledges bytes
// long before the program there has read them; when that program dies, what it had not read is lost. So a byte counts
// only when it was acknowledged at least 2 s ago and the peer does not look stuck. Pure, one thread; times in ns of a
// steady clock.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

namespace thorlog {

class TrailingAck {
 public:
  static constexpr std::int64_t kTrail = 2'000'000'000;

  // What the kernel says now: bytes acknowledged since the connection began, and the peer's window.
  void see(std::int64_t now, std::uint64_t acked, std::uint32_t window) {
    if (acked != acked_ || window != window_) changed_ = now;
    acked_ = acked;
    window_ = window;
    widest_ = std::max(widest_, window);
    usual_ = std::max(usual_, window);
    if (now - changed_ >= kGiveUpOnWindow)
      usual_ = window;  // then it is no buffer that fills, it is a smaller buffer
    remember(now);
    while (!samples_.empty() && samples_.front().time <= now - kTrail) {
      old_enough_ = samples_.front().acked;
      samples_.pop_front();
    }
    delivered_ = std::max(delivered_, std::min(old_enough_, acked_ - std::min<std::uint64_t>(acked_, unread())));
  }

  std::uint64_t acked() const noexcept { return acked_; }
  std::uint64_t delivered() const noexcept { return delivered_; }
  std::int64_t last_change() const noexcept { return changed_; }

  // Of what counts as delivered, the most that the peer's program may have left unread. A kernel keeps about twice
  // the widest window (it counts its own overhead too); but when its program has stopped reading it may have widened
  // its buffer without a sign, as far as its limits go. What is newer than delivered() will be sent again anyway.
  std::uint64_t possibly_unread() const noexcept {
    const std::uint64_t buffer = stuck() ? kLargestBuffer : 2 * std::uint64_t{widest_} - window_;
    const std::uint64_t behind = acked_ - delivered_;
    return std::min(delivered_, buffer > behind ? buffer - behind : 0);
  }

 private:
  static constexpr std::int64_t kApart = 50'000'000;  // between samples: at most 2 s / 50 ms of them
  static constexpr std::int64_t kGiveUpOnWindow = 60'000'000'000;
  static constexpr std::uint64_t kLargestBuffer = 32U << 20;  // net.ipv4.tcp_rmem of current Linux

  struct Sample {
    std::int64_t time;
    std::uint64_t acked;
  };

  // A window that has shrunk to less than half is a program that does not read: had it read, the peer's kernel would
  // have told us by an update (it sends one when the window can double). Above half we can't know; nor can we while
  // the peer's kernel widens the window of a young connection faster than its buffer fills.
  bool stuck() const noexcept { return window_ == 0 || window_ < usual_ / 2; }
  // Its buffer holds what it has offered at first and then taken; when more has passed, up to twice the window.
  std::uint64_t unread() const noexcept {
    if (!stuck()) return 0;
    const std::uint64_t buffer =
        std::max<std::uint64_t>(usual_, std::min(acked_ + window_, 2 * std::uint64_t{usual_}));
    return buffer - window_;
  }

  void remember(std::int64_t now) {
    if (!samples_.empty() && samples_.back().acked == acked_) return;
    if (samples_.empty() && acked_ == old_enough_) return;
    if (samples_.size() >= 2 && now - samples_[samples_.size() - 2].time < kApart) {
      samples_.back() = {now, acked_};
    } else {
      samples_.push_back({now, acked_});
    }
  }

  std::deque<Sample> samples_;
  std::uint64_t acked_ = 0;
  std::uint64_t old_enough_ = 0;
  std::uint64_t delivered_ = 0;
  std::uint32_t window_ = 0;
  std::uint32_t usual_ = 0;  // the window of a peer that has read everything
  std::uint32_t widest_ = 0;
  std::int64_t changed_ = 0;
};

}  // namespace thorlog
