#include "outputs/pool_link.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "base/log.h"
#include "outputs/client_tls.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kLongestFailBack = 10;  // times the wait that was asked for, when going back came to nothing

constexpr std::uint64_t kHoldMs = 10'000;

bool is_for_a_person(Retry reason) noexcept { return reason == Retry::tls || reason == Retry::denied; }

std::uint64_t seed_of(const SinkContext& context) {
  return static_cast<std::uint64_t>(context.clock.steady()) ^ std::hash<std::string>{}(context.name);
}

}  // namespace

PoolLink::PoolLink(const OutputSettings& settings, const SinkContext& context, SinkStatus& status, Owner& owner)
    : context_(context),
      targets_(settings.addresses),
      fail_back_ms_(static_cast<std::uint64_t>(settings.fail_back.count() / 1'000'000)),
      status_(status),
      owner_(owner),
      backoff_({}, seed_of(context)),
      fail_back_wait_ms_(fail_back_ms_),
      dial_(context.loop, settings.addresses, *this),
      better_dial_(context.loop, settings.addresses, *this),
      retry_(context.loop, [this] { try_again(); }),
      fail_back_(context.loop, [this] { look_for_better(); }) {
  if (uses_tls(settings)) tls_options_ = client_tls(settings);
  status_.target = targets_.front().text();
}

PoolLink::~PoolLink() { stop(); }

void PoolLink::start() { try_again(); }

void PoolLink::stop() {
  retry_.stop();
  fail_back_.stop();
  dial_.stop();
  better_dial_.stop();
  StreamConnection::retire(context_.loop, std::move(current_));
  StreamConnection::retire(context_.loop, std::move(better_));
}

void PoolLink::reopen() {
  tls_.reset();
  needs_person_ = false;
  if (!current_ && retry_.active()) retry_.start(0);
}

// ---- finding a target

// Certificates are small, and read when they are needed: a file that was replaced counts from the next connection on.
bool PoolLink::load_tls() {
  if (!tls_options_ || tls_) return true;
  auto made = TlsContext::make(*tls_options_);
  if (made) {
    tls_ = *std::move(made);
    return true;
  }
  trouble(Retry::tls, made.error().message());
  return false;
}

void PoolLink::hold() {
  status_.state = OutputState::holding;
  tls_.reset();  // somebody may put other files there
  needs_person_ = false;
  retry_.start(kHoldMs);
}

void PoolLink::dialed(Dial& dial, std::unique_ptr<StreamConnection> connection, std::size_t target) {
  connection->hand_to(*this);
  if (&dial == &dial_) return take(std::move(connection), target);
  better_ = std::move(connection);
  better_target_ = target;
  log(Severity::info, "output " + context_.name, targets_[target].text() + " is there again: going back to it");
  owner_.link_better();
}

void PoolLink::dial_failed(Dial& dial, Retry reason, std::string why) {
  if (&dial == &dial_) {
    status_.target = dial.target().text();
    return trouble(reason, std::move(why));
  }
  // Lines flow to another one: that is no error of the output.
  log_limited(Severity::info, "fail-back", "output " + context_.name, "an earlier target is still away: " + why);
}

void PoolLink::all_tried(Dial& dial) {
  if (&dial == &better_dial_) return fail_back_.start(fail_back_wait_ms_);
  first_ = 0;
  if (needs_person_) return hold();
  status_.state = OutputState::retrying;
  retry_.start(backoff_.next_ms());
}

void PoolLink::take(std::unique_ptr<StreamConnection> connection, std::size_t target) {
  current_ = std::move(connection);
  current_target_ = target;
  status_.target = targets_[target].text();
  status_.state = OutputState::streaming;
  has_delivered_ = false;
  if (target != 0 && fail_back_ms_ != 0) fail_back_.start(fail_back_wait_ms_);
  log_limited(Severity::info, "connected", "output " + context_.name, "connected to " + peer());
  owner_.link_up();
}

void PoolLink::try_again() {
  if (!load_tls()) return hold();
  if (!better_) return dial_.start(tls_, first_, targets_.size());
  const std::size_t target = better_target_;
  on_trial_ = true;
  take(std::move(better_), target);
}

void PoolLink::look_for_better() {
  if (!load_tls()) return fail_back_.start(fail_back_wait_ms_);
  better_dial_.start(tls_, 0, current_target_);
}

// ---- the connection

void PoolLink::writable(StreamConnection& connection) {
  if (&connection == current_.get()) owner_.link_writable();
}

void PoolLink::heard(StreamConnection& connection, std::string_view bytes) {
  if (&connection == current_.get()) owner_.link_heard(bytes);
}

void PoolLink::ended(StreamConnection& connection) {
  if (&connection == current_.get()) return owner_.link_ended(connection.end().reason, connection.end().why);
  StreamConnection::retire(context_.loop, std::move(better_));  // gone again before it was used
  if (current_) fail_back_.start(fail_back_wait_ms_);
}

void PoolLink::give_up(Retry reason, const std::string& why) {
  trouble(reason, peer() + ": " + why);
  StreamConnection::retire(context_.loop, std::move(current_));
  fail_back_.stop();
  better_dial_.stop();
  if (std::exchange(on_trial_, false)) {
    fail_back_wait_ms_ = std::min(2 * fail_back_wait_ms_, kLongestFailBack * fail_back_ms_);
  }
  // One that takes connections and keeps nothing makes room for the next.
  first_ = has_delivered_ ? 0 : (current_target_ + 1) % targets_.size();
  if (better_) return retry_.start(0);
  if (needs_person_ && first_ == 0) return hold();
  status_.state = OutputState::retrying;
  retry_.start(backoff_.next_ms());
}

void PoolLink::switch_over() {
  StreamConnection::retire(context_.loop, std::move(current_));
  fail_back_.stop();
  better_dial_.stop();
  retry_.start(0);
}

void PoolLink::has_delivered() noexcept {
  backoff_.reset();
  has_delivered_ = true;
  needs_person_ = false;
  if (std::exchange(on_trial_, false)) fail_back_wait_ms_ = fail_back_ms_;
}

void PoolLink::trouble(Retry reason, std::string why) {
  ++status_.retries[static_cast<std::size_t>(reason)];
  needs_person_ = needs_person_ || is_for_a_person(reason);
  log_limited(is_for_a_person(reason) ? Severity::error : Severity::warning, "output", "output " + context_.name,
              why);
  status_.last_error = std::move(why);
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
}

}  // namespace thorlog
