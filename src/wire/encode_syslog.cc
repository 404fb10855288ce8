#include "wire/encode_syslog.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "wire/digits.h"

namespace thorlog {
namespace {

// RFC 5424, 6: the longest each header field may be.
constexpr std::size_t kMaxHost = 255;
constexpr std::size_t kMaxAppName = 48;
constexpr std::size_t kMaxProcid = 128;
constexpr std::size_t kMaxMsgid = 32;

constexpr std::uint32_t kKnownFlags = (1U << flag::count) - 1;
constexpr std::string_view kOwnElement = "[thor@32473";  // 32473: the number for documentation (RFC 5612)

void append_priority(ByteBuffer& out, const Event& event) {
  char* to = out.reserve(8);
  *to++ = '<';
  to = put_decimal(to, priority_of(event));
  *to++ = '>';
  out.commit_to(to);
}

std::int64_t time_of(const Record& record) noexcept {
  return record.event.timestamp == kNoTime ? record.received : record.event.timestamp;
}

std::string_view host_of(const Event& event) noexcept {
  return event.host.empty() ? event.canonical_host : event.host;
}

bool is_our_own(const Event& event) noexcept {
  return event.kind == Kind::detection || event.kind == Kind::audit || event.kind == Kind::life;
}

std::string_view app_name_of(const Event& event) noexcept {
  if (!event.app_name.empty()) return event.app_name;
  if (event.kind == Kind::thor) return "THOR";
  return is_our_own(event) ? std::string_view("thorlogd") : std::string_view();
}

void append_text_param(ByteBuffer& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(name);
  append_param_value(out, value);
  out.push_back('"');
}

void append_score(ByteBuffer& out, double score) {
  char* const to = out.reserve(32);
  out.commit_to(std::to_chars(to, to + 32, score).ptr);
}

void append_flag_names(ByteBuffer& out, std::uint32_t flags) {
  bool first = true;
  for (int bit = 0; bit < flag::count; ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    if (!first) out.push_back(',');
    out.append(flag_name(bit));
    first = false;
  }
}

void append_own_element(ByteBuffer& out, const StoredRecord& stored) {
  const Event& event = stored.record.event;
  out.append(kOwnElement);
  if (const auto first = stored.first_id(); !first.second.empty()) {
    append_text_param(out, R"( id=")", first.second);
  } else {
    out.append(R"( id=")");
    char* to = out.reserve(2 * kMaxDigits + 2);
    to = put_decimal(to, stored.partition);
    *to++ = '-';
    to = put_decimal(to, stored.offset);
    *to++ = '"';
    out.commit_to(to);
  }
  append_text_param(out, R"( scan_id=")", event.scan_id);
  append_text_param(out, R"( group_id=")", event.group_id);
  append_text_param(out, R"( asset=")", stored.asset_or_host());
  append_text_param(out, R"( level=")", name_of(event.level));
  append_text_param(out, R"( module=")", event.module);
  if (std::isfinite(event.score)) {
    out.append(R"( score=")");
    append_score(out, event.score);
    out.push_back('"');
  }
  if (stored.record.parts > 1) {
    out.append(R"( parts=")");
    out.commit_to(put_decimal(out.reserve(kMaxDigits), stored.record.parts));
    out.push_back('"');
  }
  if ((stored.flags() & kKnownFlags) != 0) {
    out.append(R"( flags=")");
    append_flag_names(out, stored.flags());
    out.push_back('"');
  }
  if (const unsigned hops = hops_of(event); hops != 0) {  // the first hop goes without saying
    out.append(R"( hops=")");
    out.commit_to(put_decimal(out.reserve(kMaxDigits), std::uint64_t{hops} + 1));
    out.push_back('"');
  }
  out.push_back(']');
}

bool is_own_element(std::string_view element) noexcept {
  return element.size() > kOwnElement.size() && element.starts_with(kOwnElement) &&
         (element[kOwnElement.size()] == ' ' || element[kOwnElement.size()] == ']');
}

// Elements of the line's own header go on, but none that looks like ours: those a sender could have forged.
void append_other_elements(ByteBuffer& out, std::string_view elements) {
  while (!elements.empty()) {
    const std::string_view element = elements.substr(0, element_length(elements));
    if (element.empty()) return;
    elements.remove_prefix(element.size());
    if (!is_own_element(element)) append_structured_data(out, element);
  }
}

int cef_severity(Level level) noexcept {
  switch (level) {  // as THOR gives them (domain notes 1.5)
    case Level::debug:
      return 1;
    case Level::notice:
      return 4;
    case Level::error:
      return 5;
    case Level::warning:
      return 8;
    case Level::alert:
      return 10;
    default:
      return 3;
  }
}

// THOR's own signature ids are six hex digits of unknown origin; ours are stable for the same module and message.
std::uint32_t cef_signature(const Event& event) noexcept {
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a
  const auto mix = [&hash](std::string_view text) {
    for (const char c : text.substr(0, 256)) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
  };
  mix(event.module);
  mix("|");
  mix(event.message);
  return (hash ^ hash >> 24) & 0xFFFFFFU;
}

void append_cef_pair(ByteBuffer& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.append(name);
  append_cef_value(out, value);
}

// The device: THOR in its own words, with the version its format shows; of other lines the program.
void append_cef_device(ByteBuffer& out, const Event& event) {
  if (event.kind == Kind::thor)
    return out.append(event.format == Format::json3 ? "Nextron Systems GmbH|THOR|11|"
                                                    : "Nextron Systems GmbH|THOR|10|");
  if (is_our_own(event)) return out.append("thorlogd|thorlogd|1|");
  out.append(event.kind == Kind::agent || event.kind == Kind::management ? "Nextron Systems GmbH|" : "unknown|");
  append_cef_header(out, event.app_name.empty() ? std::string_view("unknown") : event.app_name, 63);
  out.append("|0|");
}

void append_cef_event(ByteBuffer& out, const StoredRecord& stored, std::string_view body) {
  const Event& event = stored.record.event;
  out.append("CEF:0|");
  append_cef_device(out, event);
  char* to = out.reserve(8);
  const std::uint32_t signature = cef_signature(event);
  for (int shift = 20; shift >= 0; shift -= 4) *to++ = kLowerHex[signature >> shift & 15U];
  *to++ = '|';
  out.commit_to(to);
  append_cef_header(out, event.message.empty() ? body : event.message, 512);
  out.push_back('|');
  out.commit_to(put_decimal(out.reserve(kMaxDigits), static_cast<std::uint64_t>(cef_severity(event.level))));
  out.append("|rt=");
  const std::int64_t milliseconds = time_of(stored.record) / 1'000'000;
  out.commit_to(
      put_decimal(out.reserve(kMaxDigits), milliseconds < 0 ? 0 : static_cast<std::uint64_t>(milliseconds)));
  out.append(" externalId=");
  out.commit_to(put_decimal(out.reserve(kMaxDigits), stored.partition));
  out.push_back('-');
  out.commit_to(put_decimal(out.reserve(kMaxDigits), stored.offset));
  append_cef_pair(out, " dvchost=", host_of(event));
  append_cef_pair(out, " sproc=", event.module);
  append_cef_pair(out, " cs1Label=scan_id cs1=", event.scan_id);
  append_cef_pair(out, " cs2Label=group_id cs2=", event.group_id);
  append_cef_pair(out, " cs3Label=asset cs3=", stored.asset_or_host());
  if ((stored.flags() & kKnownFlags) != 0) {
    out.append(" cs4Label=flags cs4=");
    append_flag_names(out, stored.flags());
  }
  if (std::isfinite(event.score)) {
    out.append(" cfp1Label=score cfp1=");
    append_score(out, event.score);
  }
  if (stored.record.parts > 1) {
    out.append(" cn1Label=parts cn1=");
    out.commit_to(put_decimal(out.reserve(kMaxDigits), stored.record.parts));
  }
  append_cef_pair(out, " msg=", body);
}

}  // namespace

std::string_view without_own_elements(std::string_view elements) noexcept {
  while (is_own_element(elements)) {
    const std::size_t length = element_length(elements);
    if (length == 0) return {};
    elements.remove_prefix(length);
  }
  return elements;
}

unsigned hops_of(const Event& event) noexcept {
  constexpr std::string_view kName = R"( hops=")";  // no value can hold it: quotes are escaped in values
  const std::string_view element = event.structured_data.substr(0, element_length(event.structured_data));
  if (!is_own_element(element)) return 0;
  const std::size_t at = element.find(kName);
  if (at == std::string_view::npos) return 1;
  unsigned hops = 0;
  const char* const begin = element.data() + at + kName.size();
  const auto read = std::from_chars(begin, element.data() + element.size(), hops);
  return read.ec == std::errc() && hops <= kMostHops ? std::max(hops, 1U) : kMostHops;
}

// They stand in the structured data of RFC 5424's header, and only that one begins with "<PRI>1 ".
bool may_have_hops(std::string_view raw) noexcept {
  if (raw.size() < 5 || raw[0] != '<') return false;
  std::size_t at = 2;
  while (at < 4 && raw[at] != '>') ++at;
  return raw[at] == '>' && raw.substr(at + 1, 2) == "1 ";
}

void SyslogEncoder::append_rfc5424(const StoredRecord& stored, ByteBuffer& out) {
  const Event& event = stored.record.event;
  const LineParts parts = take_apart(event);
  append_priority(out, event);
  char* to = out.reserve(kMaxStampLength + 4);
  *to++ = '1';
  *to++ = ' ';
  to = stamp_.append_rfc3339_micro(to, time_of(stored.record));
  *to++ = ' ';
  out.commit_to(to);
  append_header_field(out, host_of(event), kMaxHost);
  out.push_back(' ');
  append_header_field(out, app_name_of(event), kMaxAppName);
  out.push_back(' ');
  append_header_field(out, event.procid, kMaxProcid);
  out.push_back(' ');
  append_header_field(out, is_our_own(event) ? name_of(event.kind) : event.msgid, kMaxMsgid);
  out.push_back(' ');
  append_own_element(out, stored);
  append_other_elements(out, parts.structured_data);
  const std::string_view message = without_tag(event, parts);
  if (message.empty()) return;
  out.push_back(' ');
  append_bytes(out, message, escaping_);
}

void SyslogEncoder::append_rfc3164_header(const StoredRecord& stored, ByteBuffer& out) {
  append_priority(out, stored.record.event);
  char* to = out.reserve(kMaxStampLength + 1);
  to = stamp_.append_rfc3164(to, time_of(stored.record));
  *to++ = ' ';
  out.commit_to(to);
  append_header_field(out, host_of(stored.record.event), kMaxHost);
  out.push_back(' ');
}

void SyslogEncoder::append_rfc3164(const StoredRecord& stored, ByteBuffer& out) {
  const Event& event = stored.record.event;
  const LineParts parts = take_apart(event);
  append_rfc3164_header(stored, out);
  const std::string_view tag = app_name_of(event);
  if (!tag.empty() && event.format != Format::cef && !parts.body.starts_with(tag)) {
    append_header_field(out, tag, kMaxAppName);
    if (!event.procid.empty()) {
      out.push_back('[');
      append_header_field(out, event.procid, kMaxProcid);
      out.push_back(']');
    }
    out.append(": ");
  }
  append_bytes(out, parts.body, escaping_);
}

void SyslogEncoder::append_cef(const StoredRecord& stored, ByteBuffer& out) {
  const Event& event = stored.record.event;
  const LineParts parts = take_apart(event);
  append_rfc3164_header(stored, out);
  std::string_view body = parts.body;
  if (event.format == Format::cef && body.starts_with("CEF:")) {
    body.remove_prefix(body.starts_with("CEF: ") ? 5 : 4);  // some relays put a blank there
    out.append("CEF:");
    return append_cef_as_it_is(out, body);
  }
  append_cef_event(out, stored, is_our_own(event) ? parts.body : without_tag(event, parts));
}

}  // namespace thorlog
