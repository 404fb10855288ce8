// What only the whole configuration can show: two parts at one address, names that nobody has, loops. Private to
// config.
#pragma once

#include "config/reader.h"
#include "config/settings.h"

namespace thorlog {

void check_together(Reader& reader, const YamlNode& root, const Settings& settings);

}  // namespace thorlog
