// The admin interface's calls about scans. Main loop's thread: the questions read SQLite through a connection of
// their own that never waits for the writer, and are cut off after some hundred milliseconds.
#pragma once

#include <optional>

#include "admin/http_server.h"
#include "pipeline/pipeline.h"

namespace thorlog {

// Nothing: the request is for somebody else.
//   GET  /api/v1/scans, /api/v1/assets, /api/v1/detections  [?state= &asset= &scan= &group= &type= &since= &limit=]
//   GET  /api/v1/scans/ASSET/SCAN_ID
//   POST /api/v1/detections/ID/acknowledge                  ID: the event's id, or the detection's key
std::optional<HttpResponse> scan_route(Pipeline& pipeline, const Clock& clock, const HttpRequest& request,
                                       const HttpPeer& peer);

}  // namespace thorlog
