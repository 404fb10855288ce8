// Any record through every format and framing: one record stays one line, JSON stays JSON, nothing is lost.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "thorlog/result.h"
#include "wire/encode_json_text.h"
#include "wire/encode_line.h"
#include "wire/escape.h"

namespace {

using namespace thorlog;

// Takes views out of the input, and small numbers from its first bytes.
class Pieces {
 public:
  explicit Pieces(std::string_view bytes) : bytes_(bytes) {}
  std::uint8_t number() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_.remove_prefix(1);
    return value;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

std::string_view part_of(std::string_view raw, std::uint8_t from, std::uint8_t length) {
  if (raw.empty()) return {};
  return raw.substr(from % raw.size(), length % 64);
}

void check_one_line(std::string_view text) {
  THORLOG_ASSERT(text.ends_with('\n'));
  for (const char c : text.substr(0, text.size() - 1)) THORLOG_ASSERT(static_cast<unsigned char>(c) >= 0x20);
}

void check_octet_count(std::string_view frame) {
  const std::size_t blank = frame.find(' ');
  THORLOG_ASSERT(blank != std::string_view::npos && frame[0] != '0');
  THORLOG_ASSERT(std::stoul(std::string(frame.substr(0, blank))) == frame.size() - blank - 1);
}

bool is_json(std::string_view text) {
  ByteBuffer ignored;
  return append_json_value(ignored, text);
}

void some_fields(const Event& event, const std::function<void(std::string_view, std::string_view, bool)>& sink) {
  sink(event.module, event.raw, true);
  sink("x", event.raw, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Pieces pieces({reinterpret_cast<const char*>(data), size});
  Record record;
  Event& event = record.event;
  event.kind = static_cast<Kind>(pieces.number() % 8);
  event.format = static_cast<Format>(pieces.number() % 8);
  event.level = static_cast<Level>(pieces.number() % 7);
  event.priority = pieces.number();
  event.flags = pieces.number() * 0x101U;
  event.score = pieces.number() % 2 == 0 ? pieces.number() / 7.0 : event.score;
  record.parts = pieces.number();
  std::uint8_t places[16];
  for (std::uint8_t& place : places) place = pieces.number();
  const std::string_view raw = pieces.rest();
  event.raw = raw;
  event.host = part_of(raw, places[0], places[1]);
  event.app_name = part_of(raw, places[2], places[3]);
  event.procid = part_of(raw, places[4], places[5]);
  event.module = part_of(raw, places[6], places[7]);
  event.message = part_of(raw, places[8], places[9]);
  event.scan_id = part_of(raw, places[10], places[11]);
  event.canonical_host = part_of(raw, places[12], places[13]);
  record.peer = part_of(raw, places[14], places[15]);
  record.received = static_cast<std::int64_t>(places[0] * std::uint64_t{0x0102030405060708});
  const StoredRecord stored{record, 1, 2, 3, "id", "in", "", 0};

  for (const LineFormat format :
       {LineFormat::raw, LineFormat::rfc5424, LineFormat::rfc3164, LineFormat::json, LineFormat::cef}) {
    ByteBuffer exact, lines, counted;
    LineEncoder({format, LineFraming::none, some_fields}).append(stored, exact);
    LineEncoder({format, LineFraming::lf, some_fields}).append(stored, lines);
    LineEncoder({format, LineFraming::octet, some_fields}).append(stored, counted);
    check_one_line(lines.view());
    if (!exact.empty()) check_octet_count(counted.view());
    THORLOG_ASSERT(counted.view().ends_with(exact.view()));
    if (format == LineFormat::json) THORLOG_ASSERT(is_json(exact.view()));
    if (format == LineFormat::raw) {
      THORLOG_ASSERT(exact.view() == raw);
      THORLOG_ASSERT(unescape_line(lines.view().substr(0, lines.size() - 1)) == raw);
    }
  }
  ByteBuffer shown;
  append_terminal(shown, raw);
  THORLOG_ASSERT(is_valid_utf8(shown.view()));
  THORLOG_ASSERT(shown.view().find('\x1B') == std::string_view::npos);
  return 0;
}
