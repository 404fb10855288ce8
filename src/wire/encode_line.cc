#include "wire/encode_line.h"

#include "wire/digits.h"

namespace thorlog {
namespace {

std::size_t digits_of(std::uint64_t value) noexcept {
  std::size_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

}  // namespace

LineEncoder::LineEncoder(const EncodeOptions& options)
    : options_(options),
      escaping_(options.framing == LineFraming::lf ? Escaping::line : Escaping::none),
      json_(options.fields),
      syslog_(escaping_) {}

void LineEncoder::append_unframed(const StoredRecord& stored, ByteBuffer& out) {
  switch (options_.format) {
    case LineFormat::raw:
      return append_bytes(out, stored.record.event.raw, escaping_);
    case LineFormat::rfc5424:
      return syslog_.append_rfc5424(stored, out);
    case LineFormat::rfc3164:
      return syslog_.append_rfc3164(stored, out);
    case LineFormat::json:
      return json_.append(stored, out);
    case LineFormat::cef:
      return syslog_.append_cef(stored, out);
  }
}

void LineEncoder::append(const StoredRecord& stored, ByteBuffer& out) {
  if (options_.framing == LineFraming::none) return append_unframed(stored, out);
  if (options_.framing == LineFraming::lf) {
    append_unframed(stored, out);
    return out.push_back('\n');
  }
  if (options_.format == LineFormat::raw) return append_octet_counted(out, stored.record.event.raw);
  // The count stands in front of what it counts: leave room for as many digits as it will have, most of the time.
  const std::size_t start = out.size();
  const std::size_t room = digits_of(stored.record.event.raw.size() + header_guess_) + 1;
  out.reserve(room);
  out.commit(room);
  append_unframed(stored, out);
  const std::size_t length = out.size() - start - room;
  const std::size_t needed = digits_of(length) + 1;
  const std::size_t raw = stored.record.event.raw.size();
  header_guess_ = length > raw ? length - raw : 0;
  if (needed != room) {
    out.reserve(needed);
    std::memmove(out.data() + start + needed, out.data() + start + room, length);
    out.truncate(start);
    out.commit(needed + length);
  }
  *put_decimal(out.data() + start, length) = ' ';
}

void append_octet_counted(ByteBuffer& out, std::string_view bytes) {
  if (bytes.empty()) return;
  char* to = out.reserve(kMaxDigits + 1 + bytes.size());
  to = put_decimal(to, bytes.size());
  *to++ = ' ';
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  out.commit_to(to + bytes.size());
}

void append_line(ByteBuffer& out, std::string_view bytes) {
  out.append(bytes);
  out.push_back('\n');
}

}  // namespace thorlog
