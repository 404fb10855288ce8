#include "analyze/report.h"

#include "base/json_writer.h"
#include "scans/scan_json.h"
#include "thorlog/record.h"
#include "wire/encode_json.h"

namespace thorlog {

std::string detection_event(const Detection& detection, std::uint64_t number) {
  const std::string object = detection_json(detection);
  Record record;
  Event& event = record.event;
  event.kind = Kind::detection;
  event.raw = object;
  event.message = detection.summary;
  event.host = event.canonical_host = detection.host;
  event.scan_id = detection.scan_id;
  event.group_id = detection.group_id;
  event.level = detection.level;
  event.flags = detection.flags;
  record.received = detection.log_time == kNoTime ? 0 : detection.log_time;
  const StoredRecord stored{record, 0, number, number, {}, "analyze", detection.asset, 0};
  JsonEncoder encoder;
  ByteBuffer out;
  encoder.append(stored, out);
  return std::string(out.view());
}

std::string scan_object(const ScanRow& row) {
  JsonWriter json;
  json.begin_object().key("scan");
  append_scan(json, row);
  json.end_object();
  return json.take();
}

}  // namespace thorlog
