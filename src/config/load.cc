#include "config/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/kafka_fields.h"
#include "config/reader.h"
#include "config/tables.h"
#include "config/validate.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxParts = 1024;  // inputs, and outputs: the journal numbers its inputs with 16 bits
constexpr std::size_t kMaxName = 64;

bool is_name(std::string_view name) {
  for (const char c : name) {
    const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                      c == '-' || c == '.';
    if (!fine) return false;
  }
  return !name.empty() && name.size() <= kMaxName;
}

template <class Type>
std::string with_article(const Choices<Type>& types, Type type, std::string_view what) {
  const std::string_view name = name_in(types, type);
  return fmt::format("{} {} {}", name == "email" || name == "http" ? "an" : "a", name, what);
}

// One input or output: its type decides which keys there are. False when the type is not usable; the rest is not
// looked at then, because nobody knows what it would mean.
template <class Part, class Type>
bool read_part(Reader& reader, const YamlEntry& entry, std::string_view what, const Choices<Type>& types,
               const Fields<Part>& fields, Part& part) {
  constexpr std::string_view kOthers[] = {"type"};
  part.name = entry.key;
  part.place = entry.place;
  if (!is_name(entry.key))
    reader.error(entry.place, fmt::format("'{}' is no name: use up to {} letters, digits, '_', '-' and '.'",
                                          entry.key.substr(0, 80), kMaxName));
  if (!reader.expect_map(entry.value, entry.key)) return false;
  const YamlEntry* type = entry.value.find("type");
  if (type == nullptr) {
    reader.error(entry.place, fmt::format("{} '{}' needs 'type': {}", what, entry.key, one_of(names_of(types))));
    return false;
  }
  const auto word = reader.scalar(type->value, "type", one_of(names_of(types)));
  if (!word || !read_choice(reader, *word, fmt::format("{} type", what), types, part.type)) return false;
  read_fields(reader, entry.value, fields, part, with_article(types, part.type, what),
              1U << static_cast<unsigned>(part.type), kOthers);
  return true;
}

template <class Part, class Read>
void read_parts(Reader& reader, const YamlNode& root, std::string_view key, std::vector<Part>& parts, Read read) {
  const YamlEntry* section = root.find(key);
  if (section == nullptr || section->value.is(YamlNode::Kind::null)) return;
  if (!reader.expect_map(section->value, key)) return;
  if (section->value.entries.size() > kMaxParts)
    return reader.error(section->place, fmt::format("'{}' has more than {} entries", key, kMaxParts));
  for (const auto& entry : section->value.entries) {
    Part part;
    if (read(entry, part)) parts.push_back(std::move(part));
  }
}

void read_root(Reader& reader, const YamlNode& root, Settings& settings) {
  constexpr std::string_view kOthers[] = {"inputs", "outputs"};
  read_fields(reader, root, settings_fields(), settings, "the configuration", ~0U, kOthers);
  read_parts(reader, root, "inputs", settings.inputs, [&](const YamlEntry& entry, InputSettings& input) {
    if (entry.key == "internal")
      reader.error(entry.place, "'internal' is the daemon's own input: give this one another name");
    if (!read_part(reader, entry, "input", input_types(), input_fields(), input)) return false;
    complete_input(input);
    if (input.type == InputType::kafka)
      check_kafka_settings(reader, entry.value, KafkaRole::consumer, input.settings);
    return true;
  });
  read_parts(reader, root, "outputs", settings.outputs, [&](const YamlEntry& entry, OutputSettings& output) {
    if (!read_part(reader, entry, "output", output_types(), output_fields(), output)) return false;
    check_output(reader, entry.value, output);
    return true;
  });
  check_together(reader, root, settings);
}

LoadedSettings refuse(const std::string& name, std::string text) {
  return LoadedSettings(std::vector<ConfigError>{{name, 0, 0, std::move(text)}});
}

}  // namespace

std::string ConfigError::message() const {
  if (line == 0) return fmt::format("{}: {}", file, text);
  return fmt::format("{}:{}:{}: {}", file, line, column, text);
}

LoadedSettings load_settings(const std::string& path) {
  auto text = read_text_file(path, kMaxConfigBytes);
  if (!text) return refuse(path, fmt::format("the configuration {}", text.error().doing));
  return load_settings_text(*text, path);
}

LoadedSettings load_settings_text(std::string_view text, const std::string& name) {
  if (text.size() > kMaxConfigBytes)
    return refuse(name, fmt::format("the configuration is longer than {}", size_text(kMaxConfigBytes)));
  Reader reader(name);
  const YamlNode root = parse_yaml(text, name, reader.errors());
  Settings settings;
  if (root.is(YamlNode::Kind::map)) {
    read_root(reader, root, settings);
  } else if (reader.errors().empty()) {
    if (root.is(YamlNode::Kind::null))
      return refuse(name, "the configuration is empty: `thorlogd --print-config` prints one to start from");
    reader.error(root.place, "the configuration must be a block of keys, such as \"inputs:\"");
  }
  auto& errors = reader.errors();
  if (errors.empty()) return LoadedSettings(std::move(settings));
  std::stable_sort(errors.begin(), errors.end(), [](const ConfigError& a, const ConfigError& b) {
    return a.line != b.line ? a.line < b.line : a.column < b.column;
  });
  return LoadedSettings(std::move(errors));
}

}  // namespace thorlog
