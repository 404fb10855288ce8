// A line taken apart for a new header: what its own syslog header says that we do not send on, and the rest. Works on
// the bytes and on what the parser found in them; never looks far into the line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "thorlog/event.h"

namespace thorlog {

struct LineParts {
  std::string_view body;  // of raw: all behind the header, with its tag ("THOR: Info: ...", "sshd[7]: ...", "{...}")
  std::string_view structured_data;  // elements of an RFC 5424 header, well formed; empty when there are none
  bool has_tag = false;              // the body begins with the app name
};

// Where no header is recognised the body is the whole line (without <PRI>), so nothing is ever lost.
LineParts take_apart(const Event& event) noexcept;

// The body without "sshd[7]: ", for a header that carries both. THOR's own tags stay (they are part of its message).
std::string_view without_tag(const Event& event, const LineParts& parts) noexcept;

// One element "[id name=\"value\" ...]" at the start of `text`, strictly as RFC 5424, 6.3. Its length; 0: it is none.
std::size_t element_length(std::string_view text) noexcept;

// The priority of the line, else local7 and a severity that fits its level.
std::uint8_t priority_of(const Event& event) noexcept;

}  // namespace thorlog
