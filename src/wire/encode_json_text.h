// JSON text: strings from any bytes, and values that come from outside as JSON already. RFC 8259; UTF-8 always; never
// a control character or a line end outside of an escape, so one value is one line.
#pragma once

#include <string_view>

#include "base/byte_buffer.h"

namespace thorlog {

// Room that put_json_string() needs for a string of this length.
constexpr std::size_t json_string_room(std::size_t length) noexcept { return 6 * length + 18; }

// Writes `"bytes"` at `to`, where there is room enough, and gives the end. `valid` becomes false when bytes were no
// UTF-8; they are U+FFFD then, one for each maximal part.
char* put_json_string(char* to, std::string_view bytes, bool& valid) noexcept;

// Appends `"bytes"` likewise, for strings of any length: takes no more room than is needed. False when bytes were no
// UTF-8.
bool append_json_string(ByteBuffer& out, std::string_view bytes);

// Appends a JSON value that someone else wrote, if it is one: whole, UTF-8, and nested at most 64 deep. Blanks
// between its tokens that are line ends or tabs become spaces. False: it isn't one; nothing was appended.
bool append_json_value(ByteBuffer& out, std::string_view value);

// Appends the bytes as base64 with padding (RFC 4648, 4), without quotes.
void append_base64(ByteBuffer& out, std::string_view bytes);

}  // namespace thorlog
