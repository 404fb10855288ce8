// Lines of any kind at any time, with restarts: the watch holds its bounds and never crashes. Each line of the input
// is a byte for the time that passes, one for the flags and the sender, and text.
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "thorlog/frame.h"
#include "thorlog/scan_watch.h"
#include "thorlog/thor.h"

namespace {

struct Store : thorlog::ScanSink {
  std::map<std::string, std::string> scans, assets, states;
  void on_detection(const thorlog::Detection& detection) override {
    if (detection.key.size() != 32 || detection.summary.empty() || thorlog::detection_json(detection).empty())
      __builtin_trap();
  }
  void on_scan(const thorlog::ScanRow& row) override {
    scans[std::string(row.host) + "/" + std::string(row.scan_id)] = row.state_blob;
  }
  void on_asset(const thorlog::AssetRow& row) override { assets[std::string(row.host)] = row.state_blob; }
  void on_state(std::string_view key, std::string_view blob) override { states[std::string(key)] = blob; }
  bool recall(std::string_view host, std::string_view scan, std::string& blob) override {
    const auto found = scans.find(std::string(host) + "/" + std::string(scan));
    if (found == scans.end()) return false;
    blob = found->second;
    return true;
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace thorlog;
  Store store;
  ScanOptions options;
  options.max_scans = 50;
  options.max_scans_per_peer = 20;
  auto watch = std::make_unique<ScanWatch>(options, store);
  LineParser parser;
  std::int64_t now = 1'772'438'400'000'000'000;
  std::string_view left(reinterpret_cast<const char*>(data), size);
  std::uint64_t seq = 0;
  while (left.size() > 2) {
    const auto step = static_cast<unsigned char>(left[0]), how = static_cast<unsigned char>(left[1]);
    left.remove_prefix(2);
    const std::string text(left.substr(0, left.find('\n')));
    left.remove_prefix(text.size() < left.size() ? text.size() + 1 : left.size());
    now += std::int64_t{1} << (step % 48);
    if (how == 255) {  // a restart
      watch->collect(~std::size_t{0});
      watch = std::make_unique<ScanWatch>(options, store);
      for (const auto& [key, blob] : store.states) watch->load_state(key, blob);
      for (const auto& [key, blob] : store.assets) watch->load_asset(blob);
      for (const auto& [key, blob] : store.scans) watch->load_scan(blob);
      continue;
    }
    if (how == 254) {
      watch->deaf(how & 1, now - 1000, now);
      watch->advance(now);
      continue;
    }
    const std::string padded = std::string(64, '\0') + text + std::string(kReadAhead, '\0');
    const std::string_view raw(padded.data() + 64, text.size());
    ParseContext context;
    context.received = now;
    context.peer_host = "10.0.0.9";
    Record record;
    parser.parse(raw, test_start(raw), context, record.event);
    if ((how & 1) != 0) record.event.flags |= flag::orphan;
    if ((how & 2) != 0) record.event.flags |= flag::replayed;
    record.input = 1;
    record.received = now;
    const std::string peer = "10.0.0." + std::to_string(how >> 4) + ":1";
    record.peer = peer;
    record.stream = how >> 2;
    ++seq;
    watch->see({record, {0, seq}, seq, now, false});
    if (watch->counters().assets > 8400) __builtin_trap();
  }
  watch->advance(now + (std::int64_t{1} << 52));
  return 0;
}
