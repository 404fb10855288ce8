// Making hostile bytes harmless, one way for each place they go to (specs 4, "Escaping"). JSON strings are in
// encode_json_text.h. Pure; each is linear in its input and appends to `out`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/byte_buffer.h"

namespace thorlog {

// How the bytes of a line go out: as they are, where the framing counts them; or with every byte that could end a
// line or confuse a reader of text files as \xHH.
enum class Escaping : std::uint8_t { none, line };

// C0 controls (LF, CR, NUL, TAB, ESC and so on) and the backslash become \xHH; all other bytes stay. Reversible.
void append_line_escaped(ByteBuffer& out, std::string_view bytes);
// The bytes again; what is no \xHH stays as it is.
std::string unescape_line(std::string_view text);

inline void append_bytes(ByteBuffer& out, std::string_view bytes, Escaping escaping) {
  if (escaping == Escaping::line) return append_line_escaped(out, bytes);
  out.append(bytes);
}

// A PARAM-VALUE of RFC 5424, 6.3.3: `"`, `\` and `]` with a backslash before them; UTF-8 only (else U+FFFD); controls
// as \xHH, which nothing else turns into.
void append_param_value(ByteBuffer& out, std::string_view value);
// Elements that are structured data already: only controls (as \xHH) and what is no UTF-8 are changed.
void append_structured_data(ByteBuffer& out, std::string_view elements);

// A header field of RFC 5424, 6: printable ASCII only (others become '_'), at most `limit` bytes, "-" when empty.
void append_header_field(ByteBuffer& out, std::string_view value, std::size_t limit);

// CEF: the fields between the bars (`\` and `|` escaped, controls a blank) and the values of extensions (`\` and `=`
// escaped, LF and CR as \n and \r, other controls as \xHH). UTF-8 only, else U+FFFD.
void append_cef_header(ByteBuffer& out, std::string_view value, std::size_t limit);
void append_cef_value(ByteBuffer& out, std::string_view value);
// Text that is CEF already: only controls and what is no UTF-8 are changed; its own escapes stay.
void append_cef_as_it_is(ByteBuffer& out, std::string_view text);

// For a terminal: printable UTF-8 as it is. Controls (C0, DEL, C1) and bytes that are no UTF-8 become \xHH; code
// points that change the direction of text or cannot be seen become \u{HHHH}. A backslash stays, so this is for eyes
// only. Not the width in columns: see display_width() in base/table.h.
void append_terminal(ByteBuffer& out, std::string_view text);

bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace thorlog
