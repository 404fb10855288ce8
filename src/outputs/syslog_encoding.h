// How a syslog output's settings become an encoder.
#pragma once

#include "config/settings.h"
#include "wire/encode_line.h"

namespace thorlog {

LineFormat line_format(OutputFormat format) noexcept;
// `framing` none for datagrams.
EncodeOptions encode_options(const OutputSettings& settings, LineFraming framing) noexcept;

}  // namespace thorlog
