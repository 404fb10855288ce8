// An intake that remembers everything, and as many of them on one loop as a test wants workers. One thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "inputs/input.h"
#include "loop/loop.h"

namespace thorlog {

class Intake::Stream {
 public:
  std::string peer, address, identity;
  bool datagrams = false;
  bool open = true;
};

struct Seen {
  std::string bytes;
  std::uint32_t flags = 0;
  bool counted = false;
  bool more = false;
  std::int64_t received = 0;
  std::string peer;
  std::string identity;
};

class FakeIntake final : public Intake {
 public:
  explicit FakeIntake(std::size_t budget_bytes = 64 << 20) : budget_(budget_bytes) {}

  Stream* open(const StreamInfo& info) override {
    streams.push_back(std::make_unique<Stream>());
    Stream& stream = *streams.back();
    stream.peer = info.peer;
    stream.address = info.peer_address;
    stream.identity = info.peer_identity;
    stream.datagrams = info.datagrams;
    return &stream;
  }
  void close(Stream* stream) override { stream->open = false; }
  void change_port(Stream* stream, std::uint16_t port) override {
    stream->peer = stream->peer.substr(0, stream->peer.rfind(':') + 1) + std::to_string(port);
  }
  void offer(Stream* stream, const Frame& frame, std::int64_t, std::int64_t received, bool more) override {
    ++books_[0].received;
    books_[0].bytes += frame.bytes.size();
    ++books_[0].emitted;
    if (keep)
      seen.push_back(
          {std::string(frame.bytes), frame.flags, frame.counted, more, received, stream->peer, stream->identity});
  }
  void take(Stream* stream, const WholeRecord& record) override {
    ++books_[0].received;
    books_[0].bytes += record.raw.size();
    ++books_[0].emitted;
    if (keep)
      seen.push_back(
          {std::string(record.raw), record.flags, false, false, record.received, stream->peer, stream->identity});
  }
  std::uint64_t held(const Stream* /*stream*/) const override { return held_frames; }
  bool newest_left(const Stream* /*stream*/) const override { return held_frames == 0; }
  std::uint64_t durable(std::size_t /*input*/) override { return durable_records; }
  bool has_room() const noexcept override { return room; }
  bool must_refuse(RefuseReason& reason) const noexcept override {
    if (refuse == RefuseReason::count) return false;
    reason = refuse;
    return true;
  }
  void when_room(std::function<void()> resume) override { resume_.push_back(std::move(resume)); }
  InputBooks& books(std::size_t input) override { return books_[input]; }
  MemoryBudget& budget() override { return budget_; }

  // A reload adds inputs: the books move.
  void add_inputs() {
    std::vector<InputBooks> more(books_.size() + 1);
    std::copy(books_.begin(), books_.end(), more.begin());
    std::fill(books_.begin(), books_.end(), InputBooks{});
    books_.swap(more);
    old_books_.push_back(std::move(more));  // kept, so that counting there is harmless, and seen
  }
  void make_room() {
    room = true;
    for (const auto& resume : resume_) resume();
  }
  std::size_t open_streams() const {
    std::size_t n = 0;
    for (const auto& stream : streams) n += stream->open ? 1 : 0;
    return n;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> all;
    for (const Seen& one : seen) all.push_back(one.bytes);
    return all;
  }

  bool keep = true;
  bool room = true;
  std::uint64_t held_frames = 0;
  std::uint64_t durable_records = ~std::uint64_t{0};
  RefuseReason refuse = RefuseReason::count;
  std::vector<Seen> seen;
  std::vector<std::unique_ptr<Stream>> streams;

 private:
  std::vector<InputBooks> books_ = std::vector<InputBooks>(1);
  std::vector<std::vector<InputBooks>> old_books_;
  MemoryBudget budget_;
  std::vector<std::function<void()>> resume_;
};

// Workers that share one loop, which also accepts, so that tests need no threads. The loop's destructor checks for
// leaks.
class Bench {
 public:
  explicit Bench(std::size_t workers, std::size_t budget = 64 << 20) {
    for (std::size_t i = 0; i < workers; ++i) {
      intakes.push_back(std::make_unique<FakeIntake>(budget));
      contexts.emplace_back(new WorkerContext{loop, *intakes.back(), clock, {}});
    }
  }

  // Runs the loop until `done` holds; false when it does not within the deadline.
  bool run_until(const std::function<bool()>& done, std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    Timer wake(loop, [] {});
    wake.start(1, 1);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      uv_run(loop.uv(), UV_RUN_ONCE);
    }
    return true;
  }

  Result<std::unique_ptr<Input>> open(const InputSettings& settings) {
    return Input::open(settings, std::span(&settings, 1), contexts.size());
  }
  void start(Input& input) {
    for (std::size_t i = 0; i < contexts.size(); ++i) input.attach(i, *contexts[i], 0);
    input.start(loop);
  }
  // The whole end of an input's life; false when it does not come.
  bool stop(Input& input) {
    input.stop_accepting();
    std::size_t left = contexts.size();
    for (std::size_t i = 0; i < contexts.size(); ++i) input.detach(i, [&left] { --left; });
    return run_until([&] { return left == 0; });
  }

  FakeIntake& intake(std::size_t i = 0) { return *intakes[i]; }
  std::uint64_t received() const {
    std::uint64_t n = 0;
    for (const auto& intake : intakes) n += intake->books(0).received;
    return n;
  }

  ManualClock clock;
  Loop loop;
  std::vector<std::unique_ptr<FakeIntake>> intakes;
  std::vector<std::unique_ptr<WorkerContext>> contexts;
};

}  // namespace thorlog
