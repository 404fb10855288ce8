// Rules that users write: which lines, how many within what time, and what is told then (docs/scans.md). UserRule is
// immutable; UserRules counts, and belongs to the watch's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/reader.h"
#include "config/settings.h"
#include "outputs/match.h"
#include "wire/stored_record.h"

namespace re2 {
class RE2;
}

namespace thorlog {

enum class CountPer : std::uint8_t { asset, scan };

// One entry of `rules:`.
struct UserRule {
  Place place;
  std::string name;
  std::vector<MatchEntry> match;
  CountPer per = CountPer::asset;
  std::uint32_t count = 1;
  Nanoseconds within = 0s;  // 0: `count` is 1
  Nanoseconds quiet = 1h;   // after a detection, for the same asset or scan
  std::string type, severity = "notice", confidence = "medium", summary;
  // Patterns with named groups, for the summary; true: of the whole line.
  std::vector<std::pair<std::shared_ptr<const re2::RE2>, bool>> groups;
};

inline constexpr std::size_t kMaxUserRules = 500;

// Reads the list `rules:`; what is wrong is told, with its place.
void read_user_rules(Reader& reader, const YamlNode& list, std::vector<UserRule>& to);

// The rule's sentence with its {placeholders} filled in.
struct RuleWords {
  std::string_view asset, scan_id;
  std::uint32_t count = 1;
};
std::string summary_of(const UserRule& rule, const Event& event, const RuleWords& words);

class UserRules {
 public:
  static constexpr std::size_t kMostWindows = 100'000;

  // Rules that compile, as RuleSet::load() has found.
  explicit UserRules(const std::vector<UserRule>& rules);

  bool empty() const noexcept { return rules_.empty(); }
  // Does any entry look at the asset? Else the caller needn't look it up.
  bool needs_asset() const noexcept { return any_.needs_asset(); }
  // Calls `hit` for each rule that wants this record.
  void match(const StoredRecord& stored, const std::function<void(std::size_t)>& hit) const;
  // Counts a hit for what `key` stands for; true: that makes a detection.
  bool count(std::size_t rule, std::uint64_t key, std::int64_t now);
  const UserRule& rule(std::size_t n) const { return (*rules_of_)[n]; }

  // What survives a restart: hits of the last time, by rule and key.
  std::string save() const;
  void load(std::string_view blob);

 private:
  struct Window {
    std::vector<std::int64_t> hits;  // a ring of the last `count`, where more than one is wanted
    std::uint32_t at = 0;
    std::int64_t last = kNoTime, quiet_until = kNoTime;
  };
  void sweep(std::int64_t now);

  const std::vector<UserRule>* rules_of_;
  Matcher any_;
  std::vector<Matcher> rules_;
  std::unordered_map<std::uint64_t, Window> windows_;
};

}  // namespace thorlog
