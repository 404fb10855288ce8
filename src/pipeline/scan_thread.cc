#include "pipeline/scan_thread.h"

#include <fmt/format.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/log.h"
#include "scans/scan_options.h"

namespace thorlog {
namespace {

// Not a name that an output can have.
constexpr const char* kCursorName = "@scans";
constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kLookEvery = 100 * kMs;
constexpr std::int64_t kPruneEvery = 60'000 * kMs;
constexpr std::int64_t kRetryAfter = 1'000 * kMs;
constexpr std::int64_t kViewEvery = 500 * kMs;
constexpr auto kBreath = std::chrono::milliseconds(5);
constexpr auto kSleep = std::chrono::milliseconds(50);
constexpr std::uint64_t kCountsAtStop = 20'000;
constexpr std::int64_t kStopWithin = 1'000 * kMs;
constexpr std::uint64_t kRecordsPerTurn = 20'000;

}  // namespace

Result<std::shared_ptr<const RuleSet>> load_rules(const ScanSettings& settings) {
  std::vector<ConfigError> errors;
  auto rules = RuleSet::load_folder(settings.rules, errors);
  if (rules) return rules;
  std::string all;
  for (const ConfigError& error : errors) all += (all.empty() ? "" : "\n") + error.message();
  return fail({Errc::config, all, 0});
}

ScanThread::ScanThread(Environment environment, const ScanSettings& settings, std::shared_ptr<const RuleSet> rules)
    : env_(std::move(environment)), settings_(settings), rules_(std::move(rules)) {}

ScanThread::~ScanThread() { THORLOG_ASSERT(!thread_.joinable()); }

Result<std::unique_ptr<ScanThread>> ScanThread::open(Environment environment, const ScanSettings& settings) {
  auto rules = load_rules(settings);
  if (!rules) return fail(std::move(rules).error());
  std::unique_ptr<ScanThread> self(new ScanThread(std::move(environment), settings, *std::move(rules)));
  // A new store learns from all that the journal still holds. The cursor file is for the journal only, which must
  // know it before anything is recovered: what counts is the place in the store.
  auto cursor = Cursor::open(self->env_.files, self->env_.clock, self->env_.state_folder + "/cursors", kCursorName,
                             self->env_.journal, Cursor::Start::oldest);
  if (!cursor) return fail(std::move(cursor).error());
  self->cursor_ = *std::move(cursor);
  if (Status made = self->make_keeper(); !made) return fail(std::move(made).error());
  self->publish();
  return self;
}

Status ScanThread::make_keeper() {
  keeper_.reset();
  store_.reset();
  auto store = ScanStore::open(env_.files, env_.state_folder, env_.journal.uuid());
  if (!store) return fail(std::move(store).error());
  store_ = *std::move(store);
  trusted_ = env_.trusted();
  ScanKeeper::Environment environment{
      env_.journal,
      env_.clock,
      *store_,
      [this](DetectionRecord record) {
        if (posted_.insert(record.key).second) env_.log_thread.post_detection(std::move(record));
      },
      [this](const std::string& key) { posted_.erase(key); },
      env_.assets,
      [this](std::uint16_t input) { return input < trusted_.size() && trusted_[input]; }};
  keeper_ = std::make_unique<ScanKeeper>(std::move(environment), scan_options(settings_), rules_);
  if (Status loaded = keeper_->load(env_.journal.state().end); !loaded) return loaded;
  reader_ = std::make_unique<JournalReader>(env_.journal, keeper_->start());
  reader_->only_synced(env_.durability == Durability::disk);
  return ok();
}

void ScanThread::start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "scans");
    run();
  });
}

void ScanThread::stop() {
  stopping_ = true;
  wake();
  thread_.join();
}

void ScanThread::wake() noexcept {
  if (woken_.exchange(true)) return;
  const std::lock_guard lock(mutex_);
  bell_.notify_one();
}

void ScanThread::run() {
  while (!stopping_) {
    ++beats_;
    woken_ = false;
    run_tasks();
    sleep(turn());
  }
  const std::int64_t until = env_.clock.steady() + kStopWithin;
  run_tasks();
  while (keeper_ && !turn() && env_.clock.steady() < until) {
  }
  // With very many scans all counts would take longer than a stop may: the next life reads them from the journal
  // again.
  if (keeper_)
    commit(std::accumulate(view_.counters.scans.begin(), view_.counters.scans.end(), std::uint64_t{0}) <
           kCountsAtStop);
  if (Status saved = cursor_->save(true); !saved) log(Severity::warning, "scans", saved.error().message());
}

// True: there is nothing to do until something is stored or a timer is due.
bool ScanThread::turn() {
  if (!keeper_) {
    if (env_.clock.steady() < retry_at_) return true;
    if (Status made = make_keeper(); !made) {
      give_up(made.error());
      return true;
    }
  }
  // In this order: what was stored before the watermark is published before the end that is asked for after it.
  const std::int64_t log_time = env_.log_thread.watermark();
  const std::uint64_t end = env_.journal.state().end.seq;
  std::uint64_t left = kRecordsPerTurn;
  while (left > 0 && read(left)) {
  }
  const bool drained = reader_->position().seq >= end;
  if (drained) keeper_->advance(log_time);
  listen_for_silence(log_time);
  if (keeper_->commit_due() || (no_space_ && keeper_->settled().seq < keeper_->position().seq)) commit(false);
  if (!keeper_) return true;  // the store refused; it is tried again after a while
  publish();
  return drained || left == kRecordsPerTurn;  // what is not synced yet can't be read yet
}

bool ScanThread::read(std::uint64_t& left) {
  auto batch = reader_->next();
  if (!batch) {
    log(Severity::error, "scans", batch.error().message());
    return false;
  }
  if (!*batch) return false;
  keeper_->take(**batch);
  left -= std::min<std::uint64_t>(left, (*batch)->count());
  return true;
}

// Who was not read while nobody could have been heard must not look silent.
void ScanThread::listen_for_silence(std::int64_t log_time) {
  const std::int64_t now = env_.clock.steady();
  if (now < next_look_) return;
  next_look_ = now + kLookEvery;
  trusted_ = env_.trusted();
  no_space_ = false;
  for (const std::uint16_t input : env_.muted()) {
    no_space_ = no_space_ || input == 0;
    if (log_time_ != 0 && log_time > log_time_) keeper_->deaf(input, log_time_, log_time);
  }
  log_time_ = log_time;
  if (now < next_prune_) return;
  next_prune_ = now + kPruneEvery;
  keeper_->prune(env_.clock.wall() - settings_.keep.count());
}

void ScanThread::commit(bool everything) {
  if (Status done = keeper_->commit(everything); !done) return give_up(done.error());
  const Position settled = keeper_->settled();
  if (settled.seq > cursor_->position().seq) {
    cursor_->settle(settled, settled.seq - cursor_->position().seq, 0);
    if (Status saved = cursor_->save(); !saved) log(Severity::warning, "scans", saved.error().message());
  }
}

// Nothing of what was found since the last commit counts; it is found again, with the same keys.
void ScanThread::give_up(const Error& error) {
  log(Severity::error, "scans", error.message() + "; the scan watch begins again at its last commit");
  keeper_.reset();
  retry_at_ = env_.clock.steady() + kRetryAfter;
  const std::lock_guard lock(mutex_);
  view_.running = false;
  view_.trouble = error.message();
}

void ScanThread::run_tasks() {
  std::vector<std::function<void(ScanThread&)>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task(*this);
}

void ScanThread::post(std::function<void(ScanThread&)> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake();
}

void ScanThread::update(const ScanSettings& settings, std::shared_ptr<const RuleSet> rules) {
  post([settings, rules = std::move(rules)](ScanThread& self) {
    self.settings_ = settings;
    self.rules_ = rules;
    if (!self.keeper_) return;
    self.keeper_->set_options(scan_options(settings));
    self.keeper_->set_rules(rules);
  });
}

void ScanThread::acknowledge(std::string key, std::string by) {
  post([key = std::move(key), by = std::move(by)](ScanThread& self) {
    if (self.keeper_) self.keeper_->acknowledge(key, by);
  });
}

void ScanThread::publish() {
  const std::int64_t now = env_.clock.steady();
  const bool all = now >= next_view_;
  if (all) next_view_ = now + kViewEvery;
  ScanWatchView view = all ? keeper_->view() : ScanWatchView();
  const std::lock_guard lock(mutex_);
  if (all) view_ = std::move(view);
  keeper_->glance(view_);
  settled_ = keeper_->settled();
}

Position ScanThread::settled() const {
  const std::lock_guard lock(mutex_);
  return settled_;
}

ScanWatchView ScanThread::view() const {
  const std::lock_guard lock(mutex_);
  return view_;
}

void ScanThread::sleep(bool drained) {
  if (!drained) return;
  // Lines come by the thousand a second: one wake-up for all that came meanwhile.
  std::this_thread::sleep_for(kBreath);
  std::unique_lock lock(mutex_);
  bell_.wait_for(lock, kSleep, [this] { return woken_.load() || stopping_.load(); });
}

}  // namespace thorlog
