// A detection as the JSON text that the journal keeps and outputs send.
#include <string>

#include "scans/scan_json.h"

namespace thorlog {
std::string detection_json(const Detection& detection) {
  JsonWriter json;
  json.begin_object();
  text_member(json, "key", detection.key);
  text_member(json, "type", detection.type_name);
  text_member(json, "cause", detection.cause);
  text_member(json, "confidence", detection.confidence);
  text_member(json, "severity", detection.severity);
  text_member(json, "scan_id", detection.scan_id);
  text_member(json, "asset", detection.asset);
  if (detection.run != 0) {
    json.member("run", detection.run);
    json.member("resumes", detection.resumes);
  }
  if (detection.max_resumes != 0) json.member("max_resumes", detection.max_resumes);
  time_member(json, "deadline", detection.deadline);
  text_member(json, "arguments", detection.arguments);
  time_member(json, "first_seen", detection.first_seen);
  time_member(json, "last_seen", detection.last_seen);
  text_member(json, "last_module", detection.last_module);
  if (detection.run != 0) json.member("lines", detection.lines);
  text_member(json, "resolves", detection.resolves);
  text_member(json, "summary", detection.summary);
  json.key("evidence").begin_array();
  for (const Evidence& evidence : detection.evidence) {
    json.begin_object();
    json.member("id", std::to_string(evidence.id.partition) + "-" + std::to_string(evidence.id.offset));
    time_member(json, "received", evidence.received);
    json.member("raw", std::string_view(evidence.raw));
    json.end_object();
  }
  json.end_array().end_object();
  return json.take();
}

}  // namespace thorlog
