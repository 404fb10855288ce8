#include "outputs/syslog_encoding.h"

#include "thorlog/thor.h"

namespace thorlog {

LineFormat line_format(OutputFormat format) noexcept {
  switch (format) {
    case OutputFormat::raw:
      return LineFormat::raw;
    case OutputFormat::rfc5424:
      return LineFormat::rfc5424;
    case OutputFormat::rfc3164:
      return LineFormat::rfc3164;
    case OutputFormat::json:
      return LineFormat::json;
    case OutputFormat::cef:
      return LineFormat::cef;
  }
  return LineFormat::raw;
}

EncodeOptions encode_options(const OutputSettings& settings, LineFraming framing) noexcept {
  EncodeOptions options;
  options.format = line_format(settings.format);
  options.framing = framing;
  if (settings.fields) options.fields = for_each_field;
  return options;
}

}  // namespace thorlog
