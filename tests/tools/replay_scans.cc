// Plays a run of the fleet simulator (../shared/fleet) into the scan watch with a virtual clock: no daemon, no
// sockets. Writes each detection as an event, so far as `fleet.py check` looks at it. tests/tools/replay-scans runs
// it.
//
//   replay_scans RUN                             detections of the run as it is
//   replay_scans RUN --permute N [--jitter S]    also N runs with every record moved by up to S seconds and one in
//                                                twenty doubled: the same keys and final states, or exit 1
//   replay_scans RUN --restart N                 also with N restarts from what collect() gave: the same keys
#include <algorithm>
#include <cstring>
#include <iostream>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "config/load.h"
#include "fleet_player.h"
#include "journal/record_codec.h"
#include "scans/scan_options.h"
#include "thorlog/identity.h"
#include "thorlog/line_flags.h"
#include "thorlog/scan_watch.h"
#include "wire/text_time.h"

namespace thorlog {
namespace {

// A record as the journal would keep it, and when.
struct Kept {
  std::int64_t log_time = 0;
  std::uint32_t connection = 0;  // 0: a datagram
  std::vector<std::byte> bytes;
};

class Recorder : public FleetPlayer {
 public:
  Recorder() : FleetPlayer(true, true) { groups_.set_prefixes({{"IR-2026-", "incident-2026"}}); }
  std::vector<Kept> take() { return std::move(kept_); }

 private:
  void on_event(const Line& line, const Origin& origin, const Event& event) override {
    Record record;
    record.event = event;
    record.event.flags = flags_of(record.event.flags, line.flags);
    if (!event.scan_id.empty()) record.event.group_id = groups_.find(event.scan_id);
    record.input = 1;
    record.received = line.received;
    record.peer = origin.name;
    record.stream = origin.number;
    record.frame = line.frame;
    record.pieces = line.pieces;
    record.parts = line.parts;
    Kept& kept = kept_.emplace_back();
    kept.log_time = kEpoch + now();
    kept.connection = origin.framer ? origin.number : 0;
    kept.bytes.resize(encoded_bound(record));
    kept.bytes.resize(encode_record(record, Checksum(), kept.bytes.data()));
  }

  GroupTable groups_;
  std::vector<Kept> kept_;
};

std::string time_text(std::int64_t time) {
  char text[kMaxStampLength];
  StampCache stamp;
  return {text, stamp.append_rfc3339_nano(text, time)};
}

class Run : public ScanSink {
 public:
  Run(const ScanOptions& options, const AssetTable& assets, const std::vector<Kept>& kept, bool print)
      : options_(options), assets_(assets), kept_(kept), print_(print) {}

  // Restarts at each of these records: from what was collected then.
  void play(const std::vector<std::size_t>& restarts, std::int64_t until) {
    auto watch = std::make_unique<ScanWatch>(options_, *this);
    auto restart = restarts.begin();
    std::vector<Piece> pieces;
    std::int64_t ticked = 0;
    for (std::size_t n = 0; n < kept_.size(); ++n) {
      if (restart != restarts.end() && *restart == n) {
        ++restart;
        watch->collect(~std::size_t{0});
        watch = std::make_unique<ScanWatch>(options_, *this);
        for (const auto& [key, blob] : states_) watch->load_state(key, blob);
        for (const auto& [key, blob] : assets_rows_) watch->load_asset(blob);
        for (const auto& [key, row] : scans_)
          if (!row.second) watch->load_scan(row.first);
      }
      Record record;
      if (!decode_record(kept_[n].bytes, record, pieces)) std::abort();
      for (; ticked < kept_[n].log_time - 50'000'000; ticked += 50'000'000) {
        if (ticked == 0) ticked = kept_[n].log_time - 50'000'000;
        watch->advance(ticked);
      }
      // As the daemon does with what it has just read itself.
      const RecordHint hint = hint_of(record, sender_hash(record.peer));
      if (watch->pass({&hint, 1}, 0, {0, n + 1, n + 1, kept_[n].log_time}) == 0)
        watch->see({record, {0, n + 1}, n + 1, kept_[n].log_time, false});
    }
    for (std::int64_t at = kept_.empty() ? until : kept_.back().log_time; at < until; at += 50'000'000)
      watch->advance(at);
    watch->for_each_scan([this](const ScanRow& row) {
      finals_.insert(std::string(row.host) + "/" + std::string(row.scan_id) + "#" + std::to_string(row.run) + " " +
                     std::string(name_of(row.state)) + " " + std::string(row.cause));
    });
  }

  std::multiset<std::string> keys_;
  std::set<std::string> finals_;

 private:
  void on_detection(const Detection& detection) override {
    // An end is told at once; the stop that it had overtaken withdraws it.
    if (detection.type == DetectionType::scan_aborted && !detection.resolves.empty())
      std::erase_if(keys_,
                    [&](const std::string& key) { return key.starts_with(detection.resolves + " scan_finished"); });
    keys_.insert(detection.key + " " + detection.type_name + " " + detection.cause + " " + detection.asset + " " +
                 detection.scan_id + " #" + std::to_string(detection.run));
    if (!print_) return;
    JsonWriter json;
    json.begin_object();
    json.member("id", "9-" + std::to_string(++told_));
    json.member("received", time_text(detection.log_time));
    json.member("kind", "detection").member("asset", detection.asset);
    if ((detection.flags & flag::replayed) != 0) json.key("flags").begin_array().value("replayed").end_array();
    json.key("detection").raw(detection_json(detection)).end_object();
    std::cout << json.text() << "\n";
  }
  std::string_view asset_label(std::string_view host, std::string_view full_name, std::string_view ip,
                               bool& mapped) override {
    const std::string_view label = assets_.find(host, full_name, ip);
    mapped = !label.empty();
    return label;
  }
  bool recall(std::string_view host, std::string_view scan_id, std::string& blob) override {
    const auto found = scans_.find(std::string(host) + "/" + std::string(scan_id));
    if (found == scans_.end()) return false;
    blob = found->second.first;
    return true;
  }
  bool fetch(RecordId id, Evidence& evidence) override {
    if (id.offset == 0 || id.offset > kept_.size()) return false;
    Record record;
    std::vector<Piece> pieces;
    if (!decode_record(kept_[id.offset - 1].bytes, record, pieces)) return false;
    evidence.received = record.received;
    evidence.raw = record.event.raw;
    return true;
  }
  void on_scan(const ScanRow& row) override {
    scans_[std::string(row.host) + "/" + std::string(row.scan_id)] = {std::string(row.state_blob), row.closed};
  }
  void on_asset(const AssetRow& row) override { assets_rows_[std::string(row.host)] = row.state_blob; }
  void on_state(std::string_view key, std::string_view blob) override { states_[std::string(key)] = blob; }

  const ScanOptions& options_;
  const AssetTable& assets_;
  const std::vector<Kept>& kept_;
  bool print_;
  std::uint64_t told_ = 0;
  std::map<std::string, std::pair<std::string, bool>> scans_;
  std::map<std::string, std::string> assets_rows_, states_;
};

// Networks and relays turn around what they get from several senders, and datagrams; never one connection's bytes.
std::vector<Kept> permuted(const std::vector<Kept>& kept, double jitter, unsigned seed) {
  std::mt19937_64 dice(seed);
  std::uniform_real_distribution<double> later(0.0, jitter * 1e9);
  std::map<std::uint32_t, std::int64_t> newest;  // of each connection
  std::vector<Kept> moved;
  for (const Kept& one : kept) {
    for (int copies = dice() % 20 == 0 ? 2 : 1; copies > 0; --copies) {
      moved.push_back(one);
      std::int64_t& at = moved.back().log_time;
      at += static_cast<std::int64_t>(later(dice));
      if (one.connection != 0) at = newest[one.connection] = std::max(newest[one.connection], at);
    }
  }
  std::stable_sort(moved.begin(), moved.end(), [](const Kept& a, const Kept& b) { return a.log_time < b.log_time; });
  return moved;
}

// Says what only one of them has. True: nothing.
template <class Set>
bool same(const char* what, unsigned n, const Set& wanted, const Set& got) {
  const std::set<std::string> a(wanted.begin(), wanted.end()), b(got.begin(), got.end());
  bool right = true;
  for (const std::string& one : a)
    if (b.count(one) == 0) right = false, std::fprintf(stderr, "%s %u lacks: %s\n", what, n, one.c_str());
  for (const std::string& one : b)
    if (a.count(one) == 0) right = false, std::fprintf(stderr, "%s %u has more: %s\n", what, n, one.c_str());
  return right;
}

}  // namespace
}  // namespace thorlog

int main(int argc, char** argv) {
  using namespace thorlog;
  std::string folder;
  unsigned permutations = 0, restarts = 0;
  double jitter = 2.0, until = 0.0;
  for (int i = 1; i < argc; ++i) {
    const auto is = [&](const char* name) { return std::strcmp(argv[i], name) == 0 && i + 1 < argc; };
    if (is("--permute"))
      permutations = static_cast<unsigned>(std::atoi(argv[++i]));
    else if (is("--restart"))
      restarts = static_cast<unsigned>(std::atoi(argv[++i]));
    else if (is("--jitter"))
      jitter = std::atof(argv[++i]);
    else if (is("--until"))
      until = std::atof(argv[++i]);
    else
      folder = argv[i];
  }
  const auto settings = load_settings(folder + "/thorlogd.yaml");
  auto assets = AssetTable::parse(read_all(folder + "/assets.csv"), "assets.csv");
  if (folder.empty() || !settings || !assets) {
    std::fprintf(stderr, "usage: replay_scans RUN [--permute N] [--restart N] [--jitter S] [--until T]\n");
    for (const ConfigError& error : settings.errors()) std::fprintf(stderr, "%s\n", error.message().c_str());
    return 2;
  }
  const ScanOptions options = scan_options(settings->scans);
  Recorder recorder;
  if (!recorder.play(folder + "/timeline.jsonl")) return 2;
  const std::vector<Kept> kept = recorder.take();
  const std::int64_t end = kEpoch + static_cast<std::int64_t>(until * 1e9);
  Run plain(options, **assets, kept, true);
  plain.play({}, end);

  // An asset that was silent for just as long as counts, within the jitter, may be told of or not.
  std::set<std::string> doubtful;
  for (const double by : {-jitter, jitter}) {
    ScanOptions other = options;
    other.asset_silent += static_cast<std::int64_t>(by * 1e9);
    Run run(other, **assets, kept, false);
    run.play({}, end);
    std::set_symmetric_difference(plain.keys_.begin(), plain.keys_.end(), run.keys_.begin(), run.keys_.end(),
                                  std::inserter(doubtful, doubtful.end()));
  }
  bool right = true;
  for (unsigned n = 1; n <= permutations; ++n) {
    const std::vector<Kept> moved = permuted(kept, jitter, n);
    Run run(options, **assets, moved, false);
    run.play({}, end + static_cast<std::int64_t>(jitter * 1e9));
    std::multiset<std::string> wanted = plain.keys_;
    for (const std::string& key : doubtful) wanted.erase(key), run.keys_.erase(key);
    right = same("permutation", n, wanted, run.keys_) && right;
    right = same("permutation", n, plain.finals_, run.finals_) && right;
  }
  if (restarts > 0) {
    std::mt19937_64 dice(7);
    std::set<std::size_t> places;
    while (places.size() < std::min<std::size_t>(restarts, kept.size())) places.insert(dice() % kept.size());
    Run run(options, **assets, kept, false);
    run.play({places.begin(), places.end()}, end);
    right = same("restarts", restarts, plain.keys_, run.keys_) && right;
  }
  return right ? 0 : 1;
}
