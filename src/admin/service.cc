#include "admin/service.h"

#include <fmt/format.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <thread>

#include "admin/api.h"
#include "admin/systemd.h"
#include "base/log.h"
#include "config/load.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kTendMs = 2000;
constexpr std::uint64_t kStatusMs = 10'000;

int code(ExitCode exit) { return static_cast<int>(exit); }

void configure_own_log(const LogSettings& settings) {
  configure_log({settings.level, settings.format == LogFormat::json, stderr_is_journald()});
}

// libuv's signal handle, calling back on the main loop.
class SignalWatch {
 public:
  SignalWatch(Loop& loop, int number, std::function<void()> call) : call_(std::move(call)) {
    auto raw = std::make_unique<uv_signal_t>();
    THORLOG_ASSERT(uv_signal_init(loop.uv(), raw.get()) == 0);
    handle_.reset(raw.release());
    handle_->data = this;
    uv_signal_start(
        handle_.get(),
        [](uv_signal_t* handle, int) noexcept {
          if (auto* self = static_cast<SignalWatch*>(handle->data)) self->call_();
        },
        number);
  }

 private:
  std::function<void()> call_;
  UvHandle<uv_signal_t> handle_;
};

// Tells the service manager that recovery goes on, so that a long one is not taken for a hang.
class PatienceKeeper {
 public:
  PatienceKeeper() : thread_([this] { run(); }) {}
  ~PatienceKeeper() {
    done_ = true;
    thread_.join();
  }
  PatienceKeeper(const PatienceKeeper&) = delete;
  PatienceKeeper& operator=(const PatienceKeeper&) = delete;

 private:
  void run() {
    for (int tenths = 0; !done_; ++tenths) {
      if (tenths % 100 == 0) notify_extend(60'000'000);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  std::atomic<bool> done_{false};
  std::thread thread_;
};

// Everything that lives while the daemon runs.
class Service {
 public:
  Service(std::unique_ptr<Pipeline> pipeline, const Clock& clock, std::string config_path)
      : config_path_(std::move(config_path)),
        pipeline_(std::move(pipeline)),
        api_({loop_, *pipeline_, clock, kVersion, [this](std::string& text) { return reload(text); }}),
        terminate_(loop_, SIGTERM, [this] { stop("SIGTERM"); }),
        interrupt_(loop_, SIGINT, [this] { stop("SIGINT"); }),
        hang_up_(loop_, SIGHUP, [this] { on_hang_up(); }),
        tend_timer_(loop_, [this] { pipeline_->tend(); }),
        status_timer_(loop_, [this] { tell_status(); }),
        watchdog_timer_(loop_, [this] {
          if (pipeline_->all_beating()) notify_watchdog();
        }) {}

  ExitCode run(const AdminSettings& admin) {
    if (Status listening = api_.listen(admin); !listening) {
      log(Severity::critical, "admin", listening.error().message());
      return ExitCode::cannot_open;
    }
    pipeline_->on_stored([this] { api_.streams().wake(); });
    pipeline_->start(loop_);
    tend_timer_.start(kTendMs, kTendMs);
    status_timer_.start(kStatusMs, kStatusMs);
    if (const std::uint64_t interval = watchdog_interval_ms(); interval != 0) {
      watchdog_timer_.start(interval, interval);
    }
    notify_ready();
    tell_status();
    log(Severity::info, "thorlogd", fmt::format("{} is ready", kVersion));
    loop_.run();
    pipeline_->stop();
    api_.close();
    log(Severity::info, "thorlogd", "stopped");
    return ExitCode::clean;
  }

 private:
  void stop(std::string_view why) {
    log(Severity::info, "thorlogd", fmt::format("stopping ({})", why));
    notify_stopping();
    loop_.stop();
  }

  void on_hang_up() {
    std::string text;
    if (const Status reloaded = reload(text); !reloaded) return;  // reload() has said it
  }

  Status reload(std::string& text) {
    notify_reloading();
    Status reloaded = apply(text);
    api_.count_reload(reloaded.has_value());
    log(reloaded ? Severity::info : Severity::error, "reload",
        reloaded ? text : reloaded.error().message() + "; nothing was changed");
    notify_ready();
    return reloaded;
  }

  Status apply(std::string& text) {
    LoadedSettings next = load_settings(config_path_);
    if (!next) {
      std::string all;
      for (const ConfigError& error : next.errors()) all += (all.empty() ? "" : "\n") + error.message();
      return fail({Errc::config, all});
    }
    std::vector<std::string> notes;
    if (Status changed = pipeline_->reload(*next, notes); !changed) return changed;
    configure_own_log(next->log);
    text = "the configuration was read again";
    for (const std::string& note : notes) text += "; " + note;
    return ok();
  }

  void tell_status() {
    const PipelineView view = pipeline_->view();
    std::uint64_t pending = 0;
    for (const OutputView& output : view.outputs) pending += output.state.pending;
    notify_status(fmt::format("{} lines stored, {} pending", view.log.total, pending));
  }

  std::string config_path_;
  Loop loop_;
  std::unique_ptr<Pipeline> pipeline_;
  AdminApi api_;
  SignalWatch terminate_, interrupt_, hang_up_;
  Timer tend_timer_, status_timer_, watchdog_timer_;
};

ExitCode code_for(const Error& error) {
  return error.code == Errc::config ? ExitCode::configuration : ExitCode::cannot_open;
}

}  // namespace

int run_service(const Settings& settings, const std::string& config_path) {
  ::signal(SIGPIPE, SIG_IGN);
  configure_own_log(settings.log);
  arm_faults_from_environment();
  static const SystemClock clock;
  std::unique_ptr<Pipeline> pipeline;
  {
    const PatienceKeeper patience;
    auto opened = Pipeline::open(settings, real_file_system(), clock);
    if (!opened) {
      log(Severity::critical, "thorlogd", opened.error().message());
      return code(code_for(opened.error()));
    }
    pipeline = *std::move(opened);
  }
  Service service(std::move(pipeline), clock, config_path);
  return code(service.run(settings.admin));
}

}  // namespace thorlog
