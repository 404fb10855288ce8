#include "config/field.h"

#include <fmt/format.h>

namespace thorlog {

bool read_size(Reader& reader, const YamlNode& node, std::string_view key, SizeRange range, std::uint64_t& to) {
  const auto value = reader.scalar(node, key, "a size such as 4MiB");
  if (!value) return false;
  const auto bytes = parse_size(value->text);
  if (!bytes) {
    reader.error(value->place,
                 fmt::format("'{}' is no size for '{}': write a number and KiB, MiB, GiB or TiB, such as 4MiB",
                             value->text.substr(0, 40), key));
    return false;
  }
  if ((*bytes == 0 && range.zero) || (*bytes >= range.from && *bytes <= range.to)) return to = *bytes, true;
  reader.error(value->place, fmt::format("'{}' is out of range: '{}' must be {} to {}{}", value->text, key,
                                         size_text(range.from), size_text(range.to), range.zero ? ", or 0" : ""));
  return false;
}

bool read_duration(Reader& reader, const YamlNode& node, std::string_view key, TimeRange range,
                   std::chrono::nanoseconds& to) {
  const auto value = reader.scalar(node, key, "a duration such as 30s");
  if (!value) return false;
  const auto time = parse_duration(value->text);
  if (!time) {
    reader.error(value->place,
                 fmt::format("'{}' is no duration for '{}': write a number and ms, s, m, h or d, such as 30s",
                             value->text.substr(0, 40), key));
    return false;
  }
  if ((time->count() == 0 && range.zero) || (*time >= range.from && *time <= range.to)) return to = *time, true;
  reader.error(value->place,
               fmt::format("'{}' is out of range: '{}' must be {} to {}{}", value->text, key,
                           duration_text(range.from), duration_text(range.to), range.zero ? ", or 0" : ""));
  return false;
}

bool read_number(Reader& reader, const Scalar& value, std::string_view key, SizeRange range, std::uint64_t& to) {
  const auto number = parse_number(value.text);
  if (!number) {
    reader.error(value.place, fmt::format("'{}' is no number: '{}' must be {} to {}", value.text.substr(0, 40), key,
                                          range.from, range.to));
    return false;
  }
  if (*number >= range.from && *number <= range.to) return to = *number, true;
  reader.error(value.place,
               fmt::format("'{}' is out of range: '{}' must be {} to {}", value.text, key, range.from, range.to));
  return false;
}

bool read_yes_no(Reader& reader, const YamlNode& node, std::string_view key, bool& to) {
  const auto value = reader.scalar(node, key, "true or false");
  if (!value) return false;
  if (value->text == "true" || value->text == "false") return to = value->text == "true", true;
  reader.error(value->place, fmt::format("'{}' must be true or false, not '{}'", key, value->text.substr(0, 40)));
  return false;
}

bool read_text(Reader& reader, const YamlNode& node, std::string_view key, std::string& to) {
  auto value = reader.scalar(node, key, "text");
  if (!value) return false;
  if (!value->text.empty()) return to = std::move(value->text), true;
  reader.error(value->place, fmt::format("'{}' is empty: give it a value or take it out", key));
  return false;
}

void read_pairs(Reader& reader, const YamlNode& node, std::string_view key,
                std::vector<std::pair<std::string, std::string>>& to) {
  if (!reader.expect_map(node, key)) return;
  for (const auto& entry : node.entries)
    if (auto value = reader.scalar(entry.value, entry.key, "text"))
      to.emplace_back(entry.key, std::move(value->text));
}

std::string range_text(std::string_view type, SizeRange range) {
  return fmt::format("{}, {} to {}{}", type, size_text(range.from), size_text(range.to), range.zero ? ", or 0" : "");
}

std::string range_text(std::string_view type, TimeRange range) {
  return fmt::format("{}, {} to {}{}", type, duration_text(range.from), duration_text(range.to),
                     range.zero ? ", or 0" : "");
}

std::string list_text(const std::vector<std::string>& items) {
  if (items.empty()) return {};
  std::string text = "[";
  for (const auto& item : items) text += (text.size() > 1 ? ", " : "") + yaml_scalar(item);
  return text + "]";
}

std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs) {
  if (pairs.empty()) return {};
  std::string text = "{ ";
  for (const auto& [key, value] : pairs)
    text += fmt::format("{}{}: {}", text.size() > 2 ? ", " : "", yaml_scalar(key), yaml_scalar(value));
  return text + " }";
}

}  // namespace thorlog
