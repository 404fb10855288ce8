// The tables of every configuration key (see field.h), and the tables of kinds: what is built is flipped there.
#pragma once

#include <string_view>
#include <vector>

#include "config/field.h"
#include "config/settings.h"

namespace thorlog {

const Choices<InputType>& input_types();
const Choices<OutputType>& output_types();
const Choices<OutputFormat>& output_formats();
const Choices<Severity>& log_levels();

// `inputs`, `outputs` and their `type` are read by load.cc, `not` of a match entry by match.cc; they are no rows.
const Fields<InputSettings>& input_fields();
const Fields<OutputSettings>& output_fields();
const Fields<MatchKeys>& match_fields();
const Fields<TlsSettings>& tls_fields();
const Fields<Settings>& settings_fields();

// What spans several keys of one input or output, after its block was read.
void complete_input(InputSettings& input);
void check_output(Reader& reader, const YamlNode& map, const OutputSettings& output);

// The rows of a webhook, and what spans several of them.
Fields<OutputSettings> webhook_fields();
void check_webhook(Reader& reader, const YamlNode& map, const OutputSettings& output);

// `match:` of an output.
void read_match(Reader& reader, const YamlNode& node, std::vector<MatchEntry>& to);

// What a record may be asked for: the kinds that reach outputs, levels, flags, types of detections.
std::vector<std::string_view> kind_names();
std::vector<std::string_view> level_names();
std::vector<std::string_view> flag_names();
std::span<const std::string_view> detection_types();

// The placeholders that a file output's path may hold.
std::span<const std::string_view> path_fields();

}  // namespace thorlog
