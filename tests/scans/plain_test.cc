// Lines that are passed by their hints leave exactly what the full way leaves.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "lab.h"
#include "scans/rules.h"
#include "scans/scan.h"
#include "thorlog/record_hint.h"

namespace thorlog {
namespace {

// A blob as its reader takes it: plain structs have holes, in which anything may stand.
class Solid {
 public:
  explicit Solid(std::string_view blob) : bytes_(blob) {}

  void skip() { at_ += 2 + length(); }
  template <class T>
  void with(const std::vector<std::size_t>& ids) {
    if (length() == sizeof(T))
      for (const std::size_t id : ids)
        std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_ + 2 + id + 4), 4, '\0');
    skip();
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::size_t length() const {
    return static_cast<unsigned char>(bytes_[at_]) |
           static_cast<std::size_t>(static_cast<unsigned char>(bytes_[at_ + 1])) << 8;
  }
  std::string bytes_;
  std::size_t at_ = 1;
};

std::string solid_scan(std::string_view blob) {
  Solid solid(blob);
  solid.skip();
  solid.skip();
  const std::size_t last = offsetof(ScanCore, last_lines);
  solid.with<ScanCore>({last, last + 16});
  solid.skip();
  const std::size_t stop = offsetof(ScanPending, stop_lines), consumers = offsetof(ScanPending, consumer_lines);
  solid.with<ScanPending>({stop, stop + 16, offsetof(ScanPending, restart_line), offsetof(ScanPending, abort_line),
                           consumers, consumers + 16, consumers + 32});
  return solid.take();
}

std::string solid_asset(std::string_view blob) {
  Solid solid(blob);
  solid.skip();
  solid.skip();
  const std::size_t boot = offsetof(StoredAsset, evidence.boot_lines);
  solid.with<StoredAsset>(
      {offsetof(StoredAsset, evidence.planned_line), offsetof(StoredAsset, evidence.shutdown_line), boot, boot + 16,
       boot + 32, offsetof(StoredAsset, evidence.interrupt_line), offsetof(StoredAsset, evidence.wait_line)});
  return solid.take();
}

// All that a watch ever said, and gave to its store.
struct Told : Lab {
  using Lab::Lab;

  // A line as the daemon gives it to its watch: by its hint if that will do.
  void pass(const Record& record, std::int64_t log_time) {
    lines.emplace_back(record.event.raw);
    const std::uint64_t seq = lines.size();
    RecordHint hint = hint_of(record, sender_hash(record.peer));
    hint.at = 7;
    if (watch->pass({&hint, 1}, 0, {0, seq - 7, seq, log_time}) == 1) {
      ++passed;
      return;
    }
    watch->see({record, {0, seq}, seq, log_time, false});
  }
  void see(const Record& record, std::int64_t log_time) {
    lines.emplace_back(record.event.raw);
    watch->see({record, {0, lines.size()}, lines.size(), log_time, false});
  }

  std::vector<std::string> all;
  std::size_t passed = 0;

 private:
  void on_detection(const Detection& detection) override {
    all.push_back(detection_json(detection) + " " + detection.host + " " + std::to_string(detection.log_time));
  }
  void on_dark_peer(std::string_view peer, bool is_dark) override {
    all.push_back(std::string(peer) + (is_dark ? " dark" : " light"));
  }
  void on_scan(const ScanRow& row) override {
    std::string text = "scan " + std::string(row.host) + " " + std::string(row.scan_id) + " " +
                       std::string(name_of(row.state)) + " " + std::to_string(row.last_seen) + " " +
                       std::to_string(row.lines) + " " + std::to_string(row.alerts) + " " +
                       std::to_string(row.applied_seq) + " " + std::string(row.peer);
    for (const ModuleRow& module : row.modules)
      text += " " + std::string(module.name) + ":" + std::to_string(module.lines) + "-" +
              std::to_string(module.last_seen);
    all.push_back(text + " " + solid_scan(row.state_blob));
  }
  void on_asset(const AssetRow& row) override {
    all.push_back("asset " + std::string(row.host) + " " + std::to_string(row.last_seen) + " " +
                  std::to_string(row.thor_seen) + " " + std::to_string(row.applied_seq) + " " +
                  solid_asset(row.state_blob));
  }
  void on_state(std::string_view key, std::string_view blob) override {
    all.push_back("state " + std::string(key) + " " + std::string(blob));
  }
  std::string_view asset_label(std::string_view host, std::string_view /*full_name*/, std::string_view /*ip*/,
                               bool& mapped) override {
    mapped = host.starts_with("m") || host.starts_with("10.0.0.");
    return !mapped ? std::string_view() : host.starts_with("m") ? host.substr(1) : host.substr(7);
  }
};

// What two watches are told alike: one in full, the other by hints.
class Twins {
 public:
  Twins(unsigned seed, const ScanOptions& options) : dice_(seed), full_(options), hinted_(options) {}

  void turn() {
    if (one_in(3)) now_ += static_cast<std::int64_t>(pick(40)) * Lab::kSecond / 10;
    if (one_in(400)) now_ += static_cast<std::int64_t>(pick(300)) * Lab::kSecond;
    if (one_in(7)) each([this](Told& told) { told.watch->advance(now_); });
    if (one_in(300)) {
      const auto input = static_cast<std::uint16_t>(pick(3));
      const std::int64_t from = now_;
      now_ += static_cast<std::int64_t>(pick(30)) * Lab::kSecond;
      each([&](Told& told) { told.watch->deaf(input, from, now_); });
    }
    if (one_in(50)) {
      const std::size_t counts = pick(8);
      each([&](Told& told) { told.watch->collect(counts); });
    }
    if (one_in(900)) return live();
    say(line());
  }
  void finish() {
    each([this](Told& told) {
      told.watch->collect(1000);
      told.watch->advance(now_ + 100'000 * Lab::kSecond);
      told.watch->collect(1000);
    });
  }
  // The states that are counted as they change are those that there are.
  bool counts_states() {
    std::array<std::uint64_t, 10> states{};
    hinted_.watch->for_each_scan([&](const ScanRow& row) { ++states[static_cast<std::size_t>(row.state)]; });
    return states == hinted_.watch->counters().scans;
  }
  const Told& full() const { return full_; }
  const Told& hinted() const { return hinted_; }

 private:
  std::size_t pick(std::size_t below) { return dice_() % below; }
  bool one_in(std::size_t n) { return pick(n) == 0; }
  template <class F>
  void each(F f) {
    f(full_);
    f(hinted_);
  }

  std::string line() {
    host_ = pick(12);
    const std::string host = (host_ % 3 == 0 ? "m" : "h") + std::to_string(host_);
    const std::string address = "10.0.0." + std::to_string(host_);
    const std::string scan = "S-" + std::to_string(host_) + (one_in(4) ? "b" : "a");
    const auto thor = [&](std::string_view text) {
      return "<190>Mar  2 08:00:00 " + host + "/" + address + " THOR: " + std::string(text) +
             (one_in(60) ? "" : " SCANID: " + (one_in(80) ? "Thunderstorm" : scan));
    };
    static constexpr const char* kPlain[] = {"Warning: MODULE: Filescan MESSAGE: Suspicious file found",
                                             "Notice: MODULE: Filescan MESSAGE: Suspicious file found",
                                             "Alert: MODULE: ProcessCheck MESSAGE: Listening process found",
                                             "Info: MODULE: Registry MESSAGE: Registry value matches",
                                             "Info: MODULE: Filescan MESSAGE: Starting module",
                                             "Info: MODULE: ShimCache MESSAGE: Starting over",
                                             "Error: MODULE: LogScan MESSAGE: thor scan is not finished",
                                             "Info: MODULE: Report MESSAGE: THOR Scan finds things",
                                             "Debug: MODULE: Autoruns MESSAGE: x"};
    static constexpr const char* kTelling[] = {
        "Info: MODULE: Startup MESSAGE: Thor Version: 10.7.29",
        "Info: MODULE: Startup MESSAGE: Effective argument list: [--fast]",
        "Info: MODULE: Report MESSAGE: Thor Scan finished",
        "Error: MODULE: RuntimeWatcher MESSAGE: Maximum runtime has exceeded, killing THOR",
        "Warning: MODULE: Rescontrol MESSAGE: Logged more than 5000000 bytes via SYSLOG. It is reduced",
        "Warning: MODULE: Rescontrol MESSAGE: Available physical memory dropped below 50 MB",
        "Info: MODULE: SignalHandler MESSAGE: SIGINT received",
        "Info: MODULE: Thunderstorm MESSAGE: Web service started"};
    const std::size_t what = pick(200);
    if (what < 186) return thor(kPlain[pick(std::size(kPlain))]);
    if (what < 189) return thor("Notice: MODULE: Made" + std::to_string(pick(40)) + " MESSAGE: x");
    if (what < 192) return thor(kTelling[pick(std::size(kTelling))]);
    if (what < 194) return "<30>Mar  2 08:00:00 " + host + " kernel: Linux version 6.1";
    if (what < 195) return "panic: runtime error";
    if (what < 196) return "<86>Mar  2 08:00:00 sshd[1]: Failed password for root";
    return "<86>Mar  2 08:00:00 " + host + " sshd[1]: Failed password for root";
  }

  void say(const std::string& text) {
    const std::string padded = std::string(64, '\0') + text + std::string(kReadAhead, '\0');
    const std::string_view raw(padded.data() + 64, text.size());
    // Some by a relay, some by a small one that is one of them, some by themselves, one now and then by another way.
    const std::string address = one_in(200) ? "10.9.9.8"
                                : host_ < 7 ? "10.9.9.9"
                                            : "10.0.0." + std::to_string(std::max<std::size_t>(host_, 9));
    const std::string peer = one_in(500) ? "" : address + ":" + std::to_string(40000 + pick(2));
    Record record;
    ParseContext context;
    context.received = now_ - static_cast<std::int64_t>(pick(1000));
    context.peer_host = address;
    parser_.parse(raw, test_start(raw), context, record.event);
    static constexpr std::uint32_t kFlags[] = {flag::replayed,  flag::orphan,    flag::split,
                                               flag::ambiguous, flag::truncated, flag::clock_skew};
    if (one_in(30)) record.event.flags |= kFlags[pick(std::size(kFlags))];
    if (record.event.timestamp != kNoTime) record.event.timestamp += now_ - Lab::kBegin;
    if (one_in(40)) record.event.group_id = "group";
    record.input = static_cast<std::uint16_t>(1 + host_ % 2);
    record.received = context.received;
    record.peer = peer;
    record.stream = static_cast<std::uint32_t>(one_in(6) ? 100 : host_);
    full_.see(record, now_);
    hinted_.pass(record, now_);
  }

  void live() {
    const std::string raw = R"({"event":"life","moment":"start"})";
    Record record;
    record.event.kind = Kind::life;
    record.event.raw = raw;
    now_ += 20 * Lab::kSecond;
    full_.see(record, now_);
    hinted_.pass(record, now_);
  }

  std::mt19937 dice_;
  LineParser parser_;
  Told full_, hinted_;
  std::int64_t now_ = Lab::kBegin;
  std::size_t host_ = 0;
};

TEST(PlainLines, LeaveWhatTheFullWayLeaves) {
  std::size_t passed = 0, lines = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    ScanOptions options;
    options.silence_suspect = (seed % 3 == 0 ? 1800 : 40) * Lab::kSecond;
    options.silence_lost = (seed % 3 == 0 ? 21600 : 200) * Lab::kSecond;
    options.interrupt_grace = 8 * Lab::kSecond;
    options.start_merge = 4 * Lab::kSecond;
    options.asset_silent = 300 * Lab::kSecond;
    options.resume_window = 900 * Lab::kSecond;
    Twins twins(seed, options);
    for (int n = 0; n < 4000; ++n) {
      twins.turn();
      if (n % 100 == 0) {
        ASSERT_TRUE(twins.counts_states()) << "seed " << seed << ", turn " << n;
      }
    }
    twins.finish();
    const std::vector<std::string>&wanted = twins.full().all, &got = twins.hinted().all;
    for (std::size_t n = 0; n < std::min(wanted.size(), got.size()); ++n)
      ASSERT_EQ(wanted[n], got[n]) << "seed " << seed << ", " << n << " of " << wanted.size();
    ASSERT_EQ(wanted.size(), got.size()) << "seed " << seed;
    passed += twins.hinted().passed;
    lines += twins.hinted().lines.size();
  }
  EXPECT_GT(passed * 3, lines) << "too few were plain for this to say anything";
}

// Many at once, as from a batch: the ones to be seen are found in their places.
TEST(PlainLines, ABatchIsPassedUpToEachLineThatSaysSomething) {
  Told lab;
  std::vector<RecordHint> hints;
  LineParser parser;
  std::vector<std::string> texts;
  for (int n = 0; n < 100; ++n)
    texts.push_back("<190>Mar  2 08:00:00 h" + std::to_string(n % 5) + "/10.0.0.1 THOR: Info: MODULE: " +
                    (n < 10 || n == 70 ? "Startup MESSAGE: Thor Version: 10.7" : "Filescan MESSAGE: found") +
                    " SCANID: S-" + std::to_string(n % 5) + std::string(kReadAhead, '\0'));
  std::vector<Record> records(texts.size());
  std::vector<std::size_t> seen;
  for (std::size_t n = 0; n < texts.size(); ++n) {
    ParseContext context;
    context.received = Lab::kBegin;
    const std::string_view raw = std::string_view(texts[n]).substr(0, texts[n].size() - kReadAhead);
    parser.parse(raw, test_start(raw), context, records[n].event);
    records[n].event.canonical_host = records[n].event.host;  // its own was the parser's memory
    records[n].received = Lab::kBegin;
    records[n].peer = "10.0.0.1:514";
    hints.push_back(hint_of(records[n], sender_hash(records[n].peer)));
  }
  for (std::size_t n = 0; (n = lab.watch->pass(hints, n, {0, 0, 1, Lab::kBegin})) < hints.size(); ++n) {
    lab.watch->see({records[n], {0, n}, n + 1, Lab::kBegin, false});
    seen.push_back(n);
  }
  ASSERT_LT(seen.size(), 40U);
  EXPECT_EQ(seen.back(), 70U);
  lab.watch->collect(100);
  std::uint64_t lines = 0;
  lab.watch->for_each_scan([&](const ScanRow& row) { lines += row.lines; });
  EXPECT_EQ(lines, 100U);
}

}  // namespace
}  // namespace thorlog
