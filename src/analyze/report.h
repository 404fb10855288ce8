// What an analysis finds, as the contract's JSON, one line each without its end. Pure.
#pragma once

#include <string>

#include "thorlog/scan_watch.h"

namespace thorlog {

// A detection as an event. `number`: its id.
std::string detection_event(const Detection& detection, std::uint64_t number);

// {"scan":{…}}
std::string scan_object(const ScanRow& row);

}  // namespace thorlog
