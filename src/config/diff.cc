#include "config/diff.h"

#include <algorithm>

namespace thorlog {
namespace {

template <class Part>
const Part* find_name(const std::vector<Part>& parts, const std::string& name) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.name == name; });
  return found == parts.end() ? nullptr : &*found;
}

template <class Part>
NamesDiff diff_names(const std::vector<Part>& running, const std::vector<Part>& next) {
  NamesDiff found;
  for (const auto& part : next) {
    const Part* before = find_name(running, part.name);
    if (before == nullptr)
      found.added.push_back(part.name);
    else if (!(*before == part))
      found.changed.push_back(part.name);
  }
  for (const auto& part : running)
    if (find_name(next, part.name) == nullptr) found.removed.push_back(part.name);
  return found;
}

}  // namespace

SettingsDiff diff(const Settings& running, const Settings& next) {
  SettingsDiff found;
  if (running.workers != next.workers) found.needs_restart.emplace_back("workers");
  if (running.state_directory != next.state_directory) found.needs_restart.emplace_back("state_directory");
  if (running.journal.partitions != next.journal.partitions) found.needs_restart.emplace_back("journal.partitions");
  found.inputs = diff_names(running.inputs, next.inputs);
  found.outputs = diff_names(running.outputs, next.outputs);
  if (running.reassembly != next.reassembly) found.sections.emplace_back("reassembly");
  if (running.identity != next.identity) found.sections.emplace_back("identity");
  // The number of partitions is told above.
  auto journal = next.journal;
  journal.partitions = running.journal.partitions;
  if (running.journal != journal) found.sections.emplace_back("journal");
  if (running.dead_letters != next.dead_letters) found.sections.emplace_back("dead_letters");
  if (running.scans != next.scans) found.sections.emplace_back("scans");
  if (running.admin != next.admin) found.sections.emplace_back("admin");
  if (running.log != next.log) found.sections.emplace_back("log");
  return found;
}

}  // namespace thorlog
