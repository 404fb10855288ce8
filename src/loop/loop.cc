#include "loop/loop.h"

namespace thorlog {
namespace {

// Only an initialised handle may be closed, so init comes before ownership. Init of these fails for our own mistakes
// or for want of file descriptors at start; neither can be gone on from.
template <class H, class Init>
UvHandle<H> make(Init init) {
  auto raw = std::make_unique<H>();
  THORLOG_ASSERT(init(raw.get()) == 0);
  return UvHandle<H>(raw.release());
}

}  // namespace

Loop::Loop() {
  THORLOG_ASSERT(uv_loop_init(&loop_) == 0);
  turn_ = make<uv_prepare_t>([this](uv_prepare_t* h) { return uv_prepare_init(&loop_, h); });
  turn_->data = this;
  uv_prepare_start(turn_.get(), on_turn);
  uv_unref(reinterpret_cast<uv_handle_t*>(turn_.get()));
}

Loop::~Loop() {
  turn_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  THORLOG_ASSERT(uv_loop_close(&loop_) == 0);
}

void Loop::run() {
  owner_.store(uv_thread_self());
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void Loop::stop() noexcept { uv_stop(&loop_); }

bool Loop::is_this_thread() const noexcept { return owner_.load() == uv_thread_self(); }

void Loop::later(std::function<void()> task) {
  auto handle = make<uv_timer_t>([this](uv_timer_t* h) { return uv_timer_init(&loop_, h); });
  handle->data = new std::function<void()>(std::move(task));
  uv_timer_start(
      handle.release(),
      [](uv_timer_t* h) noexcept {
        const std::unique_ptr<std::function<void()>> due(static_cast<std::function<void()>*>(h->data));
        const UvHandle<uv_timer_t> closing(h);
        (*due)();
      },
      0, 0);
}

void Loop::on_turn(uv_prepare_t* handle) noexcept {
  if (auto* self = static_cast<Loop*>(handle->data)) self->beats_.fetch_add(1, std::memory_order_relaxed);
}

Timer::Timer(Loop& loop, std::function<void()> fire)
    : fire_(std::move(fire)), handle_(make<uv_timer_t>([&](uv_timer_t* h) { return uv_timer_init(loop.uv(), h); })) {
  handle_->data = this;
}

void Timer::start(std::uint64_t after_ms, std::uint64_t repeat_ms) {
  uv_update_time(handle_->loop);
  uv_timer_start(
      handle_.get(),
      [](uv_timer_t* h) noexcept {
        if (auto* self = static_cast<Timer*>(h->data)) self->fire_();
      },
      after_ms, repeat_ms);
}

void Timer::stop() noexcept { uv_timer_stop(handle_.get()); }
bool Timer::active() const noexcept { return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0; }

Wake::Wake(Loop& loop, std::function<void()> woken)
    : woken_(std::move(woken)), handle_(make<uv_async_t>([&](uv_async_t* h) {
        return uv_async_init(loop.uv(), h, [](uv_async_t* async) noexcept {
          if (auto* self = static_cast<Wake*>(async->data)) self->woken_();
        });
      })) {
  handle_->data = this;
}

void Wake::ring() noexcept { uv_async_send(handle_.get()); }

FdWatch::FdWatch(Loop& loop, int fd, std::function<void(int, int)> ready)
    : ready_(std::move(ready)),
      handle_(make<uv_poll_t>([&](uv_poll_t* h) { return uv_poll_init(loop.uv(), h, fd); })) {
  handle_->data = this;
}

void FdWatch::start(int events) {
  uv_poll_start(handle_.get(), events, [](uv_poll_t* h, int status, int got) noexcept {
    if (auto* self = static_cast<FdWatch*>(h->data)) self->ready_(status, got);
  });
}

void FdWatch::stop() noexcept { uv_poll_stop(handle_.get()); }

BeforeSleep::BeforeSleep(Loop& loop, std::function<void()> run)
    : run_(std::move(run)),
      handle_(make<uv_prepare_t>([&](uv_prepare_t* h) { return uv_prepare_init(loop.uv(), h); })) {
  handle_->data = this;
}

void BeforeSleep::start() {
  uv_prepare_start(handle_.get(), [](uv_prepare_t* h) noexcept {
    if (auto* self = static_cast<BeforeSleep*>(h->data)) self->run_();
  });
}

void BeforeSleep::stop() noexcept { uv_prepare_stop(handle_.get()); }

}  // namespace thorlog
