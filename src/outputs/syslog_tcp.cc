#include "outputs/syslog_tcp.h"

#include <cstring>

#include "base/log.h"
#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr std::size_t kSendBytes = 256U << 10;  // handed to the kernel at once
constexpr std::size_t kKeepBuffer = 1U << 20;   // memory a very long line may leave behind
constexpr std::uint64_t kConnectMs = 10'000;
constexpr std::uint64_t kLongestLookMs = 100;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFullAfter = kSecond;
constexpr std::int64_t kDeadAfter = 30 * kSecond;  // bytes under way, an open window, and no answer
constexpr std::uint32_t kDeadStuckMs = 300'000;    // a closed window, and no answer to the kernel's probes

LineFraming framing_of(const OutputSettings& settings) {
  return settings.framing == Framing::lf ? LineFraming::lf : LineFraming::octet;
}

std::string reason_text(Retry reason, int error) {
  if (reason == Retry::closed) return "the peer closed the connection";
  return error != 0 ? std::string(std::strerror(error)) : std::string(name_of(reason));
}

}  // namespace

SyslogTcp::SyslogTcp(const OutputSettings& settings, const SinkContext& context)
    : context_(context),
      framing_(framing_of(settings)),
      encoder_(encode_options(settings, framing_)),
      max_length_(static_cast<std::size_t>(settings.max_length)),
      parts_(settings),
      cycle_(context.loop, settings.addresses, SOCK_STREAM, *this),
      backoff_({}, static_cast<std::uint64_t>(context.clock.steady()) ^ std::hash<std::string>{}(context.name)),
      retry_(context.loop, [this] { phase_ == Phase::connecting ? connect_timed_out() : start(); }),
      look_(context.loop, [this] { look(); }) {
  status_.target = cycle_.current();
}

SyslogTcp::~SyslogTcp() = default;

// ---- connecting

void SyslogTcp::start() { cycle_.restart(); }

void SyslogTcp::try_endpoint(const Endpoint& endpoint) {
  endpoint_ = endpoint;
  status_.target = cycle_.current();
  auto opened = TcpConnection::open(context_.loop, endpoint_, *this);
  if (!opened) return failed_to_connect(Retry::connect, opened.error().message());
  phase_ = Phase::connecting;
  connection_ = *std::move(opened);
  retry_.start(kConnectMs);
}

void SyslogTcp::not_found(std::string why) { trouble(Retry::resolve, std::move(why)); }

void SyslogTcp::connect_timed_out() {
  TcpConnection::retire(context_.loop, std::move(connection_));
  failed_to_connect(Retry::timeout, "connecting to " + endpoint_.text() + ": no answer in 10 seconds");
}

void SyslogTcp::failed_to_connect(Retry reason, std::string why) {
  trouble(reason, std::move(why));
  cycle_.next();
}

void SyslogTcp::all_tried() {
  phase_ = Phase::waiting;
  status_.state = OutputState::retrying;
  retry_.start(backoff_.next_ms());
}

void SyslogTcp::trouble(Retry reason, std::string why) {
  ++status_.retries[static_cast<std::size_t>(reason)];
  log_limited(Severity::warning, "output", "output " + context_.name, why);
  status_.last_error = std::move(why);
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
}

void SyslogTcp::connected() {
  retry_.stop();
  phase_ = Phase::connected;
  status_.state = OutputState::streaming;
  blocked_ = false;
  before_buffer_ = 0;
  sent_ = 0;
  buffer_.clear();
  marks_.clear();
  reached_ = 0;
  trail_ = {};
  progress_at_ = context_.clock.steady();
  trail_.see(progress_at_, 0, connection_->progress().window);  // the window of a peer that has nothing to read yet
  log_limited(Severity::info, "connected", "output " + context_.name, "connected to " + endpoint_.text());
  context_.host.sink_ready();
}

// ---- sending

Taken SyslogTcp::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  if (buffer_.size() >= kSendBytes) {
    send_buffered();
    if (!ready()) return Taken::not_now;
  }
  const std::size_t before = buffer_.size();
  encoder_.append(record, buffer_);
  return max_length_ == 0 ? Taken::yes : write_in_parts(record, before);
}

// The line stands in the buffer from `before` on. It stays if it is short enough and is not mistaken for a part.
Taken SyslogTcp::write_in_parts(const StoredRecord& record, std::size_t before) {
  std::string_view line = buffer_.view().substr(before);
  if (framing_ == LineFraming::lf) {
    line.remove_suffix(1);
  } else {
    line.remove_prefix(line.find(' ') + 1);
  }
  if (line.size() <= max_length_ && !carries_part_marker(line)) return Taken::yes;
  buffer_.truncate(before);
  const bool fits = parts_.split(record, max_length_, [this](std::string_view part) {
    framing_ == LineFraming::lf ? append_line(buffer_, part) : append_octet_counted(buffer_, part);
  });
  return fits ? Taken::yes : Taken::oversize;
}

void SyslogTcp::mark(Token token) { marks_.push_back({token, before_buffer_ + buffer_.size()}); }

void SyslogTcp::flush() {
  if (phase_ != Phase::connected) return;
  if (!blocked_ && !buffer_.empty()) send_buffered();
  if (phase_ == Phase::connected && !marks_.empty() && !look_.active()) look_again_in(wait_ms_ = 1);
}

void SyslogTcp::send_buffered() {
  if (!connection_->alive()) return lost(connection_->last_reason(), connection_->last_error());
  std::size_t sent = 0;
  const auto result = connection_->send(buffer_.view().substr(sent_), sent);
  sent_ += sent;
  if (result == TcpConnection::Sent::failed) return lost(connection_->last_reason(), connection_->last_error());
  blocked_ = result == TcpConnection::Sent::part;
  if (!blocked_) {
    before_buffer_ += buffer_.size();
    buffer_.clear();
    buffer_.release_above(kKeepBuffer);
    sent_ = 0;
  }
  if (!look_.active()) look_again_in(wait_ms_ = 1);
}

void SyslogTcp::writable() {
  if (!connection_) return;
  blocked_ = false;
  if (!buffer_.empty()) send_buffered();
  if (phase_ == Phase::closing && !blocked_ && !said_finish_) {
    connection_->finish();
    said_finish_ = true;
  }
  if (ready()) context_.host.sink_ready();
}

// ---- what has arrived

void SyslogTcp::look_again_in(std::uint64_t ms) { look_.start(ms); }

void SyslogTcp::look() {
  if (!connection_ || (phase_ != Phase::connected && phase_ != Phase::closing)) return;
  const std::int64_t now = context_.clock.steady();
  const TcpProgress progress = connection_->progress();
  const std::uint64_t acked = sent_total() - std::min(sent_total(), progress.unacked);
  const std::uint64_t before = trail_.acked();
  trail_.see(now, acked, progress.window);
  if (acked != before || progress.unacked == 0) progress_at_ = now;

  Token token = 0;
  for (; reached_ < marks_.size() && marks_[reached_].end <= acked; ++reached_) token = marks_[reached_].token;
  if (token != 0) context_.host.reached(token);
  report_delivered(trail_.delivered());

  judge_progress(progress, now);
  if (!connection_ || (marks_.empty() && progress.unacked == 0 && phase_ != Phase::closing)) return;
  const bool all_acked = progress.unacked == 0;
  wait_ms_ = all_acked ? kLongestLookMs : std::min(wait_ms_ * 2, kLongestLookMs / 2);
  look_again_in(wait_ms_);
}

void SyslogTcp::report_delivered(std::uint64_t upto) {
  Token token = 0;
  while (!marks_.empty() && marks_.front().end <= upto) {
    token = marks_.front().token;
    marks_.pop_front();
    reached_ -= reached_ > 0 ? 1 : 0;
  }
  if (token == 0) return;
  backoff_.reset();  // only a peer that has kept something deserves a quick return
  context_.host.delivered(token);
}

void SyslogTcp::judge_progress(const TcpProgress& progress, std::int64_t now) {
  const std::int64_t stuck = now - progress_at_;
  if (phase_ == Phase::connected) {
    status_.state = blocked_ && stuck >= kFullAfter ? OutputState::full : OutputState::streaming;
  }
  if (progress.unacked == 0) return;
  const bool silent = stuck >= kDeadAfter && progress.since_ack_ms >= kDeadAfter / 1'000'000;
  const bool dead = progress.window != 0 ? silent : progress.since_ack_ms >= kDeadStuckMs;
  if (dead) lost(Retry::timeout, 0);
}

void SyslogTcp::ended(Retry reason, int error) {
  if (phase_ == Phase::connecting) {
    retry_.stop();
    TcpConnection::retire(context_.loop, std::move(connection_));
    return failed_to_connect(reason, "connecting to " + endpoint_.text() + ": " + std::strerror(error));
  }
  if (phase_ == Phase::closing && said_finish_ && reason == Retry::closed) {
    look();  // the peer has read up to our end when it has acknowledged all, and closed without a reset
    if (connection_ && connection_->progress().unacked <= 1) return end_of_close(true);
  }
  lost(reason, error);
}

void SyslogTcp::lost(Retry reason, int error) {
  // A peer that closes in good order has read all that its kernel had; a reset says that it has not.
  if (reason != Retry::closed) status_.possibly_lost_bytes += trail_.possibly_unread();
  status_.repeated_bytes += sent_total() - std::min(sent_total(), trail_.delivered());
  TcpConnection::retire(context_.loop, std::move(connection_));
  look_.stop();
  buffer_.clear();
  sent_ = 0;
  marks_.clear();
  reached_ = 0;
  blocked_ = false;
  trouble(reason, endpoint_.text() + ": " + reason_text(reason, error));
  context_.host.rewind();
  if (phase_ == Phase::closing) return end_of_close(false);
  phase_ = Phase::waiting;
  status_.state = OutputState::retrying;
  retry_.start(backoff_.next_ms());
}

// ---- the end

void SyslogTcp::close(std::function<void()> done) {
  done_ = std::move(done);
  retry_.stop();
  if (phase_ != Phase::connected) return end_of_close(false);
  flush();
  if (phase_ != Phase::connected) return end_of_close(false);
  phase_ = Phase::closing;
  if (!blocked_) {
    connection_->finish();
    said_finish_ = true;
  }
  look_again_in(wait_ms_ = 1);
}

void SyslogTcp::end_of_close(bool peer_has_all) {
  if (peer_has_all) report_delivered(sent_total());
  if (connection_) TcpConnection::retire(context_.loop, std::move(connection_));
  look_.stop();
  retry_.stop();
  cycle_.stop();
  phase_ = Phase::closed;
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
