#include "scans/user_rules.h"

#include <fmt/format.h>
#include <re2/re2.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "config/tables.h"
#include "scans/signals.h"
#include "thor/lex.h"

namespace thorlog {
namespace {

constexpr std::uint32_t kMostCount = 10'000;
constexpr std::size_t kLongestSummary = 500;
constexpr std::size_t kLongestValue = 200;
constexpr std::array<std::string_view, 4> kSeverities = {"info", "notice", "warning", "critical"};
constexpr std::array<std::string_view, 3> kConfidences = {"low", "medium", "high"};
constexpr std::array<std::string_view, 7> kWords = {"asset",   "host",  "scan_id", "module",
                                                    "message", "count", "level"};

bool is_name(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return lex::is_lower(c) || lex::is_digit(c) || c == '_' || c == '-';
  });
}

bool has_groups(const re2::RE2& pattern) noexcept { return !pattern.CapturingGroupNames().empty(); }

void add_groups(const std::vector<std::string>& patterns, bool raw, UserRule& rule) {
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  for (const std::string& pattern : patterns) {
    auto compiled = std::make_shared<const re2::RE2>(pattern, options);
    if (compiled->ok() && has_groups(*compiled)) rule.groups.emplace_back(std::move(compiled), raw);
  }
}

Field<UserRule> one_of_words(const char* key, std::string UserRule::*member, std::span<const std::string_view> words,
                             const char* help) {
  return {.key = key,
          .type = one_of({words.begin(), words.end()}),
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, UserRule& to) {
                const auto word = reader.scalar(node, key, "a word");
                if (!word) return;
                if (std::find(words.begin(), words.end(), word->text) == words.end())
                  return reader.unknown(word->place, key, word->text, words);
                to.*member = word->text;
              },
          .show = [](const UserRule&) { return std::string(); }};
}

Field<UserRule> name_field(const char* key, std::string UserRule::*member, const char* help) {
  return {.key = key,
          .type = "a name of a-z, 0-9, _ and -",
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, UserRule& to) {
                const auto name = reader.scalar(node, key, "a name");
                if (!name) return;
                if (!is_name(name->text))
                  return reader.error(name->place,
                                      fmt::format("'{}' must be a name of a-z, 0-9, _ and -, at most 64 long", key));
                to.*member = name->text;
              },
          .show = [](const UserRule&) { return std::string(); },
          .required_types = ~0U};
}

Field<UserRule> type_field() {
  auto field = name_field("type", &UserRule::type, "The type of the detection.");
  field.read = [read = field.read](Reader& reader, const YamlNode& node, UserRule& to) {
    read(reader, node, to);
    const auto known = detection_types();
    if (std::find(known.begin(), known.end(), to.type) != known.end())
      reader.error(node.place, fmt::format("'{}' is a type of thorlogd's own: choose another name", to.type));
  };
  return field;
}

const Fields<UserRule>& detection_fields() {
  using S = UserRule;
  static const Fields<S> kFields = {
      type_field(),
      one_of_words("severity", &S::severity, kSeverities, "How bad it is."),
      one_of_words("confidence", &S::confidence, kConfidences, "How sure it is."),
      field::text("summary", &S::summary, "text", "One sentence; {asset}, {count} and named groups are filled in."),
  };
  return kFields;
}

Field<UserRule> per_field() {
  return {.key = "per",
          .type = "asset or scan",
          .help = "What is counted for.",
          .read =
              [](Reader& reader, const YamlNode& node, UserRule& to) {
                static const Choices<CountPer> kChoices = {{"asset", CountPer::asset}, {"scan", CountPer::scan}};
                if (const auto word = reader.scalar(node, "per", "asset or scan"))
                  static_cast<void>(read_choice(reader, *word, "per", kChoices, to.per));
              },
          .show = [](const UserRule&) { return std::string(); }};
}

const Fields<UserRule>& rule_fields() {
  using S = UserRule;
  static const Fields<S> kFields = {
      name_field("name", &S::name, "Its name."),
      per_field(),
      field::number("count", &S::count, {1, kMostCount}, "So many lines make a detection."),
      field::duration("within", &S::within, {1ms, 30 * 24h}, "The lines come within this time."),
      field::duration("quiet", &S::quiet, {1ms, 365 * 24h, true}, "No second detection of the same for this long."),
  };
  return kFields;
}

// Calls `text` for what stands between placeholders and `word` for each of those.
template <class Text, class Word>
void for_each_part(std::string_view summary, Text text, Word word) {
  while (!summary.empty()) {
    const std::size_t open = summary.find('{');
    const std::size_t close = open == std::string_view::npos ? open : summary.find('}', open);
    if (close == std::string_view::npos) return text(summary);
    text(summary.substr(0, open));
    word(summary.substr(open + 1, close - open - 1));
    summary.remove_prefix(close + 1);
  }
}

void check_summary(Reader& reader, Place place, const UserRule& rule) {
  std::vector<std::string> names(kWords.begin(), kWords.end());
  for (const auto& [pattern, raw] : rule.groups)
    for (const auto& [number, name] : pattern->CapturingGroupNames()) names.push_back(name);
  const std::vector<std::string_view> known(names.begin(), names.end());
  for_each_part(
      rule.summary, [](std::string_view /*text*/) {},
      [&](std::string_view word) {
        if (std::find(known.begin(), known.end(), word) == known.end())
          reader.unknown(place, "placeholder", word, known, " of the summary");
      });
}

void read_rule(Reader& reader, const YamlNode& item, std::vector<UserRule>& to) {
  if (!reader.expect_map(item, "rule")) return;
  UserRule rule;
  rule.place = item.place;
  constexpr std::string_view kOthers[] = {"match", "detection"};
  read_fields(reader, item, rule_fields(), rule, "a rule", ~0U, kOthers);
  const YamlEntry* match = item.find("match");
  if (match == nullptr)
    reader.error(item.place, "a rule needs 'match': which lines it looks at");
  else
    read_match(reader, match->value, rule.match);
  for (const MatchEntry& entry : rule.match) {
    add_groups(entry.wanted.message_regex, false, rule);
    add_groups(entry.wanted.raw_regex, true, rule);
  }
  const YamlEntry* detection = item.find("detection");
  if (detection == nullptr) return reader.error(item.place, "a rule needs 'detection': what it tells");
  if (!reader.expect_map(detection->value, "detection")) return;
  read_fields(reader, detection->value, detection_fields(), rule, "a detection");
  check_summary(reader, detection->place, rule);
  if (rule.count > 1 && rule.within == 0s)
    reader.error(item.place, "a rule that counts needs 'within': in what time the lines come, such as 10m");
  if (std::any_of(to.begin(), to.end(), [&rule](const UserRule& other) { return other.name == rule.name; }))
    reader.error(item.place, fmt::format("there is a rule '{}' already", rule.name));
  to.push_back(std::move(rule));
}

template <class T>
void put(std::string& out, const T& value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
bool take(std::string_view& in, T& value) {
  if (in.size() < sizeof value) return false;
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return true;
}

}  // namespace

void read_user_rules(Reader& reader, const YamlNode& list, std::vector<UserRule>& to) {
  if (list.is(YamlNode::Kind::null)) return;
  if (!list.is(YamlNode::Kind::list)) return reader.error(list.place, "'rules' is a list of rules");
  for (const YamlNode& item : list.items) {
    if (to.size() >= kMaxUserRules) return reader.error(item.place, fmt::format("at most {} rules", kMaxUserRules));
    read_rule(reader, item, to);
  }
}

std::string summary_of(const UserRule& rule, const Event& event, const RuleWords& words) {
  if (rule.summary.empty())
    return rule.count > 1
               ? fmt::format("Rule {}: {} lines on {}.", rule.name, words.count, words.asset)
               : fmt::format("Rule {} on {}: {}", rule.name, words.asset, event.message.substr(0, kLongestValue));
  const auto group = [&](std::string_view name) -> std::string {
    for (const auto& [pattern, raw] : rule.groups) {
      const auto& names = pattern->NamedCapturingGroups();
      const auto found = names.find(std::string(name));
      if (found == names.end()) continue;
      const std::string_view text = raw ? event.raw : event.message;
      std::vector<re2::StringPiece> parts(static_cast<std::size_t>(found->second) + 1);
      if (pattern->Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED,
                         parts.data(), found->second + 1) &&
          parts.back().data() != nullptr)
        return std::string(parts.back()).substr(0, kLongestValue);
    }
    return {};
  };
  std::string out;
  for_each_part(
      rule.summary, [&out](std::string_view text) { out += text; },
      [&](std::string_view word) {
        if (word == "asset")
          out += words.asset;
        else if (word == "scan_id")
          out += words.scan_id;
        else if (word == "count")
          out += fmt::format("{}", words.count);
        else if (word == "host")
          out += event.host;
        else if (word == "module")
          out += event.module;
        else if (word == "message")
          out += event.message.substr(0, kLongestValue);
        else if (word == "level")
          out += name_of(event.level);
        else
          out += group(word);
      });
  return out.size() > kLongestSummary ? out.substr(0, kLongestSummary) : out;
}

UserRules::UserRules(const std::vector<UserRule>& rules) : rules_of_(&rules) {
  if (rules.empty()) return;
  std::vector<MatchEntry> all;
  for (const UserRule& rule : rules) {
    all.insert(all.end(), rule.match.begin(), rule.match.end());
    auto one = Matcher::compile(rule.match);
    THORLOG_ASSERT(one.has_value());
    rules_.push_back(*std::move(one));
  }
  auto any = Matcher::compile(all);
  THORLOG_ASSERT(any.has_value());
  any_ = *std::move(any);
}

void UserRules::match(const StoredRecord& stored, const std::function<void(std::size_t)>& hit) const {
  if (!any_.matches(stored)) return;
  for (std::size_t n = 0; n < rules_.size(); ++n)
    if (rules_[n].matches(stored)) hit(n);
}

bool UserRules::count(std::size_t n, std::uint64_t key, std::int64_t now) {
  const UserRule& rule = (*rules_of_)[n];
  const std::uint64_t name = XXH3_64bits_withSeed(rule.name.data(), rule.name.size(), key);
  if (windows_.size() >= kMostWindows && windows_.find(name) == windows_.end()) {
    sweep(now);
    if (windows_.size() >= kMostWindows) return false;
  }
  Window& window = windows_[name];
  window.last = now;
  if (window.hits.size() > rule.count) window = {};  // the rule was another one then
  bool full = rule.count == 1;
  if (!full) {
    if (window.hits.size() < rule.count) {
      window.hits.push_back(now);
    } else {
      window.hits[window.at] = now;
      window.at = (window.at + 1) % rule.count;
    }
    full = window.hits.size() == rule.count && now - window.hits[window.at] <= rule.within.count();
  }
  if (!full || (window.quiet_until != kNoTime && now < window.quiet_until)) return false;
  window.quiet_until = now + rule.quiet.count();
  window.hits.clear();
  window.at = 0;
  return true;
}

// Forgets what no rule can still need.
void UserRules::sweep(std::int64_t now) {
  std::int64_t longest = 0;
  for (const UserRule& rule : *rules_of_) longest = std::max({longest, rule.within.count(), rule.quiet.count()});
  std::erase_if(windows_, [&](const auto& entry) { return now - entry.second.last > longest; });
}

std::string UserRules::save() const {
  std::string out;
  for (const auto& [name, window] : windows_) {
    put(out, name);
    put(out, window.last);
    put(out, window.quiet_until);
    put(out, window.at);
    put(out, static_cast<std::uint32_t>(window.hits.size()));
    for (const std::int64_t hit : window.hits) put(out, hit);
  }
  return out;
}

void UserRules::load(std::string_view blob) {
  std::uint64_t name = 0;
  while (windows_.size() < kMostWindows && take(blob, name)) {
    Window window;
    std::uint32_t hits = 0;
    if (!take(blob, window.last) || !take(blob, window.quiet_until) || !take(blob, window.at) || !take(blob, hits))
      return;
    if (hits > kMostCount || window.at > hits || blob.size() < hits * sizeof(std::int64_t)) return;
    for (std::uint32_t i = 0; i < hits; ++i) take(blob, window.hits.emplace_back());
    windows_[name] = std::move(window);
  }
}

}  // namespace thorlog
