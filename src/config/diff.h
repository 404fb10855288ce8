// What a reload changes. Names are identities: an input or output that has a new name is a new one.
#pragma once

#include <string>
#include <vector>

#include "config/settings.h"

namespace thorlog {

struct NamesDiff {
  std::vector<std::string> added;
  std::vector<std::string> removed;
  std::vector<std::string> changed;  // same name, anything else differs
  bool empty() const noexcept { return added.empty() && removed.empty() && changed.empty(); }
};

struct SettingsDiff {
  // Keys whose new value is ignored until a restart: "workers", "journal.partitions", "state_directory".
  std::vector<std::string> needs_restart;
  NamesDiff inputs;
  NamesDiff outputs;
  // Sections, besides the two, in which something changed: "reassembly", "identity", "journal", "dead_letters",
  // "scans", "admin", "log".
  std::vector<std::string> sections;
  bool empty() const noexcept {
    return needs_restart.empty() && inputs.empty() && outputs.empty() && sections.empty();
  }
};

SettingsDiff diff(const Settings& running, const Settings& next);

}  // namespace thorlog
