// Parts of rows that are kept as text: JSON for lists, so that anybody can read the store. Pure.
#pragma once

#include <string>
#include <string_view>

#include "scanstore/scan_store.h"

namespace thorlog {

std::string levels_text(const ScanRow& row);      // {"alert":3,"info":10}, of the run
std::string modules_text(const ScanRow& row);     // [{"module","lines","first_seen","last_seen"}], in their order
std::string last_lines_text(const ScanRow& row);  // ["0-4096"], ids, the newest first
std::string marks_text(const ScanMarks& marks);
ScanMarks parse_marks(std::string_view text);  // what is no marks: the beginning

// "2026-02-12T14:24:36Z" with nanoseconds where there are some; empty for kNoTime.
std::string time_text(std::int64_t ns);

}  // namespace thorlog
