// What the admin interface answers: health, metrics, status, account, events, reload (the contract, "HTTP").
// Main loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/event_stream.h"
#include "admin/http_server.h"
#include "pipeline/pipeline.h"

namespace thorlog {

class AdminApi {
 public:
  struct Environment {
    Loop& loop;
    Pipeline& pipeline;
    const Clock& clock;
    std::string version;
    // Reads the configuration again and applies it; the text says what happened.
    std::function<Status(std::string& text)> reload;
  };
  explicit AdminApi(Environment environment);
  ~AdminApi();

  // Opens the listeners that the settings name. Errors name the address.
  Status listen(const AdminSettings& settings);
  void close();

  EventStreams& streams() noexcept { return streams_; }
  void count_reload(bool worked) noexcept { ++(worked ? reloads_ok_ : reloads_failed_); }

 private:
  HttpServer::Handled handle(const HttpRequest& request, const HttpPeer& peer);
  HttpServer::Handled events(const HttpRequest& request);
  HttpResponse get(const HttpRequest& request);
  HttpResponse post(const HttpRequest& request, const HttpPeer& peer);
  HttpResponse health() const;
  void measure_rates();

  Environment env_;
  EventStreams streams_;
  HttpServer server_;
  Timer rate_timer_;
  PipelineView last_;  // a second ago
  std::vector<double> input_rates_, output_rates_;
  std::uint64_t reloads_ok_ = 0;
  std::uint64_t reloads_failed_ = 0;
};

}  // namespace thorlog
