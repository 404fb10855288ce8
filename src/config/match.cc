// `match:` of an output: which records it gets.
#include <fmt/format.h>
#include <re2/re2.h>

#include "config/tables.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxPattern = 4096;
constexpr std::size_t kMaxEntries = 1000;

template <class Name>
std::vector<std::string_view> names_up_to(int count, Name name) {
  std::vector<std::string_view> names;
  for (int i = 0; i < count; ++i)
    if (const std::string_view text = name(i); !text.empty()) names.push_back(text);
  return names;
}

// An empty list would match nothing, or everything: nobody knows which was meant.
void check_not_empty(Reader& reader, const YamlNode& node, std::string_view key) {
  if (node.is(YamlNode::Kind::list) && node.items.empty())
    reader.error(node.place, fmt::format("'{}' is an empty list: name something or take it out", key));
}

using BitOf = std::function<std::uint32_t(std::string_view)>;  // 0: unknown

// A list of names that are bits of a set.
Field<MatchKeys> bits(const char* key, std::uint32_t MatchKeys::*member, const char* what,
                      const std::vector<std::string_view>& names, const BitOf& bits_of, const char* help) {
  return {
      .key = key,
      .type = fmt::format("any of {}", one_of(names)),
      .help = help,
      .read =
          [=](Reader& reader, const YamlNode& node, MatchKeys& to) {
            check_not_empty(reader, node, key);
            for (const auto& item : reader.scalars(node, key, fmt::format("a list of names ({})", one_of(names)))) {
              const std::uint32_t found = bits_of(item.text);
              if (found == 0) reader.unknown(item.place, what, item.text, names);
              to.*member |= found;
            }
          },
      .show = [](const MatchKeys&) { return std::string(); }};
}

std::uint32_t kind_bit(std::string_view name) {
  if (name == name_of(Kind::life)) return 0;  // such records reach no output
  for (unsigned i = 0; i <= static_cast<unsigned>(Kind::life); ++i)
    if (name_of(static_cast<Kind>(i)) == name) return 1U << i;
  return 0;
}

std::uint32_t level_bit(std::string_view name) {
  for (auto i = static_cast<unsigned>(Level::debug); i <= static_cast<unsigned>(Level::alert); ++i)
    if (name_of(static_cast<Level>(i)) == name) return 1U << i;
  return 0;
}

// "warning", or a comparison: ">=warning" is that level and those above it. 0, and told, when it is neither.
std::uint32_t read_levels(Reader& reader, const Scalar& item) {
  constexpr std::uint32_t kAll =
      (2U << static_cast<unsigned>(Level::alert)) - (1U << static_cast<unsigned>(Level::debug));
  const std::string_view text = item.text;
  const auto name_at = std::min(text.find_first_not_of("<>= "), text.size());
  const auto comparison = text.substr(0, std::min(text.find(' '), name_at));
  const std::uint32_t bit = level_bit(text.substr(name_at));
  if (bit == 0) return reader.unknown(item.place, "level", text.substr(name_at), level_names()), 0;
  const std::uint32_t below = bit - 1, above = ~(bit | below);
  std::uint32_t found = 0;
  if (comparison.empty())
    found = bit;
  else if (comparison == ">=")
    found = bit | above;
  else if (comparison == "<=")
    found = bit | below;
  else if (comparison == ">")
    found = above;
  else if (comparison == "<")
    found = below;
  found &= kAll;
  if (found == 0) reader.error(item.place, fmt::format("no level is '{}': write it such as \">=warning\"", text));
  return found;
}

Field<MatchKeys> levels_field() {
  return {.key = "level",
          .type = fmt::format("any of {}, or \">=warning\"", one_of(level_names())),
          .help = "Levels, or a comparison with one; they order as debug, info, notice, error, warning, alert.",
          .read =
              [](Reader& reader, const YamlNode& node, MatchKeys& to) {
                check_not_empty(reader, node, "level");
                for (const auto& item : reader.scalars(node, "level", "a level such as \">=warning\""))
                  to.levels |= read_levels(reader, item);
              },
          .show = [](const MatchKeys&) { return std::string(); }};
}

std::uint32_t flag_bit(std::string_view name) {
  for (int i = 0; i < flag::count; ++i)
    if (flag_name(i) == name) return 1U << i;
  return 0;
}

Field<MatchKeys> words(const char* key, std::vector<std::string> MatchKeys::*member, const char* help) {
  auto made = field::texts(key, member, "any of some text", help);
  made.read = [=](Reader& reader, const YamlNode& node, MatchKeys& to) {
    for (auto& item : reader.scalars(node, key, "a list of text")) {
      if (item.text.empty()) reader.error(item.place, fmt::format("'{}' holds an empty text: take it out", key));
      (to.*member).push_back(std::move(item.text));
    }
    check_not_empty(reader, node, key);
  };
  made.show = [](const MatchKeys&) { return std::string(); };
  return made;
}

Field<MatchKeys> lower_words(const char* key, std::vector<std::string> MatchKeys::*member, const char* help) {
  auto made = words(key, member, help);
  made.read = [=, read = made.read](Reader& reader, const YamlNode& node, MatchKeys& to) {
    read(reader, node, to);
    for (auto& text : to.*member)
      for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  };
  return made;
}

Field<MatchKeys> detection_types_field() {
  auto made = words("type", &MatchKeys::types, "Type of a detection.");
  made.read = [](Reader& reader, const YamlNode& node, MatchKeys& to) {
    check_not_empty(reader, node, "type");
    for (auto& item : reader.scalars(node, "type", "a list of types of detections")) {
      bool known = false;
      for (const auto type : detection_types()) known = known || type == item.text;
      if (!known) reader.unknown(item.place, "type of detection", item.text, detection_types());
      to.types.push_back(std::move(item.text));
    }
  };
  return made;
}

void read_pattern(Reader& reader, const Scalar& pattern, std::vector<std::string>& to) {
  if (pattern.text.empty() || pattern.text.size() > kMaxPattern)
    return reader.error(pattern.place, fmt::format("a pattern has 1 to {} bytes", kMaxPattern));
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  const RE2 compiled(pattern.text, options);
  if (!compiled.ok())
    return reader.error(pattern.place, fmt::format("this 'regex' is no RE2 pattern: {}", compiled.error()));
  to.push_back(pattern.text);
}

Field<MatchKeys> patterns(const char* key, std::vector<std::string> MatchKeys::*member, const char* help) {
  return {.key = key,
          .type = "{ regex: PATTERN }, or a list of patterns in it",
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, MatchKeys& to) {
                if (!node.is(YamlNode::Kind::map))
                  return reader.error(node.place,
                                      fmt::format("write '{0}' such as {0}: {{ regex: 'mimikatz' }}", key));
                bool found = false;
                for (const auto& entry : node.entries) {
                  if (entry.key != "regex") {
                    constexpr std::string_view kKnown[] = {"regex"};
                    reader.unknown(entry.place, "key", entry.key, kKnown, fmt::format(" of '{}'", key));
                    continue;
                  }
                  found = true;
                  check_not_empty(reader, entry.value, "regex");
                  for (const auto& pattern : reader.scalars(entry.value, "regex", "a pattern"))
                    read_pattern(reader, pattern, to.*member);
                }
                if (!found && node.entries.empty()) reader.error(node.place, fmt::format("'{}' needs 'regex'", key));
              },
          .show = [](const MatchKeys&) { return std::string(); }};
}

void read_keys(Reader& reader, const YamlNode& node, MatchKeys& to, std::string_view what,
               std::span<const std::string_view> others) {
  if (!reader.expect_map(node, what)) return;
  if (node.entries.empty())
    return reader.error(node.place, fmt::format("this {} has no key: name one, or take it out", what));
  read_fields(reader, node, match_fields(), to, what, ~0U, others);
}

void read_entry(Reader& reader, const YamlNode& node, std::vector<MatchEntry>& to) {
  constexpr std::string_view kOthers[] = {"not"};
  MatchEntry entry;
  entry.place = node.place;
  read_keys(reader, node, entry.wanted, "match entry", kOthers);
  if (const YamlEntry* excluded = node.find("not")) {
    const YamlNode& value = excluded->value;
    if (value.is(YamlNode::Kind::list)) {
      for (const auto& item : value.items) read_keys(reader, item, entry.excluded.emplace_back(), "'not'", {});
    } else {
      read_keys(reader, value, entry.excluded.emplace_back(), "'not'", {});
    }
  }
  to.push_back(std::move(entry));
}

}  // namespace

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names;
  for (const auto kind :
       {Kind::thor, Kind::agent, Kind::management, Kind::os, Kind::syslog, Kind::detection, Kind::audit})
    names.push_back(name_of(kind));
  return names;
}
std::vector<std::string_view> level_names() {
  return names_up_to(static_cast<int>(Level::alert) + 1, [](int i) { return name_of(static_cast<Level>(i)); });
}
std::vector<std::string_view> flag_names() { return names_up_to(flag::count, flag_name); }

std::span<const std::string_view> detection_types() {
  static constexpr std::string_view kTypes[] = {
      "scan_started", "scan_finished",     "scan_resumed",     "orderly_restart",    "disorderly_restart",
      "restart_loop", "scan_aborted",      "log_reduced",      "scan_suspect",       "scan_recovered",
      "scan_lost",    "resume_limit_near", "resume_exhausted", "completion_unknown", "interrupt_ignored",
      "asset_booted", "asset_silent",      "agent_error"};
  return kTypes;
}

const Fields<MatchKeys>& match_fields() {
  using S = MatchKeys;
  static const Fields<S> kFields = {
      bits("kind", &S::kinds, "kind", kind_names(), kind_bit, "What the line is."),
      levels_field(),
      words("module", &S::modules, "THOR's module."),
      words("asset", &S::assets, "Asset id, or the short host name of a host that is on no map."),
      lower_words("host", &S::hosts, "Host name, short or as the line says it."),
      words("scan_id", &S::scan_ids, "Scan id."),
      words("group_id", &S::group_ids, "Group id."),
      words("input", &S::inputs, "Name of the input that it came by; `internal` is the daemon itself."),
      bits("flags", &S::flags, "flag", flag_names(), flag_bit, "One of these flags is set."),
      detection_types_field(),
      patterns("message", &S::message_regex, "A pattern (RE2, unanchored, bytes) in THOR's MESSAGE."),
      patterns("raw", &S::raw_regex, "A pattern (RE2, unanchored, bytes) in the whole line."),
  };
  return kFields;
}

void read_match(Reader& reader, const YamlNode& node, std::vector<MatchEntry>& to) {
  if (!node.is(YamlNode::Kind::list)) return read_entry(reader, node, to);
  if (node.items.empty())
    reader.error(node.place, "an empty list would match nothing: leave 'match' out to get everything");
  if (node.items.size() > kMaxEntries)
    return reader.error(node.place, fmt::format("a match list has at most {} entries", kMaxEntries));
  for (const auto& item : node.items) read_entry(reader, item, to);
}

}  // namespace thorlog
