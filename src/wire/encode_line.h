// One record as an output sends it: format, framing and the escaping that goes with them. One encoder for each
// thread; allocates nothing for a line once the buffer is warm.
#pragma once

#include <cstdint>

#include "base/byte_buffer.h"
#include "wire/encode_json.h"
#include "wire/encode_syslog.h"
#include "wire/stored_record.h"

namespace thorlog {

enum class LineFormat : std::uint8_t { raw, rfc5424, rfc3164, json, cef };
enum class LineFraming : std::uint8_t {
  none,   // exact bytes: a datagram, a RELP frame, a Kafka record, a request's body
  octet,  // RFC 6587, 3.4.1: "LENGTH SP" and the exact bytes
  lf      // escaped (see Escaping::line), and a LF: TCP lines, text files
};

struct EncodeOptions {
  LineFormat format = LineFormat::raw;
  LineFraming framing = LineFraming::none;
  FieldSource fields = nullptr;  // json: also the THOR fields
};

class LineEncoder {
 public:
  explicit LineEncoder(const EncodeOptions& options);

  void append(const StoredRecord& stored, ByteBuffer& out);

 private:
  void append_unframed(const StoredRecord& stored, ByteBuffer& out);

  EncodeOptions options_;
  Escaping escaping_;
  JsonEncoder json_;
  SyslogEncoder syslog_;
  std::size_t header_guess_ = 150;  // what the last line took beside its raw bytes
};

// Framing for bytes that are encoded already. append_line() escapes nothing: only for bytes without a LF. There is no
// octet-counted frame of nothing (RFC 6587, 3.4.1: the count begins with a nonzero digit), so none is written.
void append_octet_counted(ByteBuffer& out, std::string_view bytes);
void append_line(ByteBuffer& out, std::string_view bytes);

}  // namespace thorlog
