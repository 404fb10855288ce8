// JSON text: strings from any bytes, and values that come from outside as JSON already. RFC 8259; UTF-8 always; never
// a control character or a line end outside of an escape, so one value is one line.
#pragma once

#include <string_view>

#include "base/byte_buffer.h"

namespace thorlog {

// Appends `"bytes"`. Bytes that are no UTF-8 become U+FFFD, one for each maximal part. False when there were any.
bool append_json_string(ByteBuffer& out, std::string_view bytes);

// Appends a JSON value that someone else wrote, if it is one: whole, UTF-8, and nested at most 64 deep. Blanks
// between its tokens that are line ends or tabs become spaces. False: it isn't one; nothing was appended.
bool append_json_value(ByteBuffer& out, std::string_view value);

// Appends the bytes as base64 with padding (RFC 4648, 4), without quotes.
void append_base64(ByteBuffer& out, std::string_view bytes);

}  // namespace thorlog
