// A scan as the JSON object that `thorlogctl scans --json`, `analyze --json` and the HTTP API show: the contract's
// keys in its order, absent when unknown. Pure.
#pragma once

#include "base/json_writer.h"
#include "thorlog/scan_watch.h"

namespace thorlog {

// The object alone: {"asset":…}. Line-oriented callers wrap it as {"scan":…}.
void append_scan(JsonWriter& json, const ScanRow& row);

// A member with an RFC 3339 time, or with text; left out where there is none.
void time_member(JsonWriter& json, std::string_view name, std::int64_t time);
void text_member(JsonWriter& json, std::string_view name, std::string_view text);

}  // namespace thorlog
