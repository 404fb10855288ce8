// What is under way to Kafka. Reports come out of order, since each partition goes at its own pace; the cursor moves
// in order. So each record gets a ticket, and the low-water mark says up to where all have arrived. What has arrived
// above it is remembered over a rewind, and not sent twice. Also keeps the batches whose bytes were lent to
// librdkafka. Pure, one thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>
#include <vector>

#include "journal/batch.h"
#include "outputs/sink.h"

namespace thorlog {

class KafkaFlights {
 public:
  struct Limits {
    std::size_t records = 16'384;  // between the low-water mark and the newest; a power of two
    std::size_t bytes = 16U << 20;
    std::size_t lent_bytes = 24U << 20;  // of whole batches that a lent record keeps alive
  };
  using Ticket = std::uint64_t;

  explicit KafkaFlights(Limits limits) : limits_(limits), ring_(limits.records) {}
  KafkaFlights() : KafkaFlights(Limits()) {}

  // Anew at any time; what is under way beyond it stays so.
  void set_limit(std::size_t bytes) noexcept { limits_.bytes = bytes; }

  bool has_room() const noexcept { return next_ - low_ < limits_.records && bytes_ < limits_.bytes; }
  // Enough room that it is worth to wake somebody up.
  bool has_much_room() const noexcept {
    return next_ - low_ < limits_.records / 4 * 3 && bytes_ < limits_.bytes / 4 * 3;
  }
  std::size_t under_way() const noexcept { return under_way_; }
  std::size_t bytes() const noexcept { return bytes_; }

  // The ticket that the next launch() will have.
  Ticket next() const noexcept { return next_; }
  // `note`: what the caller wants to know again when the record has arrived.
  void launch(std::uint64_t seq, std::size_t bytes, std::uint32_t note = 0) {
    ring_[next_ % ring_.size()] = {seq, bytes, note, State::under_way};
    ++next_;
    ++under_way_;
    bytes_ += bytes;
  }

  std::uint32_t note(Ticket ticket) const noexcept { return ring_[ticket % ring_.size()].note; }

  // The record has arrived, or needn't any more. Gives its number.
  std::uint64_t arrived(Ticket ticket) { return land(ticket, State::arrived); }
  // It comes back after the rewind.
  std::uint64_t failed(Ticket ticket) { return land(ticket, State::failed); }

  void mark(Token token) { marks_.push_back({token, next_}); }
  // The highest mark up to which everything has arrived; 0 when there is no new one.
  Token take_delivered() {
    Token token = 0;
    for (; !marks_.empty() && marks_.front().end <= low_; marks_.pop_front()) token = marks_.front().token;
    while (!lent_.empty() && lent_.front().end <= low_) {
      lent_bytes_ -= lent_.front().batch->capacity();
      lent_.pop_front();
    }
    if (lent_.empty()) is_lent_ = false;  // the batch in hand was let go of, too: its next record lends it again
    return token;
  }

  // True when this record has arrived already: a rewind goes back to where the cursor is.
  bool has_arrived(std::uint64_t seq) const { return seq <= low_seq_ || (!ahead_.empty() && ahead_.contains(seq)); }

  // The records that are launched from now on may lie in this batch.
  void begin_batch(const BatchRef& batch) {
    batch_ = batch;
    is_lent_ = false;
  }
  // Before launch(), when the bytes lie in the batch: false when too much is lent already, and a copy must do.
  bool lend() {
    if (!batch_) return false;
    if (!is_lent_) {
      if (lent_bytes_ + batch_->capacity() > limits_.lent_bytes) return false;
      lent_.push_back({batch_, next_});
      lent_bytes_ += batch_->capacity();
      is_lent_ = true;
    }
    lent_.back().end = next_ + 1;
    return true;
  }

  // Nobody will report any more; nobody holds lent bytes. What was under way or failed comes back by a rewind.
  void forget_all() {
    for (; low_ != next_; ++low_) {
      const Flight& flight = ring_[low_ % ring_.size()];
      if (flight.state == State::arrived) ahead_.insert(flight.seq);
    }
    under_way_ = 0;
    bytes_ = 0;
    marks_.clear();
    lent_.clear();
    lent_bytes_ = 0;
    is_lent_ = false;
    batch_ = {};
  }

 private:
  enum class State : std::uint8_t { under_way, arrived, failed };
  struct Flight {
    std::uint64_t seq = 0;
    std::size_t bytes = 0;
    std::uint32_t note = 0;
    State state = State::arrived;
  };
  struct Mark {
    Token token;
    Ticket end;
  };
  struct Lent {
    BatchRef batch;
    Ticket end;
  };

  std::uint64_t land(Ticket ticket, State state) {
    Flight& flight = ring_[ticket % ring_.size()];
    if (flight.state == State::under_way) {
      --under_way_;
      bytes_ -= flight.bytes;
    }
    flight.state = state;
    const std::uint64_t seq = flight.seq;
    for (; low_ != next_; ++low_) {
      const Flight& lowest = ring_[low_ % ring_.size()];
      if (lowest.state != State::arrived) break;
      low_seq_ = std::max(low_seq_, lowest.seq);
    }
    if (!ahead_.empty() && low_ == next_) prune();
    return seq;
  }

  // Everything written by now has arrived: what is known above the low-water mark is at most what it was told of.
  void prune() {
    for (auto one = ahead_.begin(); one != ahead_.end();) one = *one <= low_seq_ ? ahead_.erase(one) : std::next(one);
  }

  Limits limits_;
  std::vector<Flight> ring_;
  Ticket low_ = 0;  // all before it have arrived
  Ticket next_ = 0;
  std::uint64_t low_seq_ = 0;
  std::size_t under_way_ = 0;
  std::size_t bytes_ = 0;
  std::deque<Mark> marks_;
  std::unordered_set<std::uint64_t> ahead_;  // numbers above low_seq_ that arrived before a rewind
  BatchRef batch_;
  bool is_lent_ = false;
  std::deque<Lent> lent_;
  std::size_t lent_bytes_ = 0;
};

}  // namespace thorlog
