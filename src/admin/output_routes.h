// The admin interface's calls about outputs: dead letters, replays, the life of a line. Main loop's thread.
#pragma once

#include <optional>

#include "admin/http_server.h"
#include "pipeline/pipeline.h"

namespace thorlog {

// Nothing: the request is for somebody else.
//   GET  /api/v1/dead-letters [?output= &limit=]
//   POST /api/v1/dead-letters/retry, /drop ?output= and id=… or all=true
//   POST /api/v1/replay ?output= &since= [&until= &scan= &asset= &rate=], or &cancel=true; also as members of a JSON
//   body GET  /api/v1/explain/ID
std::optional<HttpResponse> output_route(Pipeline& pipeline, const Clock& clock, const HttpRequest& request,
                                         const HttpPeer& peer);

}  // namespace thorlog
