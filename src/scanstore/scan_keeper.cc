#include "scanstore/scan_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/file.h"
#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kUrgent = 20'000'000;  // a finding waits at most this long for the commit
constexpr std::uint64_t kRecordsPerCommit = 50'000;
constexpr std::int64_t kSoon = 100'000'000;  // a place in the journal that was read back, likewise
// Counts of so many scans and assets are written each second, however many are under way: each is a few pages of the
// store, and counts must not cost more than the watch itself.
constexpr std::size_t kCountsPerSecond = 400;
constexpr std::size_t kAllCounts = std::numeric_limits<std::size_t>::max();
// Places to look evidence up from: near enough that little is read in vain, few enough for the whole of a journal.
constexpr std::size_t kPlaces = 1U << 16;
constexpr std::uint64_t kPlaceEvery = 256U << 10;
constexpr std::size_t kEvidenceBytes = 2048;

}  // namespace

ScanKeeper::ScanKeeper(Environment environment, const ScanOptions& options, std::shared_ptr<const RuleSet> rules)
    : env_(std::move(environment)), watch_(options, *this, std::move(rules)) {}

ScanKeeper::~ScanKeeper() = default;

Status ScanKeeper::load(Position log_end) {
  log_end_ = log_end;
  assets_ = env_.assets();
  Status loaded =
      env_.store.load([this](std::string_view blob) { watch_.load_scan(blob); },
                      [this](std::string_view blob) { watch_.load_asset(blob); },
                      [this](std::string_view key, std::string_view blob) { watch_.load_state(key, blob); });
  if (!loaded) return loaded;
  auto outbox = env_.store.outbox();
  if (!outbox) return fail(std::move(outbox).error());
  to_append_ = *std::move(outbox);
  for (const DetectionRecord& record : to_append_) waiting_.insert(record.key);
  // A power cut may have taken records of the journal that the store knows: their numbers are given again, to others.
  const auto at_most_the_end = [this](Position place) { return place.seq <= log_end_.seq ? place : log_end_; };
  seen_before_ = at_most_the_end(env_.store.marks().seen);
  settled_ = seen_before_;
  position_ = counted_ = at_most_the_end(env_.store.marks().counted);
  caught_up_ = position_.seq >= log_end_.seq;
  next_commit_ = env_.clock.steady() + kSecond;
  return ok();
}

void ScanKeeper::take(const Batch& batch) {
  assets_ = env_.assets();
  if (places_.empty() || batch.base_offset() < places_.back().offset ||
      batch.base_offset() - places_.back().offset >= kPlaceEvery)
    places_.push_back({batch.base_offset(), batch.base_seq()});
  if (places_.size() > kPlaces) places_.pop_front();
  const bool is_new = batch.base_seq() >= std::max(position_.seq, seen_before_.seq);
  if (!is_new || batch.doubtful() || !watch_.may_pass())
    take_all(batch);
  else
    take_hinted(batch, batch.hints().empty() ? read_hints(batch) : batch.hints());
  records_ += batch.count();
  position_ = {batch.end_offset(), batch.end_seq()};
  log_time_ = batch.stored();
  caught_up_ = caught_up_ || position_.seq >= log_end_.seq;
}

// Every record in full.
void ScanKeeper::take_all(const Batch& batch) {
  BatchReader reader(batch);
  const auto read = [&] {
    Ahead& next = ahead_[ahead_read_ % ahead_.size()];
    while (reader.next(next.record)) {
      if (reader.seq() < position_.seq) continue;
      next.record.pieces = {};  // the reader's own, and of no use here
      next.id = {batch.partition(), reader.offset()};
      next.seq = reader.seq();
      watch_.expect(next.record);
      ++ahead_read_;
      return true;
    }
    return false;
  };
  for (bool more = true;;) {
    while (more && ahead_read_ - ahead_seen_ < ahead_.size()) more = read();
    if (ahead_seen_ == ahead_read_) break;
    see(ahead_[ahead_seen_++ % ahead_.size()], batch.stored());
  }
}

// Only those in full that do more than count.
void ScanKeeper::take_hinted(const Batch& batch, std::span<const RecordHint> hints) {
  const BatchPlace place{batch.partition(), batch.base_offset(), batch.base_seq(), batch.stored()};
  BatchReader reader(batch);
  Ahead& next = ahead_[0];
  for (std::size_t n = 0; (n = watch_.pass(hints, n, place)) < hints.size(); ++n) {
    reader.go_to(static_cast<std::uint32_t>(n), hints[n].at);
    if (!reader.next(next.record)) break;  // can't be: it was made here
    next.id = {batch.partition(), reader.offset()};
    next.seq = reader.seq();
    see(next, batch.stored());
  }
}

// For a batch that came from a disk, where hints are not kept: still less than to see all of it in full.
std::span<const RecordHint> ScanKeeper::read_hints(const Batch& batch) {
  hints_.clear();
  BatchReader reader(batch);
  Record& record = ahead_[0].record;
  std::string_view peer;  // lines of one sender mostly follow each other
  std::uint32_t sender = 0;
  while (reader.next(record)) {
    if (record.peer != peer) sender = sender_hash(peer = record.peer);
    hints_.push_back(hint_of(record, sender));
    hints_.back().at = static_cast<std::uint32_t>(reader.offset() - batch.base_offset());
  }
  return hints_;
}

void ScanKeeper::see(const Ahead& next, std::int64_t stored) {
  const Record& record = next.record;
  const SeenRecord seen{record, next.id, next.seq, stored, env_.trusted(record.input)};
  if (next.seq < seen_before_.seq) {
    watch_.recount(seen);
  } else {
    if (record.event.kind == Kind::detection && record.input == 0) note_own_detection(record, next.id, next.seq);
    watch_.see(seen);
  }
}

void ScanKeeper::advance(std::int64_t log_time) {
  caught_up_ = true;  // nothing is left to be read
  if (log_time <= log_time_) return;
  log_time_ = log_time;
  watch_.advance(log_time);
}

void ScanKeeper::note_own_detection(const Record& record, RecordId id, std::uint64_t seq) {
  if (record.detection_key.empty()) return;
  begin();
  const Event& event = record.event;
  const DetectionRecord read{std::string(record.detection_key),
                             std::string(event.raw),
                             std::string(event.message),
                             std::string(event.canonical_host),
                             std::string(event.scan_id),
                             std::string(event.group_id),
                             event.level,
                             event.flags};
  env_.store.mark_stored(read, id, seq, record.received);
  marked_ = true;
  env_.stored(read.key);
  if (waiting_.erase(read.key) == 0) return;
  std::erase_if(to_append_, [&](const DetectionRecord& one) { return one.key == read.key; });
}

bool ScanKeeper::commit_due() const noexcept {
  const std::int64_t now = env_.clock.steady();
  if (found_ || (caught_up_ && !to_append_.empty())) return now >= next_commit_ - kSecond + kUrgent;
  if (marked_ && now >= next_commit_ - kSecond + kSoon) return true;
  return records_ >= kRecordsPerCommit || now >= next_commit_;
}

Status ScanKeeper::commit(bool everything) {
  const std::int64_t begun = env_.clock.steady();
  const bool counts = everything || begun >= next_counts_;
  begin();
  if (!sweeping_) sweep_from_ = position_;
  sweeping_ = !watch_.collect(everything ? kAllCounts : counts ? kCountsPerSecond : 0);
  // A sweep that was under way before tells of the moment at which it began; another one, of now.
  if (everything && sweep_from_.seq < position_.seq) {
    sweep_from_ = position_;
    sweeping_ = !watch_.collect(kAllCounts);
  }
  // While an earlier life's records are counted again, what was decided then stays decided.
  const Position seen = position_.seq >= seen_before_.seq ? position_ : seen_before_;
  const ScanMarks marks{seen, sweeping_ ? counted_ : sweep_from_, log_time_};
  if (marked_) {
    if (Status passed = hit_fault(FaultPoint::outbox_mark); !passed) return passed;
  }
  marked_ = false;
  begun_ = false;
  if (Status done = env_.store.commit(marks); !done) return done;
  counted_ = marks.counted;
  settled_ = seen;
  records_ = 0;
  found_ = false;
  const std::int64_t now = env_.clock.steady();
  next_commit_ = now + kSecond;
  if (counts) next_counts_ = now + kSecond;
  hand_over();
  return ok();
}

// What is committed and not in the journal yet; not before we know what is.
void ScanKeeper::hand_over() {
  if (!caught_up_) return;
  for (DetectionRecord& record : to_append_) {
    if (Status passed = hit_fault(FaultPoint::outbox_append); !passed) {
      log(Severity::error, "scans", passed.error().message());
    }
    env_.append(std::move(record));
  }
  to_append_.clear();
}

void ScanKeeper::begin() {
  if (!begun_) env_.store.begin();
  begun_ = true;
}

void ScanKeeper::on_detection(const Detection& detection) {
  begin();
  if (!env_.store.put_detection(detection, env_.journal.state().end.seq)) return;
  found_ = true;
  waiting_.insert(detection.key);
  to_append_.push_back({detection.key, detection_json(detection), detection.summary, detection.host,
                        detection.scan_id, detection.group_id, detection.level, detection.flags});
}

void ScanKeeper::on_run_over(const ScanRow& row) {
  begin();
  env_.store.put_run(row);
}

void ScanKeeper::on_dark_peer(std::string_view peer, bool dark) {
  log(dark ? Severity::warning : Severity::notice, "scans",
      dark ? fmt::format("peer {} carried many hosts and is silent: the clocks of their scans stand still", peer)
           : fmt::format("peer {} speaks again", peer));
}

std::string_view ScanKeeper::asset_label(std::string_view host, std::string_view full_name, std::string_view ip,
                                         bool& mapped) {
  const std::string_view label = assets_ ? assets_->find(host, full_name, ip) : std::string_view();
  mapped = !label.empty();
  return label;
}

bool ScanKeeper::recall(std::string_view host, std::string_view scan_id, std::string& state_blob) {
  return env_.store.recall(host, scan_id, state_blob);
}

Position ScanKeeper::hint_for(std::uint64_t offset) const {
  const auto behind = std::upper_bound(places_.begin(), places_.end(), offset,
                                       [](std::uint64_t at, const Position& place) { return at < place.offset; });
  return behind == places_.begin() ? env_.journal.place_before(offset) : *std::prev(behind);
}

bool ScanKeeper::fetch(RecordId id, Evidence& evidence) {
  const auto holds = [&](const BatchRef& batch) {
    return batch && batch->base_offset() <= id.offset && id.offset < batch->end_offset();
  };
  if (!holds(fetched_)) {
    fetched_ = BatchRef();
    JournalReader reader(env_.journal, hint_for(id.offset));
    reader.read_little();
    while (!holds(fetched_)) {
      auto batch = reader.next();
      if (!batch || !*batch || (*batch)->base_offset() > id.offset) return false;
      fetched_ = *std::move(batch);
    }
  }
  BatchReader records(*fetched_);
  Record record;
  while (records.next(record)) {
    if (records.offset() != id.offset) continue;
    evidence = {id, record.received, std::string(record.event.raw.substr(0, kEvidenceBytes))};
    return true;
  }
  return false;
}

void ScanKeeper::on_scan(const ScanRow& row) {
  env_.store.put_scan(row);
  env_.store.put_run(row);
}
void ScanKeeper::on_asset(const AssetRow& row) { env_.store.put_asset(row); }
void ScanKeeper::on_state(std::string_view key, std::string_view blob) { env_.store.put_state(key, blob); }

void ScanKeeper::acknowledge(std::string key, std::string by) {
  begin();
  env_.store.acknowledge(key, env_.clock.wall(), by);
  found_ = true;
}

void ScanKeeper::prune(std::int64_t before) {
  begin();
  if (auto more = env_.store.prune(before); !more) log(Severity::warning, "scans", more.error().message());
}

ScanWatchView ScanKeeper::view() const {
  ScanWatchView view;
  view.counters = watch_.counters();
  glance(view);
  return view;
}

void ScanKeeper::glance(ScanWatchView& view) const {
  view.running = true;
  view.position = position_;
  view.outbox = waiting_.size();
  view.trouble.clear();
}

}  // namespace thorlog
