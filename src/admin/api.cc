#include "admin/api.h"

#include <fmt/format.h>

#include "admin/account.h"
#include "admin/metrics.h"
#include "admin/output_routes.h"
#include "admin/scan_routes.h"
#include "admin/status.h"
#include "base/json_writer.h"
#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kRateMs = 1000;

// A page of another origin can't make a browser use our loopback port by a name of its own (DNS rebinding).
bool host_is_ours(std::string_view host) {
  const std::size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos) host = host.substr(0, port);
  return host.empty() || host == "localhost" || host == "127.0.0.1" || host == "[::1]";
}

double per_second(std::uint64_t now, std::uint64_t before, std::int64_t ns) {
  return now <= before || ns <= 0 ? 0.0 : static_cast<double>(now - before) * 1e9 / static_cast<double>(ns);
}

}  // namespace

AdminApi::AdminApi(Environment environment)
    : env_(std::move(environment)),
      streams_(env_.loop, env_.pipeline),
      server_(env_.loop, [this](const HttpRequest& request, const HttpPeer& peer) { return handle(request, peer); }),
      rate_timer_(env_.loop, [this] { measure_rates(); }) {
  rate_timer_.start(kRateMs, kRateMs);
}

AdminApi::~AdminApi() = default;

Status AdminApi::listen(const AdminSettings& settings) {
  if (settings.listen.is_set()) {
    if (Status open = server_.listen_tcp(settings.listen.host, settings.listen.port); !open) return open;
    log(Severity::info, "admin", "listening on " + settings.listen.text());
  }
  if (settings.socket.empty()) return ok();
  Status open = server_.listen_unix(settings.socket);
  if (open || open.error().code == Errc::busy) return open;
  // A host where /run is not ours still has the TCP port.
  log(Severity::warning, "admin", open.error().message() + "; thorlogctl needs --address");
  return ok();
}

void AdminApi::close() {
  rate_timer_.stop();
  server_.close();
}

void AdminApi::measure_rates() {
  PipelineView now = env_.pipeline.view();
  const std::int64_t passed = now.uptime - last_.uptime;
  input_rates_.assign(now.inputs.size(), 0);
  for (std::size_t i = 0; i < now.inputs.size() && i < last_.inputs.size(); ++i) {
    input_rates_[i] = per_second(now.inputs[i].books.received, last_.inputs[i].books.received, passed);
  }
  output_rates_.clear();
  for (const OutputView& output : now.outputs) output_rates_.push_back(output.state.rate);
  last_ = std::move(now);
}

HttpServer::Handled AdminApi::handle(const HttpRequest& request, const HttpPeer& peer) {
  if (!peer.unix_socket && !host_is_ours(request.host)) {
    return {HttpResponse::problem(403, "this Host is not served here"), {}};
  }
  if (request.method == "GET" && request.path == "/api/v1/events") return events(request);
  if (auto response = scan_route(env_.pipeline, env_.clock, request, peer)) return {*std::move(response), {}};
  if (auto response = output_route(env_.pipeline, env_.clock, request, peer)) return {*std::move(response), {}};
  if (request.method == "GET" || request.method == "HEAD") return {get(request), {}};
  if (request.method == "POST") return {post(request, peer), {}};
  return {HttpResponse::problem(405, "only GET and POST are understood"), {}};
}

HttpServer::Handled AdminApi::events(const HttpRequest& request) {
  auto query = EventQuery::from(request, env_.clock.wall());
  if (!query) return {HttpResponse::problem(400, query.error().message()), {}};
  HttpResponse response{200, "text/event-stream", ": thorlogd\n\n", {}, true};
  return {std::move(response), [this, wanted = *std::move(query)](const std::shared_ptr<HttpStream>& stream) {
            if (Status added = streams_.add(wanted, stream); !added) {
              stream->send("event: error\ndata: " + added.error().message() + "\n\n");
            }
          }};
}

HttpResponse AdminApi::get(const HttpRequest& request) {
  if (request.path == "/healthz") return health();
  if (request.path == "/readyz") return HttpResponse::text(200, "ready\n");  // we listen only once everything is up
  if (request.path == "/metrics") {
    HttpResponse page =
        HttpResponse::text(200, metrics_text(env_.pipeline.view(), env_.version, reloads_ok_, reloads_failed_));
    page.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return page;
  }
  if (request.path == "/api/v1/account") {
    return HttpResponse::json(account_json(make_account(env_.pipeline.view())) + "\n");
  }
  if (request.path == "/api/v1/status") {
    return HttpResponse::json(
        status_json(env_.pipeline.view(), env_.version, env_.pipeline.journal().uuid(), input_rates_, output_rates_) +
        "\n");
  }
  return HttpResponse::problem(404, "there is no such page");
}

HttpResponse AdminApi::post(const HttpRequest& request, const HttpPeer& peer) {
  if (request.path != "/api/v1/reload") return HttpResponse::problem(404, "there is no such page");
  if (!peer.may_operate) {
    return HttpResponse::problem(403, "operating calls need the admin socket, as root or the daemon's user");
  }
  std::string text;
  const Status reloaded = env_.reload(text);
  JsonWriter audit;
  audit.begin_object().member("action", "reload").member("by", "admin socket");
  audit.member("result", reloaded ? "ok" : "error").end_object();
  env_.pipeline.audit(audit.take());
  if (!reloaded) return HttpResponse::problem(422, reloaded.error().message());
  JsonWriter out;
  out.begin_object().member("reloaded", true).member("text", text).end_object();
  return HttpResponse::json(out.take() + "\n");
}

HttpResponse AdminApi::health() const {
  const PipelineView view = env_.pipeline.view();
  const std::vector<std::string> problems = problems_of(view);
  std::string text = problems.empty() ? "healthy\n" : "";
  for (const std::string& problem : problems) text += problem + "\n";
  // A target that is away is no reason to restart us: only what we ourselves can't do is unhealthy.
  return HttpResponse::text(view.journal_failed ? 503 : 200, text);
}

}  // namespace thorlog
