// `thorlogd --print-config`: a working configuration, with every other key and its default as a comment.
// "# Words" is prose; "#key: value" is a setting that can be uncommented as it stands.
#include <fmt/format.h>

#include <iterator>

#include "config/report.h"
#include "config/tables.h"

namespace thorlog {
namespace {

constexpr std::string_view kHead =
    "# The configuration of thorlogd: YAML, strict. `thorlogd --check` says what it would do and what it promises; "
    "every\n"
    "# key is in docs/manual.md. Lines such as \"#key: value\" show defaults; take the # away to change one.\n"
    "# Sizes: 64KiB, 4MiB, 10GiB. Durations: 250ms, 2s, 30m, 7d. A value may be { env: NAME } or { file: PATH }.\n\n";

using Out = std::back_insert_iterator<std::string>;

void say_help(Out out, const FieldText& field, std::string_view indent) {
  fmt::format_to(out, "{}# {}\n", indent, field.help);
}

// A key with its default as a comment; one that is unset, or off, by an example in prose.
void say_default(Out out, const FieldText& field, std::string_view indent) {
  say_help(out, field, indent);
  if (!field.default_value.empty())
    fmt::format_to(out, "{}#{}: {}\n", indent, field.key, field.default_value);
  else
    fmt::format_to(out, "{}# Such as: {}: {}\n", indent, field.key, field.example);
}

template <class Type>
std::uint32_t bit(Type type) {
  return 1U << static_cast<unsigned>(type);
}

// The other keys that an input or output of this type has.
void say_others(Out out, const std::vector<FieldText>& fields, std::uint32_t type_bit, std::string_view but) {
  for (const auto& field : fields)
    if ((field.types & type_bit) != 0 && field.built && !field.required && field.key != but)
      say_default(out, field, "    ");
}

void say_block(Out out, const FieldText& block) {
  fmt::format_to(out, "\n# {}\n{}:\n", block.help, block.key);
  for (const auto& field : block.children)
    if (field.built) say_default(out, field, "  ");
}

}  // namespace

std::string default_config_text() {
  std::string text(kHead);
  const Out out(text);
  const auto sections = describe(settings_fields());
  for (const auto& field : sections) {
    if (!field.children.empty()) continue;
    say_help(out, field, "");
    fmt::format_to(out, "{}{}: {}\n", field.key == "state_directory" ? "" : "#", field.key, field.default_value);
  }
  const auto inputs = describe(input_fields());
  fmt::format_to(out,
                 "\n# Where lines come in. The names are yours; they show in metrics and events.\ninputs:\n"
                 "  udp:\n    type: udp\n    listen: \"0.0.0.0:514\"\n");
  say_others(out, inputs, bit(InputType::udp), "");
  fmt::format_to(out, "  tcp:\n    type: tcp\n    listen: \"0.0.0.0:514\"\n");
  say_others(out, inputs, bit(InputType::tcp), "");
  const auto outputs = describe(output_fields());
  fmt::format_to(
      out,
      "\n# Where lines go. Each output has its own place in the journal; a slow one never disturbs another.\n"
      "outputs:\n  events:\n    type: file\n    path: /var/log/thorlogd/events.jsonl\n    format: json\n");
  say_others(out, outputs, bit(OutputType::file), "format");
  fmt::format_to(
      out,
      "  # Another one, to a SIEM:\n  #siem:\n  #  type: syslog\n  #  address: \"tcp://siem.example:514\"\n"
      "  #  format: rfc5424\n  #  match: [ {{ kind: [thor, detection], level: \">=warning\" }} ]\n");
  for (const auto& field : sections)
    if (!field.children.empty()) say_block(out, field);
  return text;
}

}  // namespace thorlog
