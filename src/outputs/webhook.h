// Events posted to a web server: one a post in real time, or as many as wait, up to `batch`. An event is delivered
// when the server has answered 2xx; what it refuses for good (400, 413, 422) is halved until the one is found, which
// is parked. Trouble that passes is tried again with back-off, never before the server wants it (Retry-After);
// trouble that needs a person holds the output and says so. With `concurrency: 1` posts leave in order. Nothing is
// sent twice but after a break, and then with the same Idempotency-Key.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "outputs/backoff.h"
#include "outputs/host_rate.h"
#include "outputs/http_post.h"
#include "outputs/sink.h"
#include "outputs/webhook_answer.h"
#include "outputs/webhook_body.h"
#include "outputs/webhook_queue.h"
#include "outputs/webhook_storm.h"

namespace thorlog {

class Webhook final : public Sink {
 public:
  // Reads the files that the settings name. Errors, config.
  static Result<std::unique_ptr<Webhook>> make(const OutputSettings& settings, const SinkContext& context);
  ~Webhook() override;

  void start() override;
  bool ready() const noexcept override;
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override;
  void flush() override;
  void close(std::function<void()> done) override;
  void reopen() override;  // reads the template and the keys again
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  struct Slot;  // a post under way, or a place for one
  struct Mark {
    Token token;
    std::uint64_t last;  // number of the last event before it
  };

  Webhook(const OutputSettings& settings, const SinkContext& context, HttpTarget target, WebhookBody body,
          std::vector<std::string> keys);

  bool fold(const StoredRecord& record, std::uint64_t number);
  void summarize(bool all);
  void send_more();
  Slot* free_slot();
  void post(Slot& slot);
  std::vector<std::string> headers_of(const WebhookPost& events, std::string_view body) const;
  void finished(CURL* transfer, CURLcode result);
  void pause(const Judgement& judged);
  void resume();
  void works();
  bool park(WebhookEvent& event, const Judgement& judged);
  void report();
  void tell_ready();
  void trouble(Severity severity, Retry reason, std::string why);
  void end_of_close();

  SinkContext context_;
  OutputSettings settings_;
  HttpTarget target_;
  WebhookBody body_;
  std::vector<std::string> keys_;
  RateLimit rate_limit_;
  std::shared_ptr<HostRate> rate_;
  std::size_t most_events_;
  SinkStatus status_;

  WebhookQueue queue_;
  Storms storms_;
  std::deque<Mark> marks_;

  CurlLoop curl_;
  std::vector<std::unique_ptr<Slot>> slots_;  // after curl_: a post under way takes itself off
  Timer pause_;
  Timer rate_wait_;
  Timer storm_due_;
  Backoff backoff_;
  Backoff hold_;

  bool started_ = false;
  bool paused_ = false;   // after trouble, until it is tried again
  bool probing_ = false;  // one post decides whether the others may follow
  bool was_ready_ = true;
  bool closing_ = false;
  std::function<void()> done_;
};

// What `kinds.cc` asks before an output is made. Errors, config.
Status check_webhook_files(const OutputSettings& settings);

}  // namespace thorlog
