#include "scanstore/scan_texts.h"

#include <fmt/format.h>

#include <charconv>

#include "base/json_writer.h"
#include "wire/text_time.h"

namespace thorlog {

std::string time_text(std::int64_t ns) {
  if (ns == kNoTime) return {};
  StampCache stamp;
  char text[kMaxStampLength];
  return {text, stamp.append_rfc3339_nano(text, ns)};
}

std::string levels_text(const ScanRow& row) {
  JsonWriter out;
  out.begin_object();
  for (std::size_t i = 1; i < row.run_levels.size(); ++i) {
    if (row.run_levels[i] != 0) out.member(name_of(static_cast<Level>(i)), row.run_levels[i]);
  }
  return out.end_object().take();
}

std::string modules_text(const ScanRow& row) {
  JsonWriter out;
  out.begin_array();
  for (const ModuleRow& module : row.modules) {
    out.begin_object().member("module", module.name).member("lines", module.lines);
    out.member("first_seen", time_text(module.first_seen))
        .member("last_seen", time_text(module.last_seen))
        .end_object();
  }
  return out.end_array().take();
}

std::string last_lines_text(const ScanRow& row) {
  JsonWriter out;
  out.begin_array();
  for (const RecordId& id : row.last_lines) out.value(fmt::format("{}-{}", id.partition, id.offset));
  return out.end_array().take();
}

std::string marks_text(const ScanMarks& marks) {
  return fmt::format("{} {} {} {} {}", marks.seen.offset, marks.seen.seq, marks.counted.offset, marks.counted.seq,
                     marks.log_time);
}

ScanMarks parse_marks(std::string_view text) {
  ScanMarks marks;
  const char* at = text.data();
  const char* end = at + text.size();
  const auto next = [&](auto& number) {
    while (at != end && *at == ' ') ++at;
    const auto [after, error] = std::from_chars(at, end, number);
    at = after;
    return error == std::errc();
  };
  if (next(marks.seen.offset) && next(marks.seen.seq) && next(marks.counted.offset) && next(marks.counted.seq) &&
      next(marks.log_time)) {
    return marks;
  }
  return {};
}

}  // namespace thorlog
