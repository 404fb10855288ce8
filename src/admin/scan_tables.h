// The tables of scans and of detections, as all commands show them.
#pragma once

#include <simdjson.h>

#include "base/table.h"

namespace thorlog {

Table scan_table();
// `scan`: the contract's object.
void add_scan(Table& table, const simdjson::dom::element& scan);

Table detection_table();
// `event`: a JSON event of kind detection.
void add_detection(Table& table, const simdjson::dom::element& event);

}  // namespace thorlog
