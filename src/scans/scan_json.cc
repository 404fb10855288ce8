#include "scans/scan_json.h"

#include "wire/text_time.h"

namespace thorlog {

void time_member(JsonWriter& json, std::string_view name, std::int64_t time) {
  if (time == kNoTime) return;
  char text[kMaxStampLength];
  StampCache stamp;
  json.member(name, std::string_view(text, static_cast<std::size_t>(stamp.append_rfc3339_nano(text, time) - text)));
}

void text_member(JsonWriter& json, std::string_view name, std::string_view text) {
  if (!text.empty()) json.member(name, text);
}

void append_scan(JsonWriter& json, const ScanRow& row) {
  json.begin_object();
  text_member(json, "asset", row.asset.empty() ? row.host : row.asset);
  text_member(json, "host", row.host);
  text_member(json, "scan_id", row.scan_id);
  text_member(json, "group_id", row.group_id);
  text_member(json, "state", name_of(row.state));
  text_member(json, "cause", row.cause);
  json.member("run", row.run).member("runs", row.runs).member("resumes", row.resumes);
  if (row.max_resumes != 0) json.member("max_resumes", row.max_resumes);
  time_member(json, "deadline", row.deadline);
  text_member(json, "arguments", row.arguments);
  time_member(json, "started", row.started);
  time_member(json, "ended", row.ended);
  time_member(json, "last_seen", row.last_seen);
  text_member(json, "last_module", row.last_module);
  json.member("lines", row.lines).member("alerts", row.alerts).member("warnings", row.warnings).end_object();
}

}  // namespace thorlog
