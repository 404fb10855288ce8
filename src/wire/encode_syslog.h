// Syslog lines with a header of our own (RFC 5424, RFC 3164) and CEF. What each field becomes: docs/formats.md. The
// message is the line without its own header, byte for byte (or line-escaped). One encoder for each thread.
#pragma once

#include "base/byte_buffer.h"
#include "wire/encode_parts.h"
#include "wire/escape.h"
#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

// How many thorlogds the line has come through, as the last one said in the first element of its structured data.
// Only of a line from a peer that is trusted: of others without_own_elements() was taken.
unsigned hops_of(const Event& event) noexcept;
// Whether the line can have any, without its fields: false says that it has none.
bool may_have_hops(std::string_view raw) noexcept;
inline constexpr unsigned kMostHops = 8;  // then it goes round in circles

// Structured data without the elements in front that only another thorlogd may write.
std::string_view without_own_elements(std::string_view elements) noexcept;

class SyslogEncoder {
 public:
  explicit SyslogEncoder(Escaping escaping) : escaping_(escaping) {}

  void append_rfc5424(const StoredRecord& stored, ByteBuffer& out);
  void append_rfc3164(const StoredRecord& stored, ByteBuffer& out);
  // CEF has its own escapes, which make a line of it whatever the framing is.
  void append_cef(const StoredRecord& stored, ByteBuffer& out);

 private:
  void append_rfc3164_header(const StoredRecord& stored, ByteBuffer& out);

  Escaping escaping_;
  StampCache stamp_;
};

}  // namespace thorlog
