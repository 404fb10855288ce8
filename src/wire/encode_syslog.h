// Syslog lines with a header of our own (RFC 5424, RFC 3164) and CEF. What each field becomes: docs/formats.md. The
// message is the line without its own header, byte for byte (or line-escaped). One encoder for each thread.
#pragma once

#include "base/byte_buffer.h"
#include "wire/encode_parts.h"
#include "wire/escape.h"
#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

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
