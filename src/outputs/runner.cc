#include "outputs/runner.h"

#include <pthread.h>

#include <future>
#include <thread>

#include "base/log.h"
#include "outputs/kinds.h"
#include "outputs/worker.h"

namespace thorlog {
namespace {

constexpr std::chrono::milliseconds kTakeUpWithin{1000};

std::string dead_letter_folder(const OutputEnvironment& environment, const std::string& output) {
  return environment.state_folder + "/dead-letters/" + output;
}

}  // namespace

class OutputRunner::Impl {
 public:
  using Task = std::function<void(OutputWorker&)>;

  Impl(OutputSettings settings, OutputEnvironment environment, Matcher matcher, std::unique_ptr<Cursor> cursor,
       std::shared_ptr<DeadLetters> letters)
      : name_(settings.name),
        letters_(letters),
        worker_(std::make_unique<OutputWorker>(loop_, std::move(environment), std::move(settings), std::move(matcher),
                                               std::move(cursor), std::move(letters))),
        tasks_(std::make_unique<Mailbox<Task>>(loop_, [this](Task&& task) { task(*worker_); })) {}

  ~Impl() {
    stop(std::chrono::milliseconds(0));
    tasks_.reset();  // before the loop that they live on
    worker_.reset();
  }

  OutputWorker& worker() noexcept { return *worker_; }
  const OutputWorker& worker() const noexcept { return *worker_; }
  const std::string& name() const noexcept { return name_; }
  const std::shared_ptr<DeadLetters>& letters() const noexcept { return letters_; }
  std::uint64_t beats() const noexcept { return loop_.beats(); }

  void start() {
    started_ = true;
    thread_ = std::thread([this] {
      ::pthread_setname_np(::pthread_self(), ("out " + name_).substr(0, 15).c_str());
      worker_->start();
      loop_.run();
    });
  }
  void post(Task task) { tasks_->post(std::move(task)); }
  // Returns when the output's thread has done it, or after a moment when that is busy with its disk.
  void post_and_wait(Task task) {
    auto done = std::make_shared<std::promise<void>>();
    std::future<void> waiting = done->get_future();
    post([task = std::move(task), done](OutputWorker& worker) {
      task(worker);
      done->set_value();
    });
    if (started_) waiting.wait_for(kTakeUpWithin);
  }

  void stop(std::chrono::milliseconds within) {
    if (!started_ || !thread_.joinable()) return;
    post([within](OutputWorker& worker) { worker.stop(within); });
    thread_.join();
  }

 private:
  std::string name_;
  std::shared_ptr<DeadLetters> letters_;
  Loop loop_;
  std::unique_ptr<OutputWorker> worker_;
  std::unique_ptr<Mailbox<Task>> tasks_;
  std::thread thread_;
  bool started_ = false;
};

OutputRunner::OutputRunner(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
OutputRunner::~OutputRunner() = default;

Result<std::unique_ptr<OutputRunner>> OutputRunner::open(const OutputSettings& settings,
                                                         OutputEnvironment environment) {
  auto matcher = Matcher::compile(settings.match);
  if (!matcher) return fail(std::move(matcher).error());
  if (auto checked = check_sink(settings); !checked) return fail(std::move(checked).error());
  const auto start = settings.start == StartAt::oldest ? Cursor::Start::oldest : Cursor::Start::now;
  auto cursor = Cursor::open(environment.files, environment.clock, environment.cursor_folder, settings.name,
                             environment.journal, start);
  if (!cursor) return fail(std::move(cursor).error());
  auto letters = std::make_shared<DeadLetters>(environment.files, dead_letter_folder(environment, settings.name),
                                               environment.journal.uuid(), environment.dead_letter_bytes);
  if (auto loaded = letters->load(); !loaded) return fail(std::move(loaded).error());
  auto impl = std::make_unique<Impl>(settings, std::move(environment), *std::move(matcher), *std::move(cursor),
                                     std::move(letters));
  if (auto made = impl->worker().make_first_sink(); !made) return fail(std::move(made).error());
  return std::unique_ptr<OutputRunner>(new OutputRunner(std::move(impl)));
}

void OutputRunner::start() { impl_->start(); }

void OutputRunner::wake() noexcept { impl_->worker().wake(); }

Status OutputRunner::update(const OutputSettings& settings) {
  auto matcher = Matcher::compile(settings.match);
  if (!matcher) return fail(std::move(matcher).error());
  if (auto checked = check_sink(settings); !checked) return checked;
  auto shared = std::make_shared<Matcher>(*std::move(matcher));  // a task can be copied, a matcher can't
  // Who asked for the change may rely on it for every record that comes after the answer.
  impl_->post_and_wait([settings, shared](OutputWorker& worker) { worker.update(settings, std::move(*shared)); });
  return ok();
}

void OutputRunner::reopen() {
  impl_->post_and_wait([](OutputWorker& worker) { worker.reopen(); });
}

void OutputRunner::assets_changed() noexcept {
  impl_->post([](OutputWorker& worker) { worker.assets_changed(); });
}

void OutputRunner::drop_before(Position to, DropReason reason) {
  impl_->post([to, reason](OutputWorker& worker) { worker.drop_before(to, reason); });
}

Status OutputRunner::replay(const ReplayRequest& request) {
  auto result = std::make_shared<std::promise<Status>>();
  std::future<Status> answer = result->get_future();
  impl_->post([request, result](OutputWorker& worker) { result->set_value(worker.replay(request)); });
  if (answer.wait_for(kTakeUpWithin) == std::future_status::ready) return answer.get();
  return ok();  // its thread waits for a disk; it will begin
}

void OutputRunner::cancel_replay() {
  impl_->post([](OutputWorker& worker) { worker.cancel_replay(); });
}

void OutputRunner::retry(std::vector<std::uint64_t> letters) {
  impl_->post([letters = std::move(letters)](OutputWorker& worker) { worker.retry(letters); });
}

std::shared_ptr<DeadLetters> OutputRunner::dead_letters() const { return impl_->letters(); }
std::optional<Movement> OutputRunner::movement_of(std::uint64_t seq) const {
  return impl_->worker().history().of(seq);
}
OutputSnapshot OutputRunner::snapshot() const { return impl_->worker().snapshot(); }
std::uint64_t OutputRunner::beats() const noexcept { return impl_->beats(); }

void OutputRunner::begin_stop(std::chrono::milliseconds within) {
  impl_->post([within](OutputWorker& worker) { worker.stop(within); });
}
void OutputRunner::stop(std::chrono::milliseconds within) { impl_->stop(within); }

const std::string& OutputRunner::name() const noexcept { return impl_->name(); }

}  // namespace thorlog
