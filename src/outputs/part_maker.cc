#include "outputs/part_maker.h"

#include <sys/random.h>

#include <algorithm>
#include <random>

#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr int kFields5424 = 6;          // <PRI>1 STAMP HOST APP PROCID MSGID
constexpr std::size_t kStamp3164 = 16;  // "Oct  8 11:37:54 "
constexpr std::size_t kKeepBuffer = 1U << 20;

EncodeOptions header_options(OutputFormat format) {
  return {format == OutputFormat::rfc5424 ? LineFormat::rfc5424 : LineFormat::rfc3164, LineFraming::none, nullptr};
}

// What stands in front of the message in a line that we encoded ourselves.
std::string_view header_of(std::string_view line, OutputFormat format) {
  if (format != OutputFormat::rfc5424) {
    const std::size_t stamp = std::min(line.find('>'), line.size() - 1) + 1;
    const std::size_t host = line.find(' ', std::min(stamp + kStamp3164, line.size()));
    return line.substr(0, host == std::string_view::npos ? line.size() : host + 1);
  }
  std::size_t end = 0;
  for (int field = 0; field < kFields5424; ++field) end = std::min(line.find(' ', end), line.size() - 1) + 1;
  return line.substr(0, end);
}

}  // namespace

PartMaker::PartMaker(const OutputSettings& settings)
    : format_(settings.format),
      encoder_(encode_options(settings, LineFraming::none)),
      header_encoder_(header_options(settings.format)) {}

void PartMaker::prepare(const StoredRecord& record) {
  line_.clear();
  line_.release_above(kKeepBuffer);
  header_encoder_.append(record, line_);
  header_ = header_of(line_.view(), format_);
  line_.clear();
  encoder_.append(record, line_);
}

PartSplitter::Id PartMaker::random_id() {
  PartSplitter::Id id{};
  if (::getrandom(id.data(), id.size(), 0) == static_cast<ssize_t>(id.size())) return id;
  std::random_device device;
  for (std::uint8_t& byte : id) byte = static_cast<std::uint8_t>(device());
  return id;
}

}  // namespace thorlog
