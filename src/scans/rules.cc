#include "scans/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "config/tables.h"
#include "outputs/match.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxFiles = 200;

bool is_built_in(const RuleFile& file) {
  return std::filesystem::path(file.name).filename() == RuleSet::kBuiltInName;
}

}  // namespace

void RuleSet::read(const RuleFile& file, std::vector<ConfigError>& errors) {
  Reader reader(file.name);
  const YamlNode root = parse_yaml(file.text, file.name, reader.errors());
  if (reader.errors().empty() && !root.is(YamlNode::Kind::null) && reader.expect_map(root, "a file of rules")) {
    for (const YamlEntry& entry : root.entries) {
      constexpr std::string_view kKnown[] = {"signals", "rules"};
      if (entry.key == "signals")
        signals_.read(reader, entry.value);
      else if (entry.key == "rules")
        read_user_rules(reader, entry.value, user_rules_);
      else
        reader.unknown(entry.place, "key", entry.key, kKnown, " of a file of rules");
    }
  }
  errors.insert(errors.end(), reader.errors().begin(), reader.errors().end());
}

std::shared_ptr<const RuleSet> RuleSet::load(std::span<const RuleFile> files, std::vector<ConfigError>& errors) {
  auto rules = std::make_shared<RuleSet>();
  const std::size_t before = errors.size();
  if (std::none_of(files.begin(), files.end(), is_built_in))
    rules->read({std::string(kBuiltInName), std::string(built_in_rules())}, errors);
  for (const RuleFile& file : files) rules->read(file, errors);
  if (errors.size() != before) return nullptr;
  std::vector<MatchEntry> all;  // the patterns of all rules together have a bound too
  for (const UserRule& rule : rules->user_rules_) all.insert(all.end(), rule.match.begin(), rule.match.end());
  if (const auto compiled = Matcher::compile(all); !all.empty() && !compiled) {
    errors.push_back({files.empty() ? std::string(kBuiltInName) : files.back().name, 0, 0, compiled.error().doing});
    return nullptr;
  }
  rules->signals_.finish();
  return rules;
}

std::shared_ptr<const RuleSet> RuleSet::load_folder(const std::string& folder, std::vector<ConfigError>& errors) {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none))
    if (const std::string extension = entry.path().extension(); extension == ".yaml" || extension == ".yml")
      names.push_back(entry.path());
  std::sort(names.begin(), names.end());
  std::vector<RuleFile> files;
  for (const std::string& name : names) {
    auto text = read_text_file(name, kMaxConfigBytes);
    if (!text) {
      errors.push_back({name, 0, 0, text.error().doing});
    } else if (files.size() == kMaxFiles) {
      errors.push_back({folder, 0, 0, fmt::format("at most {} files of rules", kMaxFiles)});
      break;
    } else {
      files.push_back({name, *std::move(text)});
    }
  }
  if (!errors.empty()) return nullptr;
  return load(files, errors);
}

std::shared_ptr<const RuleSet> RuleSet::built_in() {
  static const std::shared_ptr<const RuleSet> kRules = [] {
    std::vector<ConfigError> errors;
    auto rules = load({}, errors);
    THORLOG_ASSERT(rules != nullptr);
    return rules;
  }();
  return kRules;
}

}  // namespace thorlog
