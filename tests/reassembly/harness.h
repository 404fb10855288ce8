// A Reassembler with a virtual clock, a sink that remembers, and books that are checked at every step.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/event.h"
#include "thorlog/framing.h"
#include "thorlog/reassembly.h"

namespace thorlog {

struct Got {
  std::string raw;
  std::uint32_t flags = 0;
  std::uint32_t parts = 1;
  std::uint32_t frames = 1;
  std::int64_t at = 0;  // virtual time
  bool cut = false;
  StartRule rule = StartRule::none;
  std::uint32_t frame = 0;
  void* owner = nullptr;
  std::vector<std::string> stripped;
};

inline std::string names_of(std::uint32_t flags) {
  std::string names;
  for (int bit = 0; bit < flag::count; ++bit)
    if ((flags >> bit & 1) != 0) names += (names.empty() ? "" : " ") + std::string(flag_name(bit));
  return names;
}

class Harness : public LineSink {
 public:
  static constexpr std::int64_t kStart = 1'763'743'548'000'000'000;  // 2025-11-21 16:45:48 UTC
  static constexpr std::int64_t kMs = 1'000'000;

  explicit Harness(ReassemblyOptions options = {}, std::size_t budget = 64U << 20)
      : budget_(budget), reassembler_(std::move(options), budget_) {}
  ~Harness() override {
    while (!streams_.empty()) close(*streams_.begin());
    EXPECT_EQ(budget_.used(), 0U) << "memory that nobody gave back";
    EXPECT_EQ(reassembler_.next_due(), kNoTime);
    check_books();
  }

  Reassembler::Stream* open(StreamOptions options = {}) {
    if (options.peer_address.empty()) options.peer_address = "127.0.0.1";
    Reassembler::Stream* stream = reassembler_.open_stream(options);
    streams_.insert(stream);
    return stream;
  }
  void close(Reassembler::Stream* stream) {
    streams_.erase(stream);
    reassembler_.close_stream(stream, *this);
    check_books();
  }

  // The bytes are copied, with the read-ahead behind them, and freed at once: nothing may keep a view.
  void offer(Reassembler::Stream* stream, std::string_view bytes, std::uint32_t flags = 0,
             std::uint64_t declared = 0) {
    Frame frame;
    frame.flags = flags;
    frame.declared_length = declared;
    offer(stream, bytes, frame);
  }
  void offer(Reassembler::Stream* stream, std::string_view bytes, Frame frame, bool more = false) {
    const std::vector<char> copy = with_read_ahead(bytes);
    frame.bytes = std::string_view(copy.data(), bytes.size());
    received_ += reassembler_.offer(stream, frame, now_, kStart + now_, more, *this);
    check_books();
  }
  // A whole read buffer, as an input hands it over.
  void feed(Reassembler::Stream* stream, StreamFramer& framer, std::string_view bytes) {
    const std::vector<char> copy = with_read_ahead(bytes);
    framer.feed({copy.data(), bytes.size()});
    Frame frame;
    while (framer.next(frame)) {
      received_ += reassembler_.offer(stream, frame, now_, kStart + now_, !frame.following.empty(), *this);
      check_books();
    }
  }
  void end(Reassembler::Stream* stream, StreamFramer& framer) {
    Frame frame;
    while (framer.finish(frame)) received_ += reassembler_.offer(stream, frame, now_, kStart + now_, false, *this);
    close(stream);
  }
  void advance(std::int64_t ms) {
    const std::int64_t until = now_ + ms * kMs;
    while (reassembler_.next_due() != kNoTime && reassembler_.next_due() <= until) {
      now_ = std::max(now_, reassembler_.next_due());
      reassembler_.release_due(now_, *this);
      check_books();
    }
    now_ = until;
  }

  void on_line(const Line& line) override {
    volatile char beyond = line.raw.data()[line.raw.size() + kReadAhead - 1];
    static_cast<void>(beyond);
    Got got{std::string(line.raw), line.flags, line.parts, line.frames, now_, line.cut,
            line.start.rule,       line.frame, line.owner, {}};
    std::size_t length = 0;
    for (const Piece& piece : line.pieces) {
      length += piece.length;
      got.stripped.emplace_back(piece.stripped);
    }
    if (!line.pieces.empty()) {
      EXPECT_EQ(length, line.raw.size());
      EXPECT_EQ(line.pieces.size(), line.parts);
    }
    emitted_ += 1;
    joined_ += line.frames - 1;
    lines.push_back(std::move(got));
  }

  void check_books() {
    const auto& counters = reassembler_.counters();
    std::uint64_t held = 0;
    for (const auto* stream : streams_) held += reassembler_.held(stream);
    ASSERT_EQ(received_, emitted_ + joined_ + counters.held);
    ASSERT_EQ(joined_, counters.joined);
    ASSERT_EQ(held, counters.held);
  }

  std::string text() const {  // for messages of tests
    std::string all;
    for (const Got& got : lines)
      all += "[" + std::to_string(got.parts) + " " + names_of(got.flags) + "] " + got.raw.substr(0, 300) + "\n";
    return all;
  }

  MemoryBudget& budget() { return budget_; }
  Reassembler& reassembler() { return reassembler_; }
  std::int64_t now() const { return now_; }
  std::vector<Got> lines;

 private:
  static std::vector<char> with_read_ahead(std::string_view bytes) {
    std::vector<char> copy(bytes.begin(), bytes.end());
    copy.resize(bytes.size() + kReadAhead, '"');
    return copy;
  }

  MemoryBudget budget_;
  Reassembler reassembler_;
  std::set<Reassembler::Stream*> streams_;
  std::int64_t now_ = 5'000 * kMs;
  std::uint64_t received_ = 0, emitted_ = 0, joined_ = 0;
};

}  // namespace thorlog
