#include "outputs/relp_sink.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "outputs/syslog_encoding.h"
#include "outputs/target_codes.h"

namespace thorlog {
namespace {

constexpr std::size_t kKeepLine = 1U << 20;  // memory a very long line may leave behind
constexpr std::uint64_t kLookMs = 100;
constexpr std::uint64_t kParkAgainMs = 2000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kFullAfter = kSecond;
constexpr std::int64_t kOpenWithin = 10 * kSecond;
constexpr std::int64_t kAnswerWithin = 90 * kSecond;  // as librelp's client
constexpr std::int64_t kFarewellWithin = 2 * kSecond;
constexpr std::int64_t kLeaveWithin = 10 * kSecond;
constexpr std::int64_t kDeadAfterMs = 30'000;  // bytes under way, and no sign of the peer's kernel
constexpr unsigned kTimesRefused = 5;
constexpr unsigned kOk = 200;
constexpr std::uint32_t kOpenNumber = 1;

bool needs_a_person(unsigned code) noexcept { return code >= 400 && code < 500 && !passes_by_itself(code); }

}  // namespace

RelpSink::RelpSink(const OutputSettings& settings, const SinkContext& context)
    : context_(context),
      encoder_(encode_options(settings, LineFraming::none)),
      max_length_(static_cast<std::size_t>(settings.max_length)),
      parts_(settings),
      link_(settings, context, status_, *this),
      look_(context.loop, [this] { look(); }),
      park_again_(context.loop, [this] { park_refused(); }) {}

RelpSink::~RelpSink() = default;

// ---- the connection

void RelpSink::link_up() {
  phase_ = Phase::opening;
  status_.state = OutputState::connecting;
  reader_ = RelpReader(kMostAnswer);
  buffer_.begin();
  window_.begin();
  answer_at_ = context_.clock.steady();
  append_relp(kOpenNumber, "open", relp_offers(), buffer_.bytes());
  send_buffered();
  watch();
}

void RelpSink::link_writable() {
  buffer_.writable();
  if (!buffer_.empty()) send_buffered();
  if (ready()) context_.host.sink_ready();
}

void RelpSink::link_heard(std::string_view bytes) {
  reader_.feed(bytes);
  RelpFrame frame;
  auto step = RelpReader::Step::frame;
  while (is_up() && (step = reader_.next(frame)) == RelpReader::Step::frame) heard(frame);
  if (!is_up()) return;
  if (step == RelpReader::Step::broken) {
    return lost(Retry::server_error, "what it says is not RELP: " + std::string(reader_.error()));
  }
  settle();
}

void RelpSink::link_ended(Retry reason, const std::string& why) {
  if (phase_ == Phase::farewell) return said_close();
  lost(reason, why);
}

void RelpSink::link_better() {
  if (phase_ == Phase::streaming) leave();
}

void RelpSink::leave() {
  phase_ = Phase::ending;
  leave_at_ = context_.clock.steady();
  watch();
  settle();
}

// Everything without an answer goes again. Nothing of it counted, so nothing can be lost.
void RelpSink::lost(Retry reason, const std::string& why) {
  const bool was_closing = done_ != nullptr;
  status_.repeated_bytes += window_.bytes();
  phase_ = Phase::waiting;
  look_.stop();
  park_again_.stop();
  window_.clear();
  to_park_.clear();
  round_is_over_ = false;
  again_.sent = false;
  buffer_.begin();
  link_.give_up(reason, why);
  context_.host.rewind();
  if (was_closing) end_of_close();
}

// ---- sending

bool RelpSink::ready() const noexcept {
  return phase_ == Phase::streaming && !buffer_.blocked() && !round_is_over_ && to_park_.empty() &&
         window_.count() < window() && window_.span() < 4 * kWindow;
}

Taken RelpSink::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  if (buffer_.is_large()) {
    send_buffered();
    if (!ready()) return Taken::not_now;
  }
  if (record.seq == again_.seq) again_.sent = true;
  if (record.seq > again_.seq && !again_.sent) again_ = {};  // it does not come here any more
  line_.clear();
  encoder_.append(record, line_);
  const auto add = [&](std::string_view message) {
    const std::uint64_t before = buffer_.gathered();
    append_relp(window_.next_number(), "syslog", message, buffer_.bytes());
    window_.add({.seq = record.seq, .bytes = buffer_.gathered() - before});
  };
  if (window_.empty()) answer_at_ = context_.clock.steady();
  if (max_length_ == 0 || (line_.size() <= max_length_ && !carries_part_marker(line_.view()))) {
    add(line_.view());
  } else if (!parts_.split(record, max_length_, add)) {
    return Taken::oversize;
  }
  line_.clear();
  line_.release_above(kKeepLine);
  return Taken::yes;
}

void RelpSink::mark(Token token) {
  window_.mark(token);
  if (window_.empty()) settle();
}

void RelpSink::flush() {
  if (!is_up()) return;
  if (!buffer_.blocked() && !buffer_.empty()) send_buffered();
  if (!window_.empty()) watch();
}

void RelpSink::send_buffered() {
  StreamConnection& to = link_.connection();
  if (buffer_.send(to) != StreamConnection::Sent::failed) return;
  const auto end = to.end();
  phase_ == Phase::farewell ? said_close() : lost(end.reason, end.why);
}

// ---- answers

void RelpSink::heard(const RelpFrame& frame) {
  if (frame.command == RelpCommand::serverclose) {
    if (phase_ == Phase::farewell) return said_close();
    return lost(Retry::closed, "it says that it closes");
  }
  RelpResponse answer;
  if (frame.command != RelpCommand::rsp || !frame.last || !read_relp_response(frame.data, answer)) {
    return lost(Retry::server_error, "what it says is no answer");
  }
  answer_at_ = context_.clock.steady();
  if (phase_ == Phase::farewell) return said_close();
  if (phase_ == Phase::opening) return opened(answer);
  answered(frame.txnr, answer);
}

void RelpSink::opened(const RelpResponse& answer) {
  if (answer.code != kOk) {
    return lost(needs_a_person(answer.code) ? Retry::denied : Retry::server_error,
                "it refuses the session: " + std::string(answer.text));
  }
  RelpOffers offers;
  if (!read_relp_offers(answer.more, offers) || !offers.syslog) {
    return lost(Retry::denied, "it takes no syslog over RELP");
  }
  phase_ = Phase::streaming;
  status_.state = OutputState::streaming;
  if (link_.better_is_up()) return link_better();
  context_.host.sink_ready();
}

void RelpSink::answered(std::uint32_t number, const RelpResponse& answer) {
  RelpWindow::Frame* frame = window_.waiting(number);
  if (frame == nullptr) return lost(Retry::server_error, "it answers a frame that it was not sent");
  if (answer.code != kOk) return refused(*frame, answer);
  window_.answer(*frame);
  if (frame->seq != again_.seq) again_.others_pass = true;
}

void RelpSink::refused(RelpWindow::Frame& frame, const RelpResponse& answer) {
  const std::string said = std::to_string(answer.code) + " " + std::string(answer.text);
  if (needs_a_person(answer.code) && !refuses_the_record(answer.code)) {
    return lost(Retry::denied, "it refuses records: " + said);
  }
  window_.refuse(frame);
  if (refuses_the_record(answer.code)) return to_park_.push_back({frame.seq, said});
  if (round_is_over_) return;  // one at a time
  if (again_.seq != frame.seq)
    again_ = {.seq = frame.seq, .times = 0, .sent = true, .others_pass = false, .answer = {}};
  ++again_.times;
  again_.answer = said;
  round_is_over_ = true;
}

// After all answers that are due have come, so that it is known what else passes.
void RelpSink::end_round() {
  const bool its_own_fault = again_.times >= kTimesRefused && again_.others_pass;
  const std::string why = "it refused a record: " + again_.answer;
  if (its_own_fault && context_.host.park(again_.seq, "refused", again_.answer)) again_ = {};
  lost(Retry::server_error, why);
}

void RelpSink::park_refused() {
  while (!to_park_.empty()) {
    const Refused& first = to_park_.front();
    if (!context_.host.park(first.seq, "refused", first.answer)) {
      status_.state = OutputState::holding;
      return park_again_.start(kParkAgainMs);
    }
    window_.settle_refused(first.seq);
    to_park_.erase(to_park_.begin());
  }
  status_.state = OutputState::streaming;
  settle();
}

void RelpSink::settle() {
  if (!is_busy()) return;
  if (round_is_over_ && window_.unanswered() == 0) return end_round();
  if (!to_park_.empty() && !park_again_.active()) return park_refused();
  if (const Token token = window_.settle(); token != 0) {
    link_.has_delivered();
    context_.host.delivered(token);
  }
  if (again_.sent && (window_.span() == 0 || window_.oldest_seq() > again_.seq)) again_ = {};
  if (phase_ == Phase::ending && window_.empty()) return say_close();
  if (ready()) context_.host.sink_ready();
}

// ---- time

void RelpSink::watch() {
  if (!look_.active()) look_.start(kLookMs);
}

void RelpSink::look() {
  const std::int64_t now = context_.clock.steady();
  const std::int64_t silent = now - answer_at_;
  if (phase_ == Phase::opening && silent >= kOpenWithin)
    return lost(Retry::timeout, "no answer to our greeting in 10 s");
  if (phase_ == Phase::farewell && silent >= kFarewellWithin) return said_close();
  if (is_busy() && !window_.empty()) {
    const TcpProgress progress = link_.connection().progress();
    const bool dead = progress.unacked != 0 && progress.window != 0 && progress.since_ack_ms >= kDeadAfterMs;
    if (dead || silent >= kAnswerWithin) return lost(Retry::timeout, "it answers no more");
    if (phase_ == Phase::ending && done_ == nullptr && now - leave_at_ >= kLeaveWithin) {
      return lost(Retry::timeout, "it answers no more, and an earlier target is there");
    }
  }
  if (is_busy() && to_park_.empty()) {
    status_.state = !window_.empty() && silent >= kFullAfter ? OutputState::full : OutputState::streaming;
  }
  if (is_up() && (phase_ != Phase::streaming || !window_.empty())) watch();
}

// ---- the end, and going to an earlier target

void RelpSink::say_close() {
  phase_ = Phase::farewell;
  answer_at_ = context_.clock.steady();
  append_relp(window_.skip_number(), "close", {}, buffer_.bytes());
  watch();
  send_buffered();
}

void RelpSink::said_close() {
  if (done_) return end_of_close();
  phase_ = Phase::waiting;
  look_.stop();
  buffer_.begin();
  link_.switch_over();
}

void RelpSink::close(std::function<void()> done) {
  done_ = std::move(done);
  if (phase_ == Phase::ending || phase_ == Phase::farewell) return;
  if (phase_ != Phase::streaming) return end_of_close();
  leave();
}

void RelpSink::end_of_close() {
  link_.stop();
  look_.stop();
  park_again_.stop();
  phase_ = Phase::closed;
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
