// The manual's tables of every configuration key, as Markdown.
#include <fmt/format.h>

#include <iterator>

#include "config/report.h"
#include "config/tables.h"

namespace thorlog {
namespace {

using Out = std::back_insert_iterator<std::string>;

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string default_cell(const FieldText& field) {
  if (field.required) return "needed";
  if (!field.default_value.empty()) return fmt::format("`{}`", cell(field.default_value));
  return "unset";
}

std::string help_cell(const FieldText& field) {
  std::string text = cell(field.help);
  if (!field.built) text += " *Not built yet.*";
  if (!field.example.empty() && field.default_value.empty())
    text += fmt::format(" Such as `{}`.", cell(field.example));
  return text;
}

template <class Type>
std::string types_cell(const FieldText& field, const Choices<Type>& types) {
  std::string text;
  bool all = true;
  for (const auto& type : types) {
    if ((field.types >> static_cast<unsigned>(type.value) & 1U) != 0)
      text += fmt::format("{}{}", text.empty() ? "" : " ", type.name);
    else
      all = false;
  }
  return all ? "all" : text;
}

void say_table(Out out, const std::vector<FieldText>& fields) {
  fmt::format_to(out, "| key | value | default | |\n|---|---|---|---|\n");
  for (const auto& field : fields)
    fmt::format_to(out, "| `{}` | {} | {} | {} |\n", field.key, cell(field.type), default_cell(field),
                   help_cell(field));
}

template <class Type>
void say_typed_table(Out out, const std::vector<FieldText>& fields, const Choices<Type>& types) {
  fmt::format_to(out, "| key | of | value | default | |\n|---|---|---|---|---|\n");
  std::string names, missing;
  for (const auto& type : types) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", type.name);
    if (!type.is_built) missing += fmt::format("{}{}", missing.empty() ? "" : ", ", type.name);
  }
  fmt::format_to(out, "| `type` | all | {} | needed | What it is. Not built yet: {}. |\n", names, missing);
  for (const auto& field : fields)
    fmt::format_to(out, "| `{}` | {} | {} | {} | {} |\n", field.key, types_cell(field, types), cell(field.type),
                   default_cell(field), help_cell(field));
}

void say_blocks(Out out, std::string_view of, const std::vector<FieldText>& fields) {
  for (const auto& field : fields) {
    if (field.children.empty()) continue;
    fmt::format_to(out, "\n### `{}.{}`\n\n{}\n\n", of, field.key, field.help);
    say_table(out, field.children);
  }
}

}  // namespace

std::string manual_text() {
  std::string text;
  const Out out(text);
  const auto sections = describe(settings_fields());
  std::vector<FieldText> scalars;
  for (const auto& field : sections)
    if (field.children.empty()) scalars.push_back(field);
  fmt::format_to(out, "\n### The file\n\n");
  say_table(out, scalars);
  fmt::format_to(out, "\n### `inputs.NAME`\n\n");
  const auto inputs = describe(input_fields());
  say_typed_table(out, inputs, input_types());
  say_blocks(out, "inputs.NAME", inputs);
  fmt::format_to(out, "\n### `outputs.NAME`\n\n");
  const auto outputs = describe(output_fields());
  say_typed_table(out, outputs, output_types());
  say_blocks(out, "outputs.NAME", outputs);
  fmt::format_to(
      out,
      "\nAn entry of `match` may also have `not`: a block, or a list of blocks, with the same keys. A record "
      "for which all keys of such a block hold is left out.\n");
  for (const auto& field : sections) {
    if (field.children.empty()) continue;
    fmt::format_to(out, "\n### `{}`\n\n{}\n\n", field.key, field.help);
    say_table(out, field.children);
  }
  fmt::format_to(out, "\n");
  return text;
}

}  // namespace thorlog
