#include "pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <thread>

#include "base/log.h"
#include "pipeline/origins.h"

namespace thorlog {
namespace {

constexpr auto kStopOutputs = std::chrono::milliseconds(2500);

ReassemblyOptions reassembly_options(const ReassemblySettings& settings) {
  ReassemblyOptions options;
  options.max_message = settings.max_message;
  options.timeout = settings.timeout.count();
  options.cut_sizes = settings.cut_sizes;
  options.learn = settings.learn;
  options.multiline = settings.multiline == Multiline::automatic;
  return options;
}

void add(InputBooks& to, const InputBooks& from) {
  to.received += from.received;
  to.bytes += from.bytes;
  to.emitted += from.emitted;
  to.joined += from.joined;
  to.held += from.held;
  for (std::size_t i = 0; i < to.refused.size(); ++i) to.refused[i] += from.refused[i];
  to.empty += from.empty;
  to.incomplete += from.incomplete;
  to.connections += from.connections;
  to.refused_connections += from.refused_connections;
  to.kernel_drops += from.kernel_drops;
}

}  // namespace

Pipeline::Pipeline(const Settings& settings, FileSystem& files, const Clock& clock)
    : settings_(settings), files_(files), clock_(clock), started_(clock.steady()) {}

Pipeline::~Pipeline() = default;

Result<std::unique_ptr<Pipeline>> Pipeline::open(const Settings& settings, FileSystem& files, const Clock& clock) {
  std::unique_ptr<Pipeline> self(new Pipeline(settings, files, clock));
  if (Status loaded = self->tables_.load(settings.identity); !loaded) return fail(std::move(loaded).error());
  if (Status opened = self->open_journal(); !opened) return fail(std::move(opened).error());
  self->make_workers();
  if (Status opened = self->open_inputs(); !opened) return fail(std::move(opened).error());
  if (Status opened = self->open_outputs(); !opened) return fail(std::move(opened).error());
  if (Status opened = self->open_scans(); !opened) return fail(std::move(opened).error());
  return self;
}

Status Pipeline::open_journal() {
  if (Status made = files_.make_folder(settings_.state_directory); !made) return made;
  JournalOptions options;
  options.folder = settings_.state_directory + "/journal";
  options.segment_bytes = settings_.journal.segment;
  options.max_bytes = settings_.journal.max_size;
  options.durability = settings_.journal.durability;
  options.retain = settings_.journal.retain.count();
  auto journal = Journal::open(files_, clock_, std::move(options));
  if (!journal) return fail(std::move(journal).error());
  journal_ = *std::move(journal);
  journal_->on_progress([this] {
    wake_outputs();
    if (on_stored_) on_stored_();
  });
  return ok();
}

void Pipeline::make_workers() {
  const std::uint32_t count = worker_count(settings_, std::thread::hardware_concurrency());
  pool_ = std::make_unique<BatchPool>();
  std::vector<WorkerIntake*> intakes;
  for (std::uint32_t i = 0; i < count; ++i) {
    WorkerIntake::Environment environment{clock_,
                                          tables_,
                                          pressure_,
                                          journal_->checksum_seed(),
                                          *pool_,
                                          stream_numbers_,
                                          reassembly_options(settings_.reassembly),
                                          settings_.reassembly.budget / count,
                                          [this] { log_thread_->ring(); },
                                          [this] { return journal_->state().synced_seq; },
                                          settings_.scans.enabled};
    workers_.push_back(std::make_unique<Worker>(std::move(environment), fmt::format("worker{}", i)));
    contexts_.push_back(std::make_unique<WorkerContext>(workers_[i]->loop(), workers_[i]->intake(), clock_));
    intakes.push_back(&workers_[i]->intake());
  }
  log_thread_ = std::make_unique<LogThread>(LogThread::Environment{
      *journal_, clock_, pressure_, std::move(intakes), [this](std::size_t i) { workers_[i]->ring(); },
      [this](std::string& pinning) { return acknowledged(pinning); }, [this](Position to) { drop_oldest(to); },
      settings_.journal.segment_bytes() / 4});
}

Result<InputRules> Pipeline::rules_of(const InputSettings& settings) {
  InputRules rules;
  rules.zone = TimeZone::make(settings.timezone);
  rules.agent_zone = TimeZone::make(settings.agent_timezone);
  if (!rules.zone || !rules.agent_zone) {
    return fail({Errc::config, fmt::format("input '{}': '{}' is no time zone that this system knows", settings.name,
                                           rules.zone ? settings.agent_timezone : settings.timezone)});
  }
  auto number = journal_->number_of(settings.name);
  if (!number) return fail(std::move(number).error());
  rules.number = *number;
  rules.trusted = settings.trust == Trust::thorlogd;
  rules.split = settings.split;
  rules.short_hostname = settings_.identity.short_hostname;
  return rules;
}

Result<Pipeline::PlannedInput> Pipeline::plan_input(const InputSettings& settings,
                                                    std::span<const InputSettings> all) {
  auto rules = rules_of(settings);
  if (!rules) return fail(std::move(rules).error());
  auto input = Input::open(settings, all, workers_.size());
  if (!input) return fail(std::move(input).error());
  if ((*input)->is_restartable()) (*input)->resume(newest_origins(*journal_, rules->number));
  PlannedInput planned;
  planned.settings = settings;
  planned.input = *std::move(input);
  planned.number = rules->number;
  planned.rules = *std::move(rules);
  return planned;
}

Status Pipeline::open_inputs() {
  for (const InputSettings& settings : settings_.inputs) {
    auto planned = plan_input(settings, settings_.inputs);
    if (!planned) return fail(std::move(planned).error());
    slots_.push_back({planned->settings, std::move(planned->input), planned->number});
    for (const auto& worker : workers_) worker->intake().set_rules(slots_.size() - 1, planned->rules);
  }
  return ok();
}

OutputEnvironment Pipeline::output_environment() {
  return {*journal_,
          files_,
          clock_,
          settings_.state_directory + "/cursors",
          settings_.state_directory,
          [this] { return tables_.assets(); },
          settings_.journal.durability,
          settings_.dead_letters.max_size};
}

Status Pipeline::open_outputs() {
  for (const OutputSettings& settings : settings_.outputs) {
    auto output = OutputRunner::open(settings, output_environment());
    if (!output) return fail(std::move(output).error());
    outputs_.push_back({settings, *std::move(output)});
  }
  return ok();
}

Status Pipeline::open_scans() {
  if (!settings_.scans.enabled) return ok();
  auto thread = ScanThread::open(
      {*journal_, files_, clock_, *log_thread_, settings_.state_directory, settings_.journal.durability,
       [this] { return tables_.assets(); }, [this] { return trusted_inputs(); }, [this] { return muted_inputs(); }},
      settings_.scans);
  if (!thread) return fail(std::move(thread).error());
  scan_thread_ = *std::move(thread);
  return ok();
}

std::vector<bool> Pipeline::trusted_inputs() const {
  std::vector<bool> trusted;
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.settings.trust != Trust::thorlogd) continue;
    if (trusted.size() <= slot.number) trusted.resize(slot.number + 1U);
    trusted[slot.number] = true;
  }
  return trusted;
}

std::vector<std::uint16_t> Pipeline::muted_inputs() const {
  if (pressure_.full || pressure_.failed) return {0};
  std::vector<std::uint16_t> muted;
  const std::lock_guard lock(mutex_);
  for (const Slot& slot : slots_) {
    if (slot.input && slot.input->snapshot().paused != 0) muted.push_back(slot.number);
  }
  return muted;
}

void Pipeline::acknowledge(std::string key, std::string by) {
  if (scan_thread_) scan_thread_->acknowledge(std::move(key), std::move(by));
}

void Pipeline::start(Loop& main) {
  main_ = &main;
  log_thread_->start();
  if (scan_thread_) scan_thread_->start();
  for (const Outlet& output : outputs_) output.runner->start();
  for (const auto& worker : workers_) worker->start();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) attach(slot);
}

void Pipeline::attach(std::size_t slot) {
  Input& input = *slots_[slot].input;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->run_and_wait([&] { input.attach(i, *contexts_[i], slot); });
  }
  input.start(*main_);
  const InputSnapshot socket = input.snapshot();
  std::string text = "listening on " + socket.listening;
  if (socket.receive_buffer_granted != 0) {
    text += fmt::format(", receive buffer {} KiB granted of {} KiB", socket.receive_buffer_granted / 1024,
                        socket.receive_buffer_asked / 1024);
  }
  log(Severity::info, "input " + slots_[slot].settings.name, text);
}

void Pipeline::detach(std::size_t slot) {
  Input& input = *slots_[slot].input;
  input.stop_accepting();
  std::vector<std::promise<void>> done(workers_.size());
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i]->post([&input, &promise = done[i], i] { input.detach(i, [&promise] { promise.set_value(); }); });
  }
  for (auto& promise : done) promise.get_future().wait();
}

void Pipeline::stop() {
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].input) detach(slot);
  }
  for (const auto& worker : workers_) {
    worker->run_and_wait([&] { worker->intake().flush_all(); });
    // The ring may be full for a moment; the log thread empties it unless the journal takes nothing any more.
    while (!worker->intake().handed_over() && !pressure_.full && !pressure_.failed) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      worker->run_and_wait([&] { worker->intake().room_made(); });
    }
    worker->run_and_wait([&] { worker->intake().end_turn(); });
    worker->stop();
  }
  if (scan_thread_) scan_thread_->stop();  // what it finds at the end must still be stored
  log_thread_->stop();
  // All outputs at once: each may wait for its own peer.
  for (const Outlet& output : outputs_) output.runner->begin_stop(kStopOutputs);
  for (const Outlet& output : outputs_) output.runner->stop(kStopOutputs);
  if (Status closed = journal_->close(); !closed) log(Severity::error, "journal", closed.error().message());
}

void Pipeline::wake_outputs() {
  if (scan_thread_) scan_thread_->wake();
  const std::lock_guard lock(mutex_);
  for (const Outlet& output : outputs_) output.runner->wake();
}

Position Pipeline::acknowledged(std::string& pinning) const {
  const std::lock_guard lock(mutex_);
  Position lowest = journal_->state().end;
  for (const Outlet& output : outputs_) {
    const Position at = output.runner->snapshot().position;
    if (at.seq >= lowest.seq) continue;
    lowest = at;
    pinning = output.settings.name;
  }
  if (scan_thread_) {
    const Position at = scan_thread_->settled();
    if (at.seq < lowest.seq) {
      lowest = at;
      pinning = "the scan watch";
    }
  }
  return lowest;
}

void Pipeline::drop_oldest(Position to) {
  const std::lock_guard lock(mutex_);
  for (const Outlet& output : outputs_) {
    if (output.settings.on_full != OnFull::drop_oldest) continue;
    if (output.runner->snapshot().position.seq < to.seq) output.runner->drop_before(to, DropReason::full);
  }
}

PipelineView Pipeline::view() const {
  PipelineView view;
  view.taken = clock_.wall();
  view.uptime = clock_.steady() - started_;
  // The log thread first: what it has stored was emitted before, so that a worker's later books cover it.
  view.log = log_thread_->snapshot();
  std::vector<WorkerSnapshot> workers;
  for (const auto& worker : workers_) workers.push_back(worker->intake().snapshot());
  for (const WorkerSnapshot& worker : workers) {
    for (std::size_t i = 0; i < view.kinds.size(); ++i) view.kinds[i] += worker.kinds[i];
    for (std::size_t i = 0; i < view.flags.size(); ++i) view.flags[i] += worker.flags[i];
  }
  for (std::size_t i = 0; i < view.kinds.size(); ++i) view.kinds[i] += view.log.internal_kinds[i];
  view.scans_enabled = scan_thread_ != nullptr;
  if (scan_thread_) view.scans = scan_thread_->view();
  view.journal = journal_->state();
  view.journal_full = pressure_.full;
  view.journal_failed = pressure_.failed;

  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    InputView input;
    input.name = slots_[i].settings.name;
    input.type = name_of(slots_[i].settings.type);
    input.running = slots_[i].input != nullptr;
    if (input.running) input.socket = slots_[i].input->snapshot();
    for (const WorkerSnapshot& worker : workers) {
      if (i < worker.inputs.size()) add(input.books, worker.inputs[i]);
    }
    if (i < view.log.stored.size()) input.stored = view.log.stored[i];
    view.inputs.push_back(std::move(input));
  }
  for (const Outlet& output : outputs_) {
    view.outputs.push_back({output.settings.name, std::string(name_of(output.settings.type)),
                            output.runner->snapshot(), output_watch_.stalled(output.settings.name)});
  }
  return view;
}

void Pipeline::watch_outputs() {
  const std::lock_guard lock(mutex_);
  for (const Outlet& output : outputs_) {
    const std::chrono::nanoseconds patience =
        output.settings.type == OutputType::email ? output.settings.digest : std::chrono::nanoseconds(0);
    output_watch_.look(output.settings.name, output.runner->snapshot(), patience.count(), clock_.steady());
  }
}

bool Pipeline::all_beating() {
  std::vector<std::uint64_t> beats{log_thread_->beats()};
  for (const auto& worker : workers_) beats.push_back(worker->loop().beats());
  if (scan_thread_) beats.push_back(scan_thread_->beats());
  for (const Outlet& output : outputs_) beats.push_back(output.runner->beats());
  bool all = true;
  if (beats.size() == last_beats_.size()) {
    for (std::size_t i = 0; i < beats.size(); ++i) all = all && beats[i] != last_beats_[i];
  }
  last_beats_ = std::move(beats);
  return all;
}

void Pipeline::tend() {
  watch_outputs();
  const std::uint64_t before = tables_.version();
  tables_.refresh();
  if (tables_.version() == before) return;
  for (const Outlet& output : outputs_) output.runner->assets_changed();
}

}  // namespace thorlog
