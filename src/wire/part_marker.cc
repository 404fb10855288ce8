#include "wire/part_marker.h"

#include <cstring>

#include <xxhash.h>

#include "wire/digits.h"

namespace thorlog {
namespace {

constexpr std::string_view kElement = "[part@32473 ";
constexpr std::string_view kTag = "thorlogd: ";
constexpr std::size_t kWindow = 1024;  // the marker begins and ends within it
constexpr std::size_t kMostWords = 6;  // before the tag: a stamp has three, relays add a host or two
constexpr std::size_t kLongestId = 64;
constexpr std::size_t kLeastRoom = 16;  // of payload in each part, or splitting is pointless

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

int hex_value(char c) noexcept {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool read_number(std::string_view text, std::uint64_t& value) noexcept {
  if (text.empty() || text.size() > 18) return false;
  value = 0;
  for (const char c : text) {
    if (!is_digit(c)) return false;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return true;
}

bool read_hex(std::string_view text, std::uint64_t& value) noexcept {
  if (text.empty() || text.size() > 16) return false;
  value = 0;
  for (const char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) return false;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return true;
}

// Behind "<PRI>", 0 when there is none.
std::size_t skip_priority(std::string_view text) noexcept {
  if (text.size() < 3 || text[0] != '<') return 0;
  std::size_t at = 1;
  while (at < text.size() && at < 4 && is_digit(text[at])) ++at;
  return at > 1 && at < text.size() && text[at] == '>' ? at + 1 : 0;
}

bool is_rfc5424(std::string_view text) noexcept {
  const std::size_t at = skip_priority(text);
  return at > 0 && text.size() > at + 1 && text[at] == '1' && text[at + 1] == ' ';
}

// The end of the structured data element that begins at `at`, 0 when it has none (RFC 5424, 6.3).
std::size_t element_end(std::string_view text, std::size_t at) noexcept {
  bool quoted = false;
  for (++at; at < text.size(); ++at) {
    const char c = text[at];
    if (quoted && c == '\\') {
      ++at;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ']') {
      return at + 1;
    }
  }
  return 0;
}

// Behind the six words of an RFC 5424 header, 0 when they are not all there.
std::size_t structured_data(std::string_view text) noexcept {
  std::size_t at = skip_priority(text);
  for (int word = 0; word < 6; ++word) {
    const std::size_t blank = text.find(' ', at);
    if (blank == std::string_view::npos) return 0;
    at = blank + 1;
  }
  return at;
}

// Where a marker may stand in an RFC 5424 message: among the elements.
std::size_t place_in_structured(std::string_view text) noexcept {
  std::size_t at = structured_data(text);
  while (at != 0 && at < text.size() && text[at] == '[') {
    if (text.compare(at, kElement.size(), kElement) == 0) return at;
    at = element_end(text, at);
    if (at == 0) return 0;
  }
  return 0;
}

// And in any other: behind the tag, with no more than a header before it.
std::size_t place_behind_tag(std::string_view text) noexcept {
  std::size_t at = skip_priority(text);
  for (std::size_t word = 0; word <= kMostWords; ++word) {
    while (at < text.size() && text[at] == ' ') ++at;
    if (text.compare(at, kTag.size(), kTag) == 0) {
      at += kTag.size();
      return text.compare(at, kElement.size(), kElement) == 0 ? at : 0;
    }
    const std::size_t blank = text.find(' ', at);
    if (blank == std::string_view::npos) return 0;
    at = blank;
  }
  return 0;
}

// The quick answer for nearly every line: brackets are rare near the beginning of text.
bool mentions_element(std::string_view text) noexcept {
  while (text.size() >= kElement.size()) {
    const void* bracket = std::memchr(text.data(), '[', text.size() - kElement.size() + 1);
    if (bracket == nullptr) return false;
    text.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(bracket) - text.data()));
    if (text.starts_with(kElement)) return true;
    text.remove_prefix(1);
  }
  return false;
}

bool set_parameter(PartMarker& marker, std::string_view name, std::string_view value) noexcept {
  std::uint64_t number = 0;
  if (name == "id") {
    marker.id = value;
    return !value.empty() && value.size() <= kLongestId;
  }
  if (name == "sum") {
    marker.has_sum = read_hex(value, marker.sum);
    return marker.has_sum;
  }
  if (!read_number(value, number)) return name != "n" && name != "of" && name != "bytes";
  if (name == "n" || name == "of") {
    if (number == 0 || number > kMostParts) return false;
    (name == "n" ? marker.number : marker.of) = static_cast<std::uint32_t>(number);
  } else if (name == "bytes") {
    marker.bytes = number;
    marker.encoded = true;
  }
  return true;  // a later version may say more
}

bool read_element(std::string_view text, PartMarker& marker) noexcept {
  text = text.substr(kElement.size(), text.size() - kElement.size() - 1);
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) return false;
    const std::size_t end = text.find('"', equals + 2);
    if (end == std::string_view::npos) return false;
    if (!set_parameter(marker, text.substr(0, equals), text.substr(equals + 2, end - equals - 2))) return false;
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return !marker.id.empty() && marker.number > 0 && marker.number <= marker.of;
}

}  // namespace

std::size_t rfc5424_message(std::string_view line) noexcept {
  if (!is_rfc5424(line)) return 0;
  std::size_t at = structured_data(line);
  if (at == 0) return 0;
  if (at < line.size() && line[at] == '-') ++at;
  while (at < line.size() && line[at] == '[') {
    at = element_end(line, at);
    if (at == 0) return 0;
  }
  return at < line.size() ? at + 1 : 0;
}

bool find_part_marker(std::string_view message, PartMarker& marker) noexcept {
  const std::string_view window = message.substr(0, kWindow);
  if (!mentions_element(window)) return false;
  marker = PartMarker();
  const bool structured = is_rfc5424(window);
  marker.at = structured ? place_in_structured(window) : place_behind_tag(window);
  if (marker.at == 0) return false;
  marker.element_end = element_end(window, marker.at);
  if (marker.element_end == 0) return false;
  if (!read_element(window.substr(marker.at, marker.element_end - marker.at), marker)) return false;

  std::size_t at = marker.element_end;
  while (structured && at < window.size() && window[at] == '[') {  // elements that a relay put behind it
    at = element_end(window, at);
    if (at == 0) return false;
  }
  // A part without payload may have lost its last blank.
  if (at < message.size() && message[at] != ' ') return false;
  marker.payload_at = at < message.size() ? at + 1 : at;
  return true;
}

void decode_part(std::string_view payload, std::string& out) {
  while (!payload.empty()) {
    const std::size_t slash = payload.find('\\');
    out.append(payload.substr(0, slash));
    if (slash == std::string_view::npos) return;
    payload.remove_prefix(slash);
    if (payload.size() >= 2 && payload[1] == '\\') {
      out += '\\';
      payload.remove_prefix(2);
    } else if (payload.size() >= 4 && payload[1] == 'x' && hex_value(payload[2]) >= 0 && hex_value(payload[3]) >= 0) {
      out += static_cast<char>(hex_value(payload[2]) << 4 | hex_value(payload[3]));
      payload.remove_prefix(4);
    } else {
      out += '\\';
      payload.remove_prefix(1);
    }
  }
}

PartSplitter::PartSplitter(std::string_view header, std::string_view raw, std::size_t max_length, const Id& id)
    : header_(header), raw_(raw), structured_(is_rfc5424(header)) {
  for (const std::uint8_t byte : id) {
    id_ += kLowerHex[byte >> 4];
    id_ += kLowerHex[byte & 15];
  }
  sum_ = XXH3_64bits(raw.data(), raw.size());
  const std::size_t overhead = header.size() + (structured_ ? 0 : kTag.size()) + kElement.size() +
                               std::string_view(R"(id="" n="4096" of="4096" bytes="" sum=""] )").size() + id_.size() +
                               std::to_string(raw.size()).size() + 16;
  if (max_length < overhead + kLeastRoom) return;
  room_ = max_length - overhead;
  std::uint32_t count = 0;
  for (std::size_t at = 0; at < raw.size() || count == 0; at = chunk(at, room_, nullptr))
    if (++count > kMostParts) return;
  count_ = count;
}

// Encodes what fits into `room`, from raw_[from] on; answers where the next part begins.
std::size_t PartSplitter::chunk(std::size_t from, std::size_t room, std::string* out) const {
  std::size_t at = from;
  for (std::size_t used = 0; at < raw_.size(); ++at) {
    const char c = raw_[at];
    // Whether this byte ends the part is known only behind it, so any blank that might do so is written in full.
    const bool at_end = at == from || at + 1 == raw_.size() || used + 2 * 4 > room;
    const bool hex = is_control(c) || (c == ' ' && at_end);
    const std::size_t length = hex ? 4 : c == '\\' ? 2 : 1;
    if (used + length > room) break;
    used += length;
    if (out == nullptr) continue;
    if (hex) {
      const auto byte = static_cast<unsigned char>(c);
      const char code[] = {'\\', 'x', kUpperHex[byte >> 4], kUpperHex[byte & 15]};
      out->append(code, sizeof(code));
    } else {
      out->append(length, c);
    }
  }
  return at;
}

bool PartSplitter::next(std::string& message) {
  if (number_ == count_) return false;
  ++number_;
  message.assign(header_);
  if (!structured_) message += kTag;
  message.append(kElement).append("id=\"").append(id_);
  message.append("\" n=\"").append(std::to_string(number_)).append("\" of=\"").append(std::to_string(count_));
  message.append("\" bytes=\"").append(std::to_string(raw_.size()));
  if (number_ == 1) {
    message.append("\" sum=\"");
    for (int shift = 60; shift >= 0; shift -= 4) message += kLowerHex[sum_ >> shift & 15];
  }
  message += "\"] ";
  at_ = chunk(at_, room_, &message);
  return true;
}

}  // namespace thorlog
