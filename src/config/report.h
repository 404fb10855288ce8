// Texts made from settings and their table: what `thorlogd --check` and `--print-config` print, and the manual's list
// of keys. Any thread.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace thorlog {

// What would run: for each input and output its promise and its loss window, the escaping, what match lists mean.
std::string check_report(const Settings& settings);

// The commented default configuration: a working one, with every key that has a default shown as a comment.
std::string default_config_text();

// The list of every configuration key as Markdown, for docs/manual.md.
std::string manual_text();

}  // namespace thorlog
