#include "outputs/syslog_tcp.h"

#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kLongestLookMs = 100;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFullAfter = kSecond;
constexpr std::int64_t kDeadAfter = 30 * kSecond;  // bytes under way, an open window, and no answer
constexpr std::uint32_t kDeadStuckMs = 300'000;    // a closed window, and no answer to the kernel's probes
constexpr std::int64_t kLeaveWithin = 10 * kSecond;

LineFraming framing_of(const OutputSettings& settings) {
  return settings.framing == Framing::lf ? LineFraming::lf : LineFraming::octet;
}

}  // namespace

SyslogTcp::SyslogTcp(const OutputSettings& settings, const SinkContext& context)
    : context_(context),
      framing_(framing_of(settings)),
      encoder_(encode_options(settings, framing_)),
      max_length_(static_cast<std::size_t>(settings.max_length)),
      parts_(settings),
      link_(settings, context, status_, *this),
      look_(context.loop, [this] { look(); }) {}

SyslogTcp::~SyslogTcp() = default;

void SyslogTcp::start() { link_.start(); }

void SyslogTcp::link_up() {
  phase_ = Phase::connected;
  forget_sent();
  said_finish_ = false;
  trail_ = {};
  progress_at_ = context_.clock.steady();
  // The window of a peer that has nothing to read yet.
  const TcpProgress progress = link_.connection().progress();
  trail_.see(progress_at_, link_.connection().wire_acked(progress), progress.window);
  context_.host.sink_ready();
}

// ---- sending

Taken SyslogTcp::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  if (buffer_.is_large()) {
    send_buffered();
    if (!ready()) return Taken::not_now;
  }
  between_ = false;
  const std::size_t before = buffer_.bytes().size();
  encoder_.append(record, buffer_.bytes());
  return max_length_ == 0 ? Taken::yes : write_in_parts(record, before);
}

// The line stands in the buffer from `before` on. It stays if it is short enough and is not mistaken for a part.
Taken SyslogTcp::write_in_parts(const StoredRecord& record, std::size_t before) {
  ByteBuffer& out = buffer_.bytes();
  std::string_view line = out.view().substr(before);
  if (framing_ == LineFraming::lf) {
    line.remove_suffix(1);
  } else {
    line.remove_prefix(line.find(' ') + 1);
  }
  if (line.size() <= max_length_ && !carries_part_marker(line)) return Taken::yes;
  out.truncate(before);
  const bool fits = parts_.split(record, max_length_, [&](std::string_view part) {
    framing_ == LineFraming::lf ? append_line(out, part) : append_octet_counted(out, part);
  });
  return fits ? Taken::yes : Taken::oversize;
}

void SyslogTcp::mark(Token token) {
  marks_.push_back({token, buffer_.gathered()});
  between_ = true;
  if (phase_ == Phase::connected && link_.better_is_up()) leave(Phase::leaving);
}

void SyslogTcp::flush() {
  if (phase_ != Phase::connected) return;
  if (!buffer_.blocked() && !buffer_.empty()) send_buffered();
  if (phase_ == Phase::connected && !marks_.empty() && !look_.active()) look_again_in(wait_ms_ = 1);
}

void SyslogTcp::send_buffered() {
  StreamConnection& to = link_.connection();
  if (!to.alive()) return lost(to.end().reason, to.end().why);
  if (buffer_.send(to) == StreamConnection::Sent::failed) return lost(to.end().reason, to.end().why);
  if (!look_.active()) look_again_in(wait_ms_ = 1);
}

void SyslogTcp::link_writable() {
  buffer_.writable();
  if (!buffer_.empty()) send_buffered();
  if (is_ending()) say_finish();
  if (ready()) context_.host.sink_ready();
}

// ---- what has arrived

void SyslogTcp::look_again_in(std::uint64_t ms) { look_.start(ms); }

void SyslogTcp::look() {
  if (!link_.is_up()) return;
  const std::int64_t now = context_.clock.steady();
  StreamConnection& connection = link_.connection();
  const TcpProgress progress = connection.progress();
  const std::uint64_t acked = connection.wire_acked(progress);
  const std::uint64_t before = trail_.acked();
  trail_.see(now, acked, progress.window);
  if (acked != before || progress.unacked == 0) progress_at_ = now;

  const std::uint64_t ours = connection.plain_upto(acked);
  Token token = 0;
  for (; reached_ < marks_.size() && marks_[reached_].end <= ours; ++reached_) token = marks_[reached_].token;
  if (token != 0) context_.host.reached(token);
  report_delivered(connection.plain_upto(trail_.delivered()));
  connection.forget_before(trail_.delivered());

  if (phase_ == Phase::leaving && marks_.empty() && buffer_.empty()) return peer_has_all();
  judge_progress(progress, now);
  if (!link_.is_up() || (marks_.empty() && progress.unacked == 0 && !is_ending())) return;
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
  link_.has_delivered();
  context_.host.delivered(token);
}

void SyslogTcp::judge_progress(const TcpProgress& progress, std::int64_t now) {
  const std::int64_t stuck = now - progress_at_;
  if (phase_ == Phase::connected) {
    status_.state = buffer_.blocked() && stuck >= kFullAfter ? OutputState::full : OutputState::streaming;
  }
  // One that stopped reading in the middle of a batch never lets us come to its end.
  const bool stopped =
      phase_ == Phase::connected && buffer_.blocked() && link_.better_is_up() && stuck >= kLeaveWithin;
  if (stopped || (phase_ == Phase::leaving && now >= leave_until_))
    return lost(Retry::timeout, "it takes no more, and an earlier target is there");
  if (progress.unacked == 0) return;
  const bool silent = stuck >= kDeadAfter && progress.since_ack_ms >= kDeadAfter / 1'000'000;
  const bool dead = progress.window != 0 ? silent : progress.since_ack_ms >= kDeadStuckMs;
  if (dead) lost(Retry::timeout, "it answers no more");
}

void SyslogTcp::link_ended(Retry reason, const std::string& why) {
  if (is_ending() && said_finish_ && reason == Retry::closed) {
    look();  // the peer has read up to our end when it has acknowledged all, and closed without a reset
    if (!link_.is_up()) return;
    if (link_.connection().progress().unacked <= 1) return peer_has_all();
  }
  lost(reason, why);
}

void SyslogTcp::lost(Retry reason, const std::string& why) {
  // A peer that closes in good order has read all that its kernel had; a reset says that it has not.
  if (reason != Retry::closed) status_.possibly_lost_bytes += trail_.possibly_unread();
  status_.repeated_bytes +=
      buffer_.given() - std::min(buffer_.given(), link_.connection().plain_upto(trail_.delivered()));
  const bool was_closing = phase_ == Phase::closing;
  phase_ = Phase::waiting;
  forget_sent();
  link_.give_up(reason, why);
  context_.host.rewind();
  if (was_closing) end_of_close();
}

void SyslogTcp::forget_sent() {
  look_.stop();
  buffer_.begin();
  marks_.clear();
  reached_ = 0;
  between_ = true;
}

// ---- going to an earlier target, and the end

void SyslogTcp::link_better() {
  if (phase_ == Phase::connected && between_) leave(Phase::leaving);
}

void SyslogTcp::leave(Phase how) {
  phase_ = how;
  leave_until_ = context_.clock.steady() + kLeaveWithin;
  if (!buffer_.blocked() && !buffer_.empty()) send_buffered();
  if (phase_ != how) return;  // it was lost over that
  say_finish();
  look_again_in(wait_ms_ = 1);
}

// Once all is in the kernel's hands.
void SyslogTcp::say_finish() {
  if (buffer_.blocked() || said_finish_ || !link_.is_up()) return;
  link_.connection().finish();
  said_finish_ = true;
}

void SyslogTcp::peer_has_all() {
  report_delivered(buffer_.given());
  if (phase_ == Phase::closing) return end_of_close();
  phase_ = Phase::waiting;
  forget_sent();
  link_.switch_over();
}

void SyslogTcp::close(std::function<void()> done) {
  done_ = std::move(done);
  if (phase_ == Phase::leaving) {
    phase_ = Phase::closing;
    return;
  }
  if (phase_ != Phase::connected) return end_of_close();
  leave(Phase::closing);
}

void SyslogTcp::end_of_close() {
  link_.stop();
  look_.stop();
  phase_ = Phase::closed;
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
