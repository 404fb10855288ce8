// A scan watch in a test: lines in, detections out, and time moves as the test says.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/frame.h"
#include "thorlog/scan_watch.h"
#include "thorlog/thor.h"

namespace thorlog {

class Lab : public ScanSink {
 public:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  static constexpr std::int64_t kBegin = 1'772'438'400 * kSecond;  // 2026-03-02T08:00:00Z

  explicit Lab(ScanOptions options = {}, std::shared_ptr<const RuleSet> rules = nullptr)
      : watch(std::make_unique<ScanWatch>(options, *this, std::move(rules))) {}

  // Moves time to `seconds` after the beginning and fires what is due.
  void at(double seconds) {
    now = kBegin + static_cast<std::int64_t>(seconds * 1e9);
    watch->advance(now);
  }
  // One line, as an input without doubts would store it. `flags` are added to those of the line.
  void say(std::string_view line, std::string_view peer = "10.0.0.1:40000", std::uint32_t stream = 1,
           std::uint32_t flags = 0, std::string_view origin = {}) {
    with(line, peer, stream, flags, origin, [this](const SeenRecord& seen) { watch->see(seen); });
  }
  // One that an earlier life had seen but not counted.
  void recount(std::string_view line, std::string_view peer) {
    with(line, peer, 1, 0, {}, [this](const SeenRecord& seen) { watch->recount(seen); });
  }
  void life(std::string_view moment) {
    const std::string raw = R"({"event":"life","moment":")" + std::string(moment) + "\"}";
    Record record;
    record.event.kind = Kind::life;
    record.event.raw = raw;
    record.received = now;
    lines.emplace_back(raw);
    watch->see({record, {0, lines.size()}, lines.size(), now, false});
  }

  std::unique_ptr<ScanWatch> watch;
  std::vector<Detection> told;
  std::vector<std::string> lines;
  std::vector<std::string> dark;
  std::int64_t now = kBegin;

 protected:
  void on_detection(const Detection& detection) override { told.push_back(detection); }
  void on_dark_peer(std::string_view peer, bool is_dark) override {
    dark.push_back(std::string(peer) + (is_dark ? " dark" : " light"));
  }
  bool fetch(RecordId id, Evidence& evidence) override {
    if (id.offset == 0 || id.offset > lines.size()) return false;
    evidence.raw = lines[id.offset - 1];
    return true;
  }

  LineParser parser_;

 private:
  template <class F>
  void with(std::string_view line, std::string_view peer, std::uint32_t stream, std::uint32_t flags,
            std::string_view origin, F give) {
    const std::string padded = std::string(64, '\0') + std::string(line) + std::string(kReadAhead, '\0');
    const std::string_view raw(padded.data() + 64, line.size());
    ParseContext context;
    context.received = now;
    const std::string address(peer.substr(0, peer.rfind(':')));
    context.peer_host = address;
    Record record;
    parser_.parse(raw, test_start(raw), context, record.event);
    record.event.flags |= flags;
    record.input = 1;
    record.received = now;
    record.peer = peer;
    record.stream = stream;
    record.origin = origin;
    lines.emplace_back(line);
    give({record, {0, lines.size()}, lines.size(), now, false});
  }
};

}  // namespace thorlog
