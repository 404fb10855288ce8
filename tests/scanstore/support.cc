#include "support.h"

#include <fmt/format.h>

#include <ctime>

#include "journal/life.h"
#include "thorlog/thor.h"

namespace thorlog {

std::string thor_line(std::string_view host, std::string_view id, std::string_view module, std::string_view message,
                      std::string_view level) {
  return fmt::format("<190>Nov 14 22:13:20 {}/10.0.0.1 THOR: {}: MODULE: {} MESSAGE: {} SCANID: {}", host, level,
                     module, message, id);
}

std::vector<TraceLine> stories(const std::string& name, int scans) {
  std::vector<TraceLine> trace;
  const auto all = [&](double seconds, std::string_view module, std::string_view message, auto wanted) {
    for (int i = 0; i < scans; ++i) {
      if (!wanted(i % 5)) continue;
      trace.push_back({trace.empty() ? 0.0 : seconds,
                       thor_line(fmt::format("{}{}", name, i), fmt::format("S-{}{}", name, i), module, message),
                       fmt::format("10.1.{}.{}:4000", i / 200, i % 200)});
    }
  };
  const auto every = [](int) { return true; };
  const auto one = [](int wanted) { return [wanted](int kind) { return kind == wanted; }; };
  all(0.01, "Startup", "Thor Version: 10.8.0", every);
  all(0.01, "Init", "Successfully compiled 12 rules", every);
  all(0.05, "Filescan", "Starting module", every);
  all(0.05, "Filescan", "Scanning /tmp", every);
  all(0.10, "Report", "Thor Scan finished END_TIME: now", one(0));
  all(0.10, "RuntimeWatcher", "Maximum runtime has exceeded, killing THOR", one(1));
  // 2 falls silent for good; 3 is suspected and speaks again; 4 starts once more.
  trace.push_back({7.0, thor_line(name + "3", "S-" + name + "3", "Filescan", "Scanning /var"), "10.1.0.3:4000"});
  all(0.01, "Startup", "Thor Version: 10.8.0", one(4));
  all(0.05, "Filescan", "Scanning /opt", one(4));
  return trace;
}

ScanOptions short_timers() {
  ScanOptions options;
  options.start_merge = kSecond * 8 / 10;
  options.interrupt_grace = 2 * kSecond;
  options.silence_suspect = 5 * kSecond;
  options.silence_lost = 10 * kSecond;
  options.resume_window = 30 * kSecond;
  return options;
}

KeeperWorld::KeeperWorld(const std::string& folder, const ScanOptions& options, ManualClock* clock)
    : clock_(clock != nullptr ? *clock : own_clock_) {
  JournalOptions journal;
  journal.folder = folder + "/journal";
  journal.segment_bytes = 1U << 20;
  journal.max_bytes = 64U << 20;
  journal.background = false;
  auto opened = Journal::open(real_file_system(), clock_, journal);
  THORLOG_ASSERT(opened.has_value());
  journal_ = *std::move(opened);
  auto store = ScanStore::open(real_file_system(), folder, journal_->uuid());
  THORLOG_ASSERT(store.has_value());
  store_ = *std::move(store);
  ScanKeeper::Environment environment{*journal_,
                                      clock_,
                                      *store_,
                                      [this](const DetectionRecord& detection) { append_detection(detection); },
                                      [](const std::string&) {},
                                      [] { return std::shared_ptr<const AssetTable>(); },
                                      [](std::uint16_t) { return false; }};
  keeper_ = std::make_unique<ScanKeeper>(std::move(environment), options, nullptr);
  THORLOG_ASSERT(keeper_->load(journal_->state().end).has_value());
  reader_ = std::make_unique<JournalReader>(*journal_, keeper_->start());
  // As the log thread does: a life begins with its record.
  const std::string line = life_line(LifeMoment::start, *journal_, clock_);
  BatchRef batch = Batch::make(4096, journal_->checksum_seed());
  THORLOG_ASSERT(batch->add(life_record(line, clock_)));
  THORLOG_ASSERT(journal_->append({&batch, 1}, Room::internal).has_value());
}

KeeperWorld::~KeeperWorld() {
  reader_.reset();
  keeper_.reset();
  store_.reset();
}

void KeeperWorld::append(const TraceLine& line) {
  pass(line.seconds);
  static LineParser parser;
  // Senders have clocks of their own, which go right whatever is done to ours.
  std::string text = line.line;
  constexpr std::string_view kFirstStamp = "Nov 14 22:13:20";
  if (const std::size_t at = text.find(kFirstStamp); at != std::string::npos) {
    const std::time_t now = 1'700'000'000 + clock_.steady() / kSecond - 1;
    std::tm utc{};
    gmtime_r(&now, &utc);
    char stamp[32];
    std::strftime(stamp, sizeof stamp, "%b %e %H:%M:%S", &utc);
    text.replace(at, kFirstStamp.size(), stamp);
  }
  std::string padded = text + std::string(128, '\0');
  const std::string_view raw(padded.data(), text.size());
  Record record;
  ParseContext context;
  context.received = clock_.wall();
  parser.parse(raw, test_start(raw), context, record.event);
  record.input = 1;
  record.received = clock_.wall();
  record.peer = line.peer;
  BatchRef batch = Batch::make(raw.size() + 1024, journal_->checksum_seed());
  THORLOG_ASSERT(batch->add(record));
  THORLOG_ASSERT(journal_->append({&batch, 1}, Room::inputs).has_value());
}

void KeeperWorld::append_detection(const DetectionRecord& detection) {
  Record record = record_of(detection);
  record.received = clock_.wall();
  BatchRef batch = Batch::make(detection.json.size() + 1024, journal_->checksum_seed());
  THORLOG_ASSERT(batch->add(record));
  THORLOG_ASSERT(journal_->append({&batch, 1}, Room::internal).has_value());
}

void KeeperWorld::pass(double seconds) { clock_.advance(static_cast<std::int64_t>(seconds * 1e9)); }

Status KeeperWorld::turn(bool commit_now) {
  const std::int64_t log_time = journal_->log_time();
  for (;;) {
    auto batch = reader_->next();
    if (!batch) return fail(std::move(batch).error());
    if (!*batch) break;
    keeper_->take(**batch);
  }
  keeper_->advance(log_time);
  return commit_now || keeper_->commit_due() ? keeper_->commit(false) : ok();
}

Status KeeperWorld::settle() {
  for (int i = 0; i < 4; ++i) {
    if (Status turned = turn(true); !turned) return turned;
    if (keeper_->view().outbox == 0) return ok();
  }
  return fail({Errc::io, "the outbox does not get empty", 0});
}

std::map<std::string, int> keys_in(Journal& journal, std::map<std::string, std::string>* types) {
  std::map<std::string, int> keys;
  JournalReader reader(journal, {});
  for (;;) {
    auto batch = reader.next();
    if (!batch || !*batch) return keys;
    BatchReader records(**batch);
    Record record;
    while (records.next(record)) {
      if (record.event.kind != Kind::detection) continue;
      ++keys[std::string(record.detection_key)];
      if (types != nullptr) (*types)[std::string(record.detection_key)] = record.event.raw;
    }
  }
}

std::size_t lines_in(Journal& journal) {
  std::size_t lines = 0;
  JournalReader reader(journal, {});
  for (;;) {
    auto batch = reader.next();
    if (!batch || !*batch) return lines;
    BatchReader records(**batch);
    Record record;
    while (records.next(record)) lines += record.input == 1 ? 1U : 0U;
  }
}

}  // namespace thorlog
