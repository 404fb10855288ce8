#include "outputs/match.h"

#include <algorithm>

#include "outputs/match_detection.h"

namespace thorlog {
namespace {

template <class Enum>
bool has_bit(std::uint32_t bits, Enum value) noexcept {
  return (bits >> static_cast<unsigned>(value) & 1U) != 0;
}

bool fits(const NameList& names, std::string_view value) noexcept { return names.empty() || names.has(value); }

}  // namespace

Result<Matcher> Matcher::compile(std::span<const MatchEntry> entries) {
  Matcher matcher;
  if (!entries.empty()) matcher.all_kinds_ = 0;
  for (const MatchEntry& entry : entries) {
    Entry compiled;
    auto wanted = matcher.compile_keys(entry.wanted);
    if (!wanted) return fail(std::move(wanted).error());
    compiled.wanted = *std::move(wanted);
    for (const MatchKeys& keys : entry.excluded) {
      auto excluded = matcher.compile_keys(keys);
      if (!excluded) return fail(std::move(excluded).error());
      matcher.needs_fields_ = matcher.needs_fields_ || excluded->has_fields();
      compiled.excluded.push_back(*std::move(excluded));
    }
    const Keys& keys = compiled.wanted;
    matcher.needs_fields_ = matcher.needs_fields_ || keys.has_fields();
    if (keys.is_plain() && !keys.has_patterns() && compiled.excluded.empty()) matcher.sure_kinds_ |= keys.kinds;
    matcher.all_kinds_ |= compiled.wanted.kinds;
    matcher.entries_.push_back(std::move(compiled));
  }
  // Entries without patterns are cheaper, and one that matches is enough: they come first.
  std::stable_partition(matcher.entries_.begin(), matcher.entries_.end(),
                        [](const Entry& entry) { return !entry.wanted.has_patterns(); });
  matcher.only_patterns_ = std::all_of(matcher.entries_.begin(), matcher.entries_.end(), [](const Entry& entry) {
    return entry.wanted.is_plain() && entry.wanted.has_patterns();
  });
  for (PatternSet* set : {&matcher.messages_, &matcher.raws_}) {
    if (auto compiled = set->compile(); !compiled) return fail(std::move(compiled).error());
  }
  return matcher;
}

Result<Matcher::Keys> Matcher::compile_keys(const MatchKeys& keys) {
  Keys compiled;
  compiled.kinds = keys.kinds == 0 ? ~0U : keys.kinds;
  compiled.levels = keys.levels == 0 ? ~0U : keys.levels;
  compiled.flags = keys.flags;
  compiled.modules = NameList(keys.modules, true);
  compiled.assets = NameList(keys.assets, true);
  compiled.hosts = NameList(keys.hosts, true);
  compiled.scan_ids = NameList(keys.scan_ids, false);
  compiled.group_ids = NameList(keys.group_ids, false);
  compiled.inputs = NameList(keys.inputs, false);
  compiled.types = NameList(keys.types, false);
  for (const NameList* names : {&compiled.modules, &compiled.assets, &compiled.hosts, &compiled.scan_ids,
                                &compiled.group_ids, &compiled.inputs, &compiled.types}) {
    compiled.has_names = compiled.has_names || !names->empty();
  }
  needs_asset_ = needs_asset_ || !compiled.assets.empty();
  for (const std::string& pattern : keys.message_regex) {
    auto number = messages_.add(pattern);
    if (!number) return fail(std::move(number).error());
    compiled.message_patterns.push_back(*number);
  }
  for (const std::string& pattern : keys.raw_regex) {
    auto number = raws_.add(pattern);
    if (!number) return fail(std::move(number).error());
    compiled.raw_patterns.push_back(*number);
  }
  return compiled;
}

bool Matcher::matches(const StoredRecord& stored) const {
  const Event& event = stored.record.event;
  if (event.kind == Kind::life || !has_bit(all_kinds_, event.kind)) return false;
  if (entries_.empty() || has_bit(sure_kinds_, event.kind)) return true;
  messages_.begin(event.message);
  raws_.begin(event.raw);
  if (only_patterns_ && !raws_.may_match() && !messages_.may_match()) return false;
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return holds(entry.wanted, stored) && std::none_of(entry.excluded.begin(), entry.excluded.end(),
                                                       [&](const Keys& keys) { return holds(keys, stored); });
  });
}

bool Matcher::holds(const Keys& keys, const StoredRecord& stored) const {
  const Event& event = stored.record.event;
  if (!has_bit(keys.kinds, event.kind) || !has_bit(keys.levels, event.level)) return false;
  if (keys.flags != 0 && (stored.flags() & keys.flags) == 0) return false;
  if (keys.has_names && !names_hold(keys, stored)) return false;
  // A line without a message has none that could match, whatever the pattern.
  if (!keys.message_patterns.empty() && (event.message.empty() || !any_of(keys.message_patterns, messages_)))
    return false;
  return keys.raw_patterns.empty() || any_of(keys.raw_patterns, raws_);
}

bool Matcher::names_hold(const Keys& keys, const StoredRecord& stored) {
  const Event& event = stored.record.event;
  if (!fits(keys.modules, event.module) || !fits(keys.scan_ids, event.scan_id)) return false;
  if (!fits(keys.group_ids, event.group_id) || !fits(keys.inputs, stored.input_name)) return false;
  if (!fits(keys.hosts, event.canonical_host) && !keys.hosts.has(event.host)) return false;
  if (!fits(keys.assets, stored.asset_or_host())) return false;
  if (keys.types.empty()) return true;
  return event.kind == Kind::detection && keys.types.has(detection_type(event.raw));
}

bool Matcher::any_of(const std::vector<std::uint32_t>& patterns, PatternSet& set) {
  return std::any_of(patterns.begin(), patterns.end(), [&set](std::uint32_t pattern) { return set.has(pattern); });
}

}  // namespace thorlog
