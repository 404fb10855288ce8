// Texts made from settings and their table: what `thorlogd --check` and `--print-config` print, and the manual's list
// of keys. Any thread.
#pragma once

#include <string>

#include "config/settings.h"

namespace thorlog {

// What would run: for each input and output its promise and its loss window, the escaping, what match lists mean.
std::string check_report(const Settings& settings);
// The part of it about a webhook output.
std::string webhook_report(const OutputSettings& output);

// The commented default configuration: a working one, with every key that has a default shown as a comment.
std::string default_config_text();

// Every configuration key as Markdown: what stands in docs/manual.md between the two marks.
std::string manual_text();
inline constexpr const char* kManualBegin = "<!-- configuration keys: made by the program, see CONTRIBUTING.md -->\n";
inline constexpr const char* kManualEnd = "<!-- end of the configuration keys -->\n";

}  // namespace thorlog
