#include "outputs/webhook.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "config/secret_keys.h"
#include "config/web_url.h"
#include "outputs/event_view.h"
#include "outputs/webhook_signature.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostBytes = 8U << 20;  // of bodies that wait or are under way
constexpr std::size_t kMostMarks = 4096;      // then open summaries leave early
constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

HttpTarget target_of(const OutputSettings& settings) {
  HttpTarget target;
  target.url = settings.url;
  target.timeout_ms = static_cast<long>(settings.timeout / 1ms);
  bool typed = false;
  for (const auto& [name, value] : settings.headers) {
    target.headers.push_back(name + ": " + value);
    typed = typed || (name.size() == 12 && curl_strequal(name.c_str(), "Content-Type") != 0);
  }
  if (!typed) target.headers.emplace_back("Content-Type: application/json");
  target.headers.emplace_back("User-Agent: thorlogd");
  if (settings.tls) {
    target.ca = settings.tls->ca;
    target.certificate = settings.tls->certificate;
    target.key = settings.tls->key;
    target.only_tls_1_3 = settings.tls->min_version == TlsVersion::v1_3;
  }
  return target;
}

Result<std::vector<std::string>> keys_of(const OutputSettings& settings) {
  if (settings.secret_file.empty()) return std::vector<std::string>{};
  return read_secret_keys(settings.secret_file);
}

std::string idempotency_key(const WebhookPost& events) {
  if (events.size() == 1) return events.front().key;
  return fmt::format("{}..{}.{}", events.front().key, events.back().key, events.size());
}

}  // namespace

struct Webhook::Slot {
  Slot(CurlLoop& loop, const HttpTarget& target) : post(loop, target) {}
  WebhookPost events;
  std::string body;
  HttpPost post;  // goes first: it reads the body
};

Status check_webhook_files(const OutputSettings& settings) {
  if (auto keys = keys_of(settings); !keys) return fail(std::move(keys).error());
  if (auto body = WebhookBody::make(settings); !body) return fail(std::move(body).error());
  return check_tls_files(target_of(settings));
}

Result<std::unique_ptr<Webhook>> Webhook::make(const OutputSettings& settings, const SinkContext& context) {
  auto keys = keys_of(settings);
  if (!keys) return fail(std::move(keys).error());
  auto body = WebhookBody::make(settings);
  if (!body) return fail(std::move(body).error());
  HttpTarget target = target_of(settings);
  if (auto checked = check_tls_files(target); !checked) return fail(std::move(checked).error());
  return std::unique_ptr<Webhook>(
      new Webhook(settings, context, std::move(target), *std::move(body), *std::move(keys)));
}

Webhook::Webhook(const OutputSettings& settings, const SinkContext& context, HttpTarget target, WebhookBody body,
                 std::vector<std::string> keys)
    : context_(context),
      settings_(settings),
      target_(std::move(target)),
      body_(std::move(body)),
      keys_(std::move(keys)),
      rate_limit_(webhook_rate(settings)),
      most_events_(std::clamp<std::size_t>(std::size_t{4} * settings.batch * settings.concurrency, 256, 20'000)),
      storms_(webhook_storm(settings)),
      curl_(context.loop, static_cast<long>(settings.concurrency),
            [this](CURL* transfer, CURLcode result) { finished(transfer, result); }),
      pause_(context.loop, [this] { resume(); }),
      rate_wait_(context.loop, [this] { send_more(); }),
      storm_due_(context.loop,
                 [this] {
                   summarize(false);
                   send_more();
                 }),
      backoff_({.first_ms = 200, .most_ms = 10'000}, static_cast<std::uint64_t>(context.clock.steady())),
      hold_({.first_ms = 1000, .most_ms = 30'000}, static_cast<std::uint64_t>(context.clock.steady()) + 1) {
  const auto url = parse_web_url(settings.url);
  status_.target = url ? url->origin() : "";  // never the path, which may be a password
  rate_ = HostRate::of(status_.target);
}

Webhook::~Webhook() = default;

void Webhook::start() {
  started_ = true;
  status_.state = OutputState::streaming;
}

// ---- taking events

bool Webhook::ready() const noexcept {
  return started_ && !closing_ && queue_.events() < most_events_ && queue_.bytes() < kMostBytes;
}

Taken Webhook::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  const std::uint64_t number = queue_.take();
  if (storms_.on() && fold(record, number)) return Taken::yes;
  WebhookEvent event = body_.piece(record);
  event.number = number;
  queue_.add(std::move(event));
  was_ready_ = ready();
  return Taken::yes;
}

bool Webhook::fold(const StoredRecord& record, std::uint64_t number) {
  const std::string sort = event_sort(record);
  const auto took =
      storms_.take({sort, number, record.seq, body_.title(record), event_key(record)}, context_.clock.steady());
  if (took == Storms::Took::nothing) return false;
  if (took == Storms::Took::more) queue_.close(number);
  if (storms_.folded() >= Storms::kMostFolded || marks_.size() >= kMostMarks) summarize(marks_.size() >= kMostMarks);
  if (!storm_due_.active() && storms_.next_due() != 0) summarize(false);
  return true;
}

// Makes the summaries that are due, and sets the timer for the next one.
void Webhook::summarize(bool all) {
  const std::int64_t now = context_.clock.steady();
  while (auto summary = storms_.due(now, all)) queue_.add(body_.piece(*summary));
  if (const std::int64_t next = storms_.next_due(); next != 0)
    storm_due_.start(static_cast<std::uint64_t>(std::max<std::int64_t>((next - now) / kMillisecond, 0) + 1));
}

void Webhook::mark(Token token) { marks_.push_back({token, queue_.last()}); }

void Webhook::flush() {
  if (!started_) return;
  send_more();
  report();
}

// ---- sending

void Webhook::send_more() {
  while (!paused_ && queue_.has_next()) {
    Slot* const slot = free_slot();
    if (slot == nullptr) return;
    const std::int64_t wait = rate_->ask(rate_limit_, context_.clock.steady());
    if (wait > 0) return rate_wait_.start(static_cast<std::uint64_t>(wait / kMillisecond) + 1);
    post(*slot);
  }
}

Webhook::Slot* Webhook::free_slot() {
  std::size_t busy = 0;
  Slot* found = nullptr;
  for (const auto& slot : slots_) {
    busy += slot->post.under_way() ? 1 : 0;
    if (!slot->post.under_way()) found = slot.get();
  }
  if (busy >= (probing_ ? 1 : settings_.concurrency)) return nullptr;
  if (found != nullptr) return found;
  slots_.push_back(std::make_unique<Slot>(curl_, target_));
  return slots_.back().get();
}

void Webhook::post(Slot& slot) {
  slot.events = queue_.next(settings_.batch);
  slot.body = body_.body(slot.events);
  slot.post.start(slot.body, headers_of(slot.events, slot.body));
}

std::vector<std::string> Webhook::headers_of(const WebhookPost& events, std::string_view body) const {
  std::vector<std::string> headers;
  headers.push_back("Idempotency-Key: " + idempotency_key(events));
  if (keys_.empty()) return headers;
  const std::string stamp = std::to_string(context_.clock.wall() / kSecond);
  headers.push_back("X-Thorlog-Timestamp: " + stamp);
  headers.push_back("X-Thorlog-Signature: " + signature_of(keys_, stamp, body));
  return headers;
}

// ---- what comes back

void Webhook::finished(CURL* transfer, CURLcode result) {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [&](const auto& slot) { return &slot->post == HttpPost::of(transfer); });
  THORLOG_ASSERT(found != slots_.end());
  Slot& slot = **found;
  const Judgement judged = judge(slot.post.finish(result));
  WebhookPost events = std::exchange(slot.events, {});
  switch (judged.outcome) {
    case Outcome::delivered:
      works();
      queue_.delivered(events);
      break;
    case Outcome::refused:
      works();
      if (queue_.halve(events)) break;
      if (park(events.front(), judged)) {
        queue_.delivered(events);
      } else {
        queue_.retry(std::move(events));
        pause({Outcome::hold, Retry::disk_full, 0, "no room for the dead letter of an event that was refused"});
      }
      break;
    case Outcome::retry:
    case Outcome::hold:
      queue_.retry(std::move(events));
      pause(judged);
      break;
  }
  report();
  send_more();
  tell_ready();
  if (closing_ && (paused_ || queue_.empty())) end_of_close();
}

// The server answers and takes events.
void Webhook::works() {
  backoff_.reset();
  hold_.reset();
  probing_ = false;
  if (!paused_) status_.state = OutputState::streaming;
}

void Webhook::pause(const Judgement& judged) {
  const bool needs_person = judged.outcome == Outcome::hold;
  trouble(needs_person ? Severity::error : Severity::warning, judged.reason, judged.text);
  const std::uint64_t asked = std::uint64_t{judged.wait_s} * 1000;
  if (paused_ && asked == 0) return;  // others of the same moment failed for the same reason
  paused_ = true;
  probing_ = true;
  status_.state = needs_person ? OutputState::holding : OutputState::retrying;
  const std::uint64_t own = needs_person ? hold_.next_ms() : backoff_.next_ms();
  pause_.start(std::max(asked, own) + 1);  // the loop counts whole milliseconds: without it the wait may be shorter
}

void Webhook::resume() {
  paused_ = false;
  send_more();
}

// False: there is no room for it. What is parked already of a summary is not parked again.
bool Webhook::park(WebhookEvent& event, const Judgement& judged) {
  auto& seqs = event.seqs;
  auto next = seqs.begin();
  while (next != seqs.end() && context_.host.park(*next, "refused", judged.text)) ++next;
  seqs.erase(seqs.begin(), next);
  return seqs.empty();
}

void Webhook::report() {
  const std::uint64_t low = queue_.low_water();
  Token token = 0;
  while (!marks_.empty() && marks_.front().last <= low) {
    token = marks_.front().token;
    marks_.pop_front();
  }
  if (token != 0) context_.host.delivered(token);
}

// Not for each event: waking the runner costs more than taking one.
void Webhook::tell_ready() {
  if (was_ready_ || !ready() || queue_.events() > most_events_ / 2 || queue_.bytes() > kMostBytes / 2) return;
  was_ready_ = true;
  context_.host.sink_ready();
}

void Webhook::trouble(Severity severity, Retry reason, std::string why) {
  ++status_.retries[static_cast<std::size_t>(reason)];
  log_limited(severity, "output", "output " + context_.name, status_.target + ": " + why);
  status_.last_error = std::move(why);
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
}

// ---- reload and end

void Webhook::reopen() {
  auto keys = keys_of(settings_);
  auto body = WebhookBody::make(settings_);
  if (!keys || !body) {
    const Error& error = !keys ? keys.error() : body.error();
    log_limited(Severity::error, "reopen", "output " + context_.name, error.message() + "; the old one stays in use");
    return;
  }
  keys_ = *std::move(keys);
  body_ = *std::move(body);
}

void Webhook::close(std::function<void()> done) {
  done_ = std::move(done);
  closing_ = true;
  summarize(true);
  send_more();
  report();
  if (paused_ || queue_.empty()) end_of_close();
}

void Webhook::end_of_close() {
  pause_.stop();
  rate_wait_.stop();
  storm_due_.stop();
  status_.state = OutputState::stopped;
  if (auto done = std::exchange(done_, nullptr)) done();
}

}  // namespace thorlog
