// The rules of the scan watch: how signals are recognised, and what users look for besides (docs/scans.md). Made from
// YAML text; strict, every error has its file, line and column. Immutable once made, any thread; a reload makes a new
// one.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "config/load.h"
#include "scans/signals.h"
#include "scans/user_rules.h"

namespace thorlog {

struct RuleFile {
  std::string name;  // for errors: its path
  std::string text;
};

class RuleSet {
 public:
  // The name of the installed file of built-in signals: a file of this name stands in place of what is built in.
  static constexpr std::string_view kBuiltInName = "00-builtin.yaml";

  // The built-in signals and those files, in this order. Null with at least one error.
  static std::shared_ptr<const RuleSet> load(std::span<const RuleFile> files, std::vector<ConfigError>& errors);
  // Every *.yaml of a folder by name; a missing folder is an empty one. Touches the disk.
  static std::shared_ptr<const RuleSet> load_folder(const std::string& folder, std::vector<ConfigError>& errors);
  // What is built in, alone.
  static std::shared_ptr<const RuleSet> built_in();

  const SignalSet& signals() const noexcept { return signals_; }
  const std::vector<UserRule>& user_rules() const noexcept { return user_rules_; }

 private:
  void read(const RuleFile& file, std::vector<ConfigError>& errors);

  SignalSet signals_;
  std::vector<UserRule> user_rules_;
};

// The text of conf/rules.d/00-builtin.yaml, built into the program.
std::string_view built_in_rules();

}  // namespace thorlog
