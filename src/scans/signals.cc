#include "scans/signals.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <bit>

#include "config/tables.h"
#include "thor/lex.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

constexpr std::size_t kMaxPattern = 4096;
constexpr std::int64_t kMaxProgram = 1 << 18;  // bytes of a compiled pattern

constexpr std::array<std::string_view, 24> kNames = {"",
                                                     "start",
                                                     "arguments",
                                                     "end",
                                                     "module_start",
                                                     "service",
                                                     "max_runtime",
                                                     "low_memory",
                                                     "memory_consumer",
                                                     "disk_full",
                                                     "log_reduced",
                                                     "log_stopped",
                                                     "user_abort",
                                                     "crash",
                                                     "agent_interrupt",
                                                     "agent_wait",
                                                     "agent_run",
                                                     "task_failed",
                                                     "resume_exhausted",
                                                     "shutdown_planned",
                                                     "shutdown",
                                                     "boot",
                                                     "boot_dirty",
                                                     "service_stop"};

bool same_module(std::string_view a, std::string_view b) noexcept { return lex::equal_ignoring_case(a, b); }

// A provider as NXLog's RFC 5424 form writes it has '-' for each blank.
bool same_program(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           if (x == ' ') x = '-';
           if (y == ' ') y = '-';
           return lex::to_lower(x) == lex::to_lower(y);
         });
}

template <class Same>
bool any_is(const std::vector<std::string>& names, std::string_view text, Same same) noexcept {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return same(name, text); });
}

// The letters, digits and blanks that each match begins with, which may be none; `any_case`: in either case.
std::string_view literal_head(std::string_view pattern, bool& any_case) {
  any_case = pattern.starts_with("(?i)");
  if (any_case) pattern.remove_prefix(4);
  if (!pattern.starts_with('^') || pattern.find('|') != std::string_view::npos) return {};
  pattern.remove_prefix(1);
  std::size_t end = 0;
  while (end < pattern.size() && (lex::is_letter(pattern[end]) || lex::is_digit(pattern[end]) || pattern[end] == ' '))
    ++end;
  const bool repeated = end < pattern.size() && std::string_view("?*{").find(pattern[end]) != std::string_view::npos;
  return pattern.substr(0, repeated && end > 0 ? end - 1 : end);
}

void add_first_bytes(std::string_view head, bool any_case, std::array<std::uint64_t, 256>& begins,
                     std::uint64_t bit) {
  if (head.empty()) {
    for (auto& bits : begins) bits |= bit;
    return;
  }
  begins[static_cast<unsigned char>(head[0])] |= bit;
  if (any_case && lex::is_letter(head[0])) {
    begins[static_cast<unsigned char>(head[0] | 0x20)] |= bit;
    begins[static_cast<unsigned char>(head[0] & ~0x20)] |= bit;
  }
}

Field<SignalRule> of_match(const char* key, const char* help) {
  const Fields<MatchKeys>& fields = match_fields();
  const auto found =
      std::find_if(fields.begin(), fields.end(), [key](const auto& field) { return field.key == key; });
  return {.key = key,
          .type = found->type,
          .help = help,
          .read = [read = found->read](Reader& reader, const YamlNode& node,
                                       SignalRule& to) { read(reader, node, to.keys); },
          .show = [](const SignalRule&) { return std::string(); }};
}

Field<SignalRule> signal_field() {
  return {.key = "signal",
          .type = "name of a signal",
          .help = "What the line says.",
          .read =
              [](Reader& reader, const YamlNode& node, SignalRule& to) {
                const auto name = reader.scalar(node, "signal", "the name of a signal");
                if (!name) return;
                const auto at = std::find(kNames.begin() + 1, kNames.end(), name->text);
                if (at == kNames.end())
                  return reader.unknown(name->place, "signal", name->text,
                                        std::span(kNames).subspan(1, kNames.size() - 1));
                to.signal = static_cast<Signal>(at - kNames.begin());
              },
          .show = [](const SignalRule&) { return std::string(); },
          .required_types = ~0U};
}

Field<SignalRule> message_field() {
  return {.key = "message",
          .type = "RE2 pattern that begins with ^",
          .help = "The beginning of the message.",
          .read =
              [](Reader& reader, const YamlNode& node, SignalRule& to) {
                const auto pattern = reader.scalar(node, "message", "a pattern");
                if (!pattern) return;
                std::string_view text = pattern->text;
                if (text.starts_with("(?i)")) text.remove_prefix(4);
                if (!text.starts_with("^"))
                  return reader.error(pattern->place,
                                      "the pattern of a signal begins with ^: what stands further inside a message "
                                      "may be a quotation");
                to.message = pattern->text;
                to.pattern = compile_pattern(reader, *pattern);
              },
          .show = [](const SignalRule&) { return std::string(); }};
}

const Fields<SignalRule>& signal_fields() {
  using S = SignalRule;
  static const Fields<S> kFields = {
      signal_field(),
      of_match("kind", "What the line is.").required(),
      of_match("level", "Its level."),
      of_match("module", "THOR's MODULE, or the component of an agent's JSON."),
      field::texts("not_module", &S::not_modules, "any of some text", "Any module but these."),
      field::texts("program", &S::programs, "any of some text", "The program, or the provider of a Windows event."),
      field::texts("event_id", &S::event_ids, "any of some text",
                   "Id of a Windows event; none: the line names none."),
      field::texts("without", &S::without, "any of some text", "THOR fields that the line may not have."),
      message_field(),
  };
  return kFields;
}

bool has_field(const Event& event, const std::vector<std::string>& names) {
  bool found = false;
  for_each_field(event, [&](std::string_view key, std::string_view value, bool is_json) {
    // THOR 10's second JSON form has all fields in objects that are called so.
    if (is_json && value.starts_with('{')) return;
    found = found || any_is(names, key, same_module);
  });
  return found;
}

// Groups by their names, in the order of the pattern.
bool match_groups(const re2::RE2& pattern, std::string_view text, SignalMatch& found) {
  constexpr int kMost = 8;
  re2::StringPiece groups[kMost + 1];
  const int count = std::min(pattern.NumberOfCapturingGroups(), kMost);
  if (!pattern.Match(re2::StringPiece(text.data(), text.size()), 0, text.size(), re2::RE2::UNANCHORED, groups,
                     count + 1))
    return false;
  for (const auto& [number, name] : pattern.CapturingGroupNames()) {
    if (number > count || groups[number].data() == nullptr) continue;
    const std::string_view value(groups[number].data(), groups[number].size());
    if (name == "arguments") found.arguments = value;
    if (name == "max") found.max = value;
    if (name == "deadline") found.deadline = value;
  }
  return true;
}

}  // namespace

std::shared_ptr<const re2::RE2> compile_pattern(Reader& reader, const Scalar& pattern) {
  if (pattern.text.empty() || pattern.text.size() > kMaxPattern) {
    reader.error(pattern.place, fmt::format("a pattern has 1 to {} bytes", kMaxPattern));
    return nullptr;
  }
  RE2::Options options(RE2::Latin1);
  options.set_log_errors(false);
  options.set_max_mem(kMaxProgram);
  auto compiled = std::make_shared<const re2::RE2>(pattern.text, options);
  if (compiled->ok()) return compiled;
  reader.error(pattern.place, fmt::format("this is no RE2 pattern: {}", compiled->error()));
  return nullptr;
}

void SignalSet::read(Reader& reader, const YamlNode& list) {
  if (list.is(YamlNode::Kind::null)) return;
  if (!list.is(YamlNode::Kind::list)) return reader.error(list.place, "'signals' is a list of entries");
  for (const YamlNode& item : list.items) {
    if (!reader.expect_map(item, "signal")) continue;
    SignalRule rule;
    rule.place = item.place;
    read_fields(reader, item, signal_fields(), rule, "a signal");
    if (rule.event_ids.empty() && !rule.pattern && rule.message.empty() && item.find("message") == nullptr)
      reader.error(item.place, "a signal needs 'message' or 'event_id': else each line of that kind would be one");
    if (rules_.size() >= kMaxRules) return reader.error(item.place, fmt::format("at most {} signals", kMaxRules));
    rules_.push_back(std::move(rule));
  }
}

void SignalSet::finish() {
  thor_.clear();
  begins_ = {};
  heads_ = {};
  levels_ = {};
  for (const SignalRule& rule : rules_)
    if (rule.keys.has_kind(Kind::thor)) thor_.push_back(rule);
  for (std::size_t n = 0; n < std::min<std::size_t>(thor_.size(), 64); ++n) {
    const std::uint64_t bit = std::uint64_t{1} << n;
    bool any_case = false;
    const std::string_view head = thor_[n].pattern ? literal_head(thor_[n].message, any_case) : std::string_view();
    add_first_bytes(head, any_case, begins_, bit);
    char mask[8] = {}, fold[8] = {}, wanted[8] = {};
    for (std::size_t at = 0; at < std::min<std::size_t>(head.size(), 8); ++at) {
      mask[at] = '\xff';
      fold[at] = any_case && lex::is_letter(head[at]) ? 0x20 : 0;
      wanted[at] = static_cast<char>(head[at] | fold[at]);
    }
    heads_[n] = {std::bit_cast<std::uint64_t>(mask), std::bit_cast<std::uint64_t>(fold),
                 std::bit_cast<std::uint64_t>(wanted)};
    for (unsigned level = 0; level <= static_cast<unsigned>(Level::alert); ++level)
      if (thor_[n].keys.has_level(static_cast<Level>(level))) levels_[level] |= bit;
  }
}

std::uint64_t SignalSet::thor_rules_of(std::string_view module) const {
  std::uint64_t bits = 0;
  for (std::size_t n = 0; n < std::min<std::size_t>(thor_.size(), 64); ++n) {
    const SignalRule& rule = thor_[n];
    if (!rule.keys.modules.empty() && !any_is(rule.keys.modules, module, same_module)) continue;
    if (any_is(rule.not_modules, module, same_module)) continue;
    bits |= std::uint64_t{1} << n;
  }
  return bits;
}

bool SignalSet::may_match_thor(std::uint64_t rules, Level level, std::uint64_t head) const noexcept {
  if (thor_.size() > heads_.size()) return true;
  if (head == 0) return rules != 0;
  for (rules &= levels_[static_cast<unsigned>(level) & 7U]; rules != 0; rules &= rules - 1) {
    const Head& rule = heads_[static_cast<std::size_t>(__builtin_ctzll(rules))];
    if (((head | rule.fold) & rule.mask) == rule.wanted) return true;
  }
  return false;
}

SignalMatch SignalSet::match_thor(const Event& event, std::uint64_t rules) const {
  SignalMatch found;
  if (!event.message.empty())
    rules &= begins_[static_cast<unsigned char>(event.message[0])] & levels_[static_cast<unsigned>(event.level) & 7U];
  for (; rules != 0; rules &= rules - 1) {
    if (holds(thor_[static_cast<std::size_t>(__builtin_ctzll(rules))], event, found)) return found;
  }
  for (std::size_t n = 64; n < thor_.size(); ++n)
    if (holds(thor_[n], event, found)) return found;
  return {};
}

SignalMatch SignalSet::match(const Event& event) const {
  SignalMatch found;
  for (const SignalRule& rule : rules_)
    if (holds(rule, event, found)) return found;
  return {};
}

bool SignalSet::holds(const SignalRule& rule, const Event& event, SignalMatch& found) {
  if (!rule.keys.has_kind(event.kind) || !rule.keys.has_level(event.level)) return false;
  if (!rule.keys.modules.empty() && !any_is(rule.keys.modules, event.module, same_module)) return false;
  if (any_is(rule.not_modules, event.module, same_module)) return false;
  if (!rule.programs.empty() && !any_is(rule.programs, event.app_name, same_program)) return false;
  if (!rule.event_ids.empty() &&
      !any_is(rule.event_ids, event.msgid.empty() ? std::string_view("none") : event.msgid, same_program))
    return false;
  found = SignalMatch();
  if (rule.pattern && !match_groups(*rule.pattern, event.message, found)) return false;
  if (!rule.without.empty() && has_field(event, rule.without)) return false;
  found.signal = rule.signal;
  return true;
}

}  // namespace thorlog
