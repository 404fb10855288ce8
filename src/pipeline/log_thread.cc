#include "pipeline/log_thread.h"

#include <fmt/format.h>
#include <pthread.h>

#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxTakenBytes = 4U << 20;  // in one append: it must find its place within a segment
constexpr std::uint64_t kTendMs = 100;
constexpr std::int64_t kLifeEvery = 60'000'000'000;

}  // namespace

LogThread::LogThread(Environment environment)
    : env_(std::move(environment)),
      bell_(loop_, [this] { drain(); }),
      internal_(loop_,
                [this](Internal&& record) {
                  if (record.last) return finish();
                  record.detection ? add_detection(*record.detection) : add_internal(record.kind, record.raw);
                  drain();
                }),
      tend_timer_(loop_, [this] { tend(); }),
      first_seq_(env_.journal.state().end.seq) {}

LogThread::~LogThread() { THORLOG_ASSERT(!thread_.joinable()); }

void LogThread::start() {
  tend_timer_.start(kTendMs, kTendMs);
  add_internal(Kind::life, life(LifeMoment::start));
  append_internal();  // before the first line of this life
  publish_books();
  thread_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "log");
    loop_.run();
  });
}

void LogThread::stop() {
  internal_.post({Kind::life, std::string(), true, nullptr});
  thread_.join();
}

void LogThread::post_internal(Kind kind, std::string raw) { internal_.post({kind, std::move(raw), false, nullptr}); }

void LogThread::post_detection(DetectionRecord detection) {
  internal_.post({Kind::detection, std::string(), false, std::make_unique<DetectionRecord>(std::move(detection))});
}

void LogThread::drain() {
  // Until the rings are empty: a worker rings once for what may be many batches.
  do {
    append();
  } while (take_from_rings());
  append_internal();
  publish_books();
}

bool LogThread::take_from_rings() {
  bool any = false;
  for (std::size_t i = 0; i < env_.intakes.size(); ++i) {
    BatchRing& ring = env_.intakes[i]->ring();
    HandOver next;
    bool took = false;
    // When the journal takes nothing, what was taken stays, and the rings hold the rest back.
    while (taken_bytes_ < kMaxTakenBytes && ring.pop(next)) {
      taken_bytes_ += next.batch->bytes().size();
      taken_.push_back(std::move(next));
      taken_from_.push_back(env_.intakes[i]);
      took = true;
    }
    if (took) env_.room_made(i);
    any = any || took;
  }
  return any;
}

void LogThread::finish() {
  add_internal(Kind::life, life(LifeMoment::stop));
  drain();
  if (!taken_.empty()) {
    std::uint64_t lines = 0;
    for (const HandOver& one : taken_) lines += one.batch->count();
    log(Severity::error, "journal", fmt::format("stopped while it took nothing: {} lines are lost", lines));
  }
  loop_.stop();
}

void LogThread::append() {
  if (taken_.empty()) return;
  while (!taken_.empty()) {
    if (Status stored = append_portion(); !stored) return say_refused(stored.error());
  }
  const bool was_full = env_.pressure.full.exchange(false);
  if (env_.pressure.failed.exchange(false) || was_full) {
    log(Severity::notice, "journal", "there is room again; the inputs go on");
    for (std::size_t i = 0; i < env_.intakes.size(); ++i) env_.room_made(i);
  }
}

Status LogThread::append_portion() {
  batches_.clear();
  std::size_t bytes = 0;
  for (const HandOver& one : taken_) {
    const std::size_t size = one.batch->bytes().size();
    if (!batches_.empty() && bytes + size > env_.portion) break;
    batches_.push_back(one.batch);
    bytes += size;
  }
  if (Status stored = env_.journal.append(batches_); !stored) return stored;
  for (std::size_t i = 0; i < batches_.size(); ++i) {
    const std::size_t slot = taken_[i].slot;
    taken_from_[i]->note_stored(taken_[i], batches_[i]->end_seq());
    if (now_.stored.size() <= slot) now_.stored.resize(slot + 1);
    now_.stored[slot] += batches_[i]->count();
  }
  taken_.erase(taken_.begin(), taken_.begin() + static_cast<std::ptrdiff_t>(batches_.size()));
  taken_from_.erase(taken_from_.begin(), taken_from_.begin() + static_cast<std::ptrdiff_t>(batches_.size()));
  taken_bytes_ -= bytes;
  batches_.clear();
  return ok();
}

void LogThread::say_refused(const Error& error) {
  std::atomic<bool>& pressure = error.code == Errc::disk_full ? env_.pressure.full : env_.pressure.failed;
  if (!pressure.exchange(true)) log(Severity::error, "journal", error.message() + "; the inputs wait");
}

void LogThread::append_internal() {
  if (own_.empty()) return;
  std::uint64_t records = 0;
  for (const BatchRef& batch : own_) records += batch->count();
  if (Status stored = env_.journal.append(own_, Room::internal); !stored) return;  // again at the next turn
  now_.internal += records;
  for (std::size_t i = 0; i < own_kinds_.size(); ++i) now_.internal_kinds[i] += own_kinds_[i];
  own_kinds_.fill(0);
  own_.clear();
}

void LogThread::tend() {
  std::string pinning;
  const Position acknowledged = env_.acknowledged(pinning);
  env_.journal.tend(acknowledged, pinning);
  if (env_.pressure.full) {
    const Position next = env_.journal.state().next_segment;
    if (acknowledged.seq < next.seq) env_.drop_oldest(next);
  }
  if (env_.clock.steady() >= next_life_) add_internal(Kind::life, life(LifeMoment::beat));
  drain();
}

std::string LogThread::life(LifeMoment moment) {
  next_life_ = env_.clock.steady() + kLifeEvery;
  return life_line(moment, env_.journal, env_.clock);
}

void LogThread::add_internal(Kind kind, std::string_view raw) {
  Record record;
  record.event.kind = kind;
  record.event.raw = raw;
  add_internal(record);
}

void LogThread::add_detection(const DetectionRecord& detection) {
  Record record = record_of(detection);
  add_internal(record);
}

void LogThread::add_internal(Record& record) {
  record.received = env_.clock.wall();
  BatchRef batch = Batch::make(kRecordHeaderSize + record.event.raw.size() + 256, env_.journal.checksum_seed());
  THORLOG_ASSERT(batch->add(record));
  own_.push_back(std::move(batch));
  ++own_kinds_[static_cast<std::size_t>(record.event.kind)];
}

void LogThread::publish_books() {
  now_.total = env_.journal.state().end.seq - first_seq_;
  watermark_.store(env_.journal.log_time(), std::memory_order_release);
  const std::lock_guard lock(mutex_);
  published_ = now_;
}

LogSnapshot LogThread::snapshot() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

}  // namespace thorlog
