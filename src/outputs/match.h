// The match list of an output, compiled: says of a record whether the output wants it. One for each output's thread
// (it keeps state of the record it looks at).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "config/settings.h"
#include "outputs/match_names.h"
#include "outputs/match_patterns.h"
#include "wire/stored_record.h"

namespace thorlog {

class Matcher {
 public:
  // Matches everything but life records, as an empty list does.
  Matcher() = default;

  // Errors: config (a pattern does not compile; too many of them).
  static Result<Matcher> compile(std::span<const MatchEntry> entries);

  // Any of the entries: all of its keys hold, and no `not` block does. Life records match nothing.
  bool matches(const StoredRecord& stored) const;

  // Does any entry look at the asset? Else the caller needn't look it up.
  bool needs_asset() const noexcept { return needs_asset_; }
  // Does any entry look at more than the line itself, its kind, level and flags?
  bool needs_fields() const noexcept { return needs_fields_; }

 private:
  // A MatchKeys. Names are compared without regard to case where hosts and THOR's modules are concerned.
  struct Keys {
    std::uint32_t kinds = 0;
    std::uint32_t levels = 0;
    std::uint32_t flags = 0;
    bool has_names = false;
    bool has_fields() const noexcept { return has_names || !message_patterns.empty(); }
    bool has_patterns() const noexcept { return !message_patterns.empty() || !raw_patterns.empty(); }
    // Asks for nothing but kinds and patterns.
    bool is_plain() const noexcept { return levels == ~0U && flags == 0 && !has_names; }
    NameList modules, assets, hosts, scan_ids, group_ids, inputs, types;
    std::vector<std::uint32_t> message_patterns, raw_patterns;
  };
  struct Entry {
    Keys wanted;
    std::vector<Keys> excluded;
  };

  Result<Keys> compile_keys(const MatchKeys& keys);
  bool holds(const Keys& keys, const StoredRecord& stored) const;
  static bool names_hold(const Keys& keys, const StoredRecord& stored);
  static bool any_of(const std::vector<std::uint32_t>& patterns, PatternSet& set);

  std::vector<Entry> entries_;
  std::uint32_t all_kinds_ = ~0U;  // kinds that some entry wants
  mutable PatternSet messages_;
  mutable PatternSet raws_;
  std::uint32_t sure_kinds_ = 0;  // those that some entry wants whatever else they are
  bool only_patterns_ = false;    // are what the entries ask for, besides kinds
  bool needs_asset_ = false;
  bool needs_fields_ = false;
};

}  // namespace thorlog
