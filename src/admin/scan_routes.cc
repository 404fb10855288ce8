#include "admin/scan_routes.h"

#include <fmt/format.h>

#include <charconv>

#include "admin/event_stream.h"
#include "base/json_writer.h"
#include "scanstore/scan_queries.h"

namespace thorlog {
namespace {

constexpr std::string_view kScans = "/api/v1/scans";
constexpr std::string_view kAssets = "/api/v1/assets";
constexpr std::string_view kDetections = "/api/v1/detections";
constexpr std::string_view kAcknowledge = "/acknowledge";

HttpResponse answer(const Result<std::string>& found) {
  if (!found) return HttpResponse::problem(found.error().code == Errc::busy ? 503 : 500, found.error().message());
  if (found->empty()) return HttpResponse::problem(404, "there is no such scan");
  return HttpResponse::json(*found + "\n");
}

Result<ScanFilter> filter_of(const HttpRequest& request, std::int64_t now) {
  ScanFilter filter;
  for (const auto& [name, value] : request.query) {
    if (name == "state") {
      filter.states.push_back(value);
    } else if (name == "asset") {
      filter.assets.push_back(value);
    } else if (name == "scan") {
      filter.scans.push_back(value);
    } else if (name == "group") {
      filter.groups.push_back(value);
    } else if (name == "type") {
      filter.types.push_back(value);
    } else if (name == "since") {
      auto since = parse_since(value, now);
      if (!since) return fail(std::move(since).error());
      filter.since = *since;
    } else if (name == "limit") {
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), filter.limit);
      if (error != std::errc() || end != value.data() + value.size()) {
        return fail({Errc::config, fmt::format("limit: '{}' is no number", value), 0});
      }
    } else {
      return fail({Errc::config, fmt::format("'{}' is no parameter of this page", name), 0});
    }
  }
  return filter;
}

HttpResponse acknowledge(Pipeline& pipeline, const ScanQueries& queries, const std::string& id,
                         const HttpPeer& peer) {
  if (!peer.may_operate) {
    return HttpResponse::problem(403, "operating calls need the admin socket, as root or the daemon's user");
  }
  auto key = queries.detection_key(id);
  if (!key) return answer(key);
  if (key->empty()) return HttpResponse::problem(404, "there is no such detection");
  pipeline.acknowledge(*key, "admin socket");
  JsonWriter audit;
  audit.begin_object().member("action", "acknowledge").member("by", "admin socket").member("detection", *key);
  pipeline.audit(audit.end_object().take());
  JsonWriter out;
  out.begin_object().member("acknowledged", true).member("key", *key).end_object();
  return HttpResponse::json(out.take() + "\n");
}

std::optional<HttpResponse> get(const ScanQueries& queries, const Clock& clock, const HttpRequest& request) {
  const std::string_view path = request.path;
  if (path == kScans || path == kAssets || path == kDetections) {
    auto filter = filter_of(request, clock.wall());
    if (!filter) return HttpResponse::problem(400, filter.error().message());
    return answer(path == kScans    ? queries.scans(*filter)
                  : path == kAssets ? queries.assets(*filter)
                                    : queries.detections(*filter));
  }
  if (!path.starts_with(kScans) || path.size() <= kScans.size() || path[kScans.size()] != '/') return std::nullopt;
  const std::string_view rest = path.substr(kScans.size() + 1);
  const std::size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  return answer(queries.scan(std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))));
}

}  // namespace

std::optional<HttpResponse> scan_route(Pipeline& pipeline, const Clock& clock, const HttpRequest& request,
                                       const HttpPeer& peer) {
  const std::string_view path = request.path;
  if (!path.starts_with(kScans) && !path.starts_with(kAssets) && !path.starts_with(kDetections)) return std::nullopt;
  if (!pipeline.settings().scans.enabled) return HttpResponse::problem(404, "the scan watch is off (scans.enabled)");
  const ScanQueries queries(ScanStore::path_in(pipeline.settings().state_directory), pipeline.journal().uuid());
  if (request.method == "GET" || request.method == "HEAD") return get(queries, clock, request);
  const bool acknowledges = path.starts_with(kDetections) && path.ends_with(kAcknowledge) &&
                            path.size() > kDetections.size() + 1 + kAcknowledge.size();
  if (request.method != "POST" || !acknowledges) return std::nullopt;
  const std::string_view id =
      path.substr(kDetections.size() + 1, path.size() - kDetections.size() - 1 - kAcknowledge.size());
  return acknowledge(pipeline, queries, std::string(id), peer);
}

}  // namespace thorlog
