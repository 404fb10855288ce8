// One configuration key, said once: its name, type, range, help, and the member it fills. A table of Fields is a
// block of keys; the loader, the default configuration and the manual are all made from the tables (tables.h). A
// default is the member's initialiser in settings.h: a Field shows it by looking at a default-made struct.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "config/reader.h"
#include "config/units.h"

namespace thorlog {

// What the printed forms need to know of a key.
struct FieldText {
  std::string key;
  std::string type;  // "size, 480 to 64MiB", "udp or tcp"
  std::string help;
  std::string default_value;  // as YAML; empty: unset
  std::string example;        // of an unset one, as YAML
  std::uint32_t types = ~0U;  // the types of input or output that have it: bit 1 << type
  bool required = false;
  bool built = true;
  std::vector<FieldText> children;  // of a block
};

template <class S>
struct Field {
  std::string key;
  std::string type;
  std::string help;
  std::function<void(Reader&, const YamlNode&, S&)> read;
  std::function<std::string(const S&)> show;                   // the value as YAML, empty when unset
  std::function<std::vector<FieldText>()> children = nullptr;  // of a block
  std::string sample = {};
  std::uint32_t types = ~0U;
  std::uint32_t required_types = 0;
  bool is_built = true;

  Field required() && {
    required_types = ~0U;
    return std::move(*this);
  }
  template <class Type>
  Field of(std::initializer_list<Type> wanted) && {
    types = 0;
    for (const Type type_of : wanted) types |= 1U << static_cast<unsigned>(type_of);
    return std::move(*this);
  }
  Field example(std::string text) && {
    sample = std::move(text);
    return std::move(*this);
  }
  Field not_built() && {
    is_built = false;
    return std::move(*this);
  }
};

template <class S>
using Fields = std::vector<Field<S>>;

// A word of an enumeration. What is not built yet is known, and refused.
template <class E>
struct Choice {
  std::string_view name;
  E value;
  bool is_built = true;
};
template <class E>
using Choices = std::vector<Choice<E>>;

template <class E>
std::vector<std::string_view> names_of(const Choices<E>& choices) {
  std::vector<std::string_view> names;
  for (const auto& choice : choices) names.push_back(choice.name);
  return names;
}
// "off or accept (not built yet)"
template <class E>
std::string choices_text(const Choices<E>& choices) {
  std::vector<std::string> texts;
  for (const auto& choice : choices)
    texts.push_back(std::string(choice.name) + (choice.is_built ? "" : " (not built yet)"));
  return one_of(std::vector<std::string_view>(texts.begin(), texts.end()));
}
template <class E>
std::string_view name_in(const Choices<E>& choices, E value) {
  for (const auto& choice : choices)
    if (choice.value == value) return choice.name;
  return {};
}

// False, and told, when the word is unknown or not built yet.
template <class E>
bool read_choice(Reader& reader, const Scalar& word, std::string_view what, const Choices<E>& choices, E& to) {
  for (const auto& choice : choices) {
    if (choice.name != word.text) continue;
    to = choice.value;
    if (choice.is_built) return true;
    std::vector<std::string_view> built;
    for (const auto& other : choices)
      if (other.is_built) built.push_back(other.name);
    reader.error(word.place, fmt::format("{} '{}' is not built yet: use {}", what, word.text, one_of(built)));
    return false;
  }
  reader.unknown(word.place, what, word.text, names_of(choices));
  return false;
}

struct SizeRange {
  std::uint64_t from = 0;
  std::uint64_t to = 0;
  bool zero = false;  // 0 is fine too, and means "none"
};
struct TimeRange {
  std::chrono::nanoseconds from{};
  std::chrono::nanoseconds to{};
  bool zero = false;
};

bool read_size(Reader&, const YamlNode&, std::string_view key, SizeRange, std::uint64_t& to);
bool read_duration(Reader&, const YamlNode&, std::string_view key, TimeRange, std::chrono::nanoseconds& to);
bool read_number(Reader&, const Scalar&, std::string_view key, SizeRange, std::uint64_t& to);
bool read_yes_no(Reader&, const YamlNode&, std::string_view key, bool& to);
bool read_text(Reader&, const YamlNode&, std::string_view key, std::string& to);
void read_pairs(Reader&, const YamlNode&, std::string_view key, std::vector<std::pair<std::string, std::string>>& to);
std::string range_text(std::string_view type, SizeRange range);
std::string range_text(std::string_view type, TimeRange range);
std::string list_text(const std::vector<std::string>& items);
std::string pairs_text(const std::vector<std::pair<std::string, std::string>>& pairs);

template <class S>
std::vector<FieldText> describe(const Fields<S>& fields) {
  std::vector<FieldText> texts_of;
  const S defaults{};
  for (const auto& field : fields) {
    FieldText out{field.key,
                  field.type,
                  field.help,
                  field.show(defaults),
                  field.sample,
                  field.types,
                  field.required_types != 0,
                  field.is_built,
                  {}};
    if (field.children) out.children = field.children();
    texts_of.push_back(std::move(out));
  }
  return texts_of;
}

// Reads the block `map` into `to`. `what` says whose block it is ("a udp input"); `type_bit` leaves only the keys of
// that type, all bits: every key; `others` are keys that the caller reads itself.
template <class S>
void read_fields(Reader& reader, const YamlNode& map, const Fields<S>& fields, S& to, std::string_view what,
                 std::uint32_t type_bit = ~0U, std::span<const std::string_view> others = {}) {
  std::vector<std::string_view> known(others.begin(), others.end());
  for (const auto& field : fields)
    if ((field.types & type_bit) != 0) known.push_back(field.key);
  const auto is_other = [&](std::string_view key) {
    for (const auto other : others)
      if (other == key) return true;
    return false;
  };
  for (const auto& entry : map.entries) {
    if (is_other(entry.key)) continue;
    const Field<S>* found = nullptr;
    for (const auto& field : fields)
      if (field.key == entry.key) found = &field;
    if (found == nullptr) {
      reader.unknown(entry.place, "key", entry.key, known, fmt::format(" of {}", what));
    } else if ((found->types & type_bit) == 0) {
      reader.error(entry.place, fmt::format("'{}' is no key of {}: take it out", entry.key, what));
    } else if (!found->is_built) {
      reader.error(entry.place, fmt::format("'{}' is not built yet: take it out", entry.key));
    } else {
      found->read(reader, entry.value, to);
    }
  }
  for (const auto& field : fields)
    if ((field.required_types & field.types & type_bit) != 0 && map.find(field.key) == nullptr)
      reader.error(map.place, fmt::format("{} needs '{}': {}", what, field.key, field.help));
}

// What is asked of a path that the file names.
enum class PathCheck : std::uint8_t { none, file, folder };

// The builders: one for each type of value.
namespace field {

template <class S>
Field<S> size(const char* key, std::uint64_t S::*member, SizeRange range, const char* help) {
  return {.key = key,
          .type = range_text("size", range),
          .help = help,
          .read = [=](Reader& reader, const YamlNode& node,
                      S& to) { static_cast<void>(read_size(reader, node, key, range, to.*member)); },
          .show = [=](const S& from) { return size_text(from.*member); }};
}

template <class S>
Field<S> duration(const char* key, std::chrono::nanoseconds S::*member, TimeRange range, const char* help) {
  return {.key = key,
          .type = range_text("duration", range),
          .help = help,
          .read = [=](Reader& reader, const YamlNode& node,
                      S& to) { static_cast<void>(read_duration(reader, node, key, range, to.*member)); },
          .show = [=](const S& from) { return duration_text(from.*member); }};
}

template <class S, class N>
Field<S> number(const char* key, N S::*member, SizeRange range, const char* help) {
  return {.key = key,
          .type = fmt::format("number, {} to {}", range.from, range.to),
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, S& to) {
                const auto value = reader.scalar(node, key, "a number");
                std::uint64_t read = 0;
                if (value && read_number(reader, *value, key, range, read)) to.*member = static_cast<N>(read);
              },
          .show = [=](const S& from) { return fmt::format("{}", from.*member); }};
}

template <class S>
Field<S> yes_no(const char* key, bool S::*member, const char* help) {
  return {.key = key,
          .type = "true or false",
          .help = help,
          .read = [=](Reader& reader, const YamlNode& node,
                      S& to) { static_cast<void>(read_yes_no(reader, node, key, to.*member)); },
          .show = [=](const S& from) { return std::string(from.*member ? "true" : "false"); }};
}

template <class S>
Field<S> text(const char* key, std::string S::*member, const char* type, const char* help) {
  return {.key = key,
          .type = type,
          .help = help,
          .read = [=](Reader& reader, const YamlNode& node,
                      S& to) { static_cast<void>(read_text(reader, node, key, to.*member)); },
          .show = [=](const S& from) { return (from.*member).empty() ? std::string() : yaml_scalar(from.*member); }};
}

// The default path is never checked: it may be missing as long as nobody asks for it.
template <class S>
Field<S> path(const char* key, std::string S::*member, PathCheck check, const char* help) {
  return {.key = key,
          .type = check == PathCheck::folder ? "folder"
                  : check == PathCheck::file ? "file"
                                             : "path",
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, S& to) {
                if (!read_text(reader, node, key, to.*member) || to.*member == S{}.*member) return;
                if (check == PathCheck::file) reader.check_readable({to.*member, node.place});
                if (check == PathCheck::folder) reader.check_folder({to.*member, node.place});
              },
          .show = [=](const S& from) { return (from.*member).empty() ? std::string() : yaml_scalar(from.*member); }};
}

template <class S, class E>
Field<S> choice(const char* key, E S::*member, const Choices<E>& choices, const char* help) {
  return {.key = key,
          .type = choices_text(choices),
          .help = help,
          .read =
              [=, &choices](Reader& reader, const YamlNode& node, S& to) {
                const auto word = reader.scalar(node, key, one_of(names_of(choices)));
                if (word) static_cast<void>(read_choice(reader, *word, key, choices, to.*member));
              },
          .show = [=, &choices](const S& from) { return std::string(name_in(choices, from.*member)); }};
}

template <class S>
Field<S> texts(const char* key, std::vector<std::string> S::*member, const char* type, const char* help) {
  return {.key = key,
          .type = type,
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, S& to) {
                for (auto& item : reader.scalars(node, key, type)) (to.*member).push_back(std::move(item.text));
              },
          .show = [=](const S& from) { return list_text(from.*member); }};
}

template <class S>
Field<S> pairs(const char* key, std::vector<std::pair<std::string, std::string>> S::*member, const char* type,
               const char* help) {
  return {.key = key,
          .type = type,
          .help = help,
          .read = [=](Reader& reader, const YamlNode& node, S& to) { read_pairs(reader, node, key, to.*member); },
          .show = [=](const S& from) { return pairs_text(from.*member); }};
}

// A block inside a block; `{}` and nothing at all are fine, and leave the defaults.
template <class S, class T>
Field<S> block(const char* key, T S::*member, const Fields<T>& fields, const char* help) {
  return {.key = key,
          .type = "block",
          .help = help,
          .read =
              [=, &fields](Reader& reader, const YamlNode& node, S& to) {
                if (node.is(YamlNode::Kind::null)) return;
                if (reader.expect_map(node, key))
                  read_fields(reader, node, fields, to.*member, fmt::format("'{}'", key));
              },
          .show = [](const S&) { return std::string(); },
          .children = [&fields] { return describe(fields); }};
}

// The same, of a block that is off unless it is there.
template <class S, class T>
Field<S> optional_block(const char* key, std::optional<T> S::*member, const Fields<T>& fields, const char* help) {
  return {.key = key,
          .type = "block",
          .help = help,
          .read =
              [=, &fields](Reader& reader, const YamlNode& node, S& to) {
                if (!reader.expect_map(node, key)) return;
                read_fields(reader, node, fields, (to.*member).emplace(), fmt::format("'{}'", key));
              },
          .show = [](const S&) { return std::string(); },
          .children = [&fields] { return describe(fields); }};
}

}  // namespace field

}  // namespace thorlog
