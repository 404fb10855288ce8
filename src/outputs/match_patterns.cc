#include "outputs/match_patterns.h"

#include <re2/filtered_re2.h>
#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <unordered_map>

#include "outputs/match_literals.h"

namespace thorlog {
namespace {

constexpr std::int64_t kSetMemory = 64 << 20;  // of the shared automaton; when it is used up the patterns run alone
constexpr std::size_t kMaxLiterals = 256;      // of one pattern; with more it counts as having none
constexpr double kCommon = 1000;               // the badness of a literal that most lines hold

// What lines are made of: a literal out of these tells nothing. Lower case.
constexpr std::string_view kUsualText =
    "<134>oct  8 11:37:54 host17.local/10.0.1.17 thor: info: notice: warning: alert: module: filescan message: "
    "suspicious "
    "file found scanid: s-kybbdhfvhhc file: c:\\windows\\system32\\ c:\\users\\ \\appdata\\local\\temp\\ c:\\program "
    "files (x86)\\ "
    "score: 65 size: type: extension: md5: sha1: sha256: owner: builtin\\administrators firstbytes: created: mon jul "
    "29 "
    "05:16:04 2013 modified: accessed: reason_1: yara rule susp_ subscore: uid: pid: ppid: command: name: path: "
    "entry: key: "
    ".exe .dll {\"type\":\"thor message\",\"thor "
    "assessment\",\"meta\":{\"time\":\"2025-10-08t13:47:09.410735961+02:00\","
    "\"level\":\"info\",\"module\":\"startup\",\"scan_id\":\"s-\",\"event_id\":\"\",\"hostname\":\"host\"},"
    "\"message\":\"\","
    "\"fields\":{},\"log_version\":\"v3.0.0\"} asgard_generic: \"component\":\"controller\",\"pid\":";

RE2::Options options_for(std::int64_t memory) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(memory);
  return options;
}
const std::int64_t kPatternMemory = RE2::Options().max_mem();

double badness(const std::string& literal) {
  if (kUsualText.find(literal) != std::string_view::npos) return kCommon;
  return 1.0 / static_cast<double>(literal.size() * literal.size());
}

// Literals of which a matching text holds at least one: the fewest and rarest that will do. RE2 knows what a pattern
// requires, and tells it only as an answer to "could it match a text with these literals?", so we ask.
std::vector<std::string> required_literals(const std::string& pattern) {
  re2::FilteredRE2 filter(static_cast<int>(LiteralFilter::kShortest));
  int id = 0;
  if (filter.Add(pattern, options_for(kPatternMemory), &id) != RE2::NoError) return {};
  std::vector<std::string> literals;
  filter.Compile(&literals);
  if (literals.empty() || literals.size() > kMaxLiterals) return {};

  std::vector<int> order(literals.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<int>(i);
  const auto literal_of = [&literals](int i) -> const std::string& { return literals[static_cast<std::size_t>(i)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return badness(literal_of(a)) > badness(literal_of(b)); });
  // A set of literals is enough when the pattern can't match a text that holds all the others and none of these.
  std::vector<bool> needed(literals.size(), true);
  const auto is_enough = [&] {
    std::vector<int> present;
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) present.push_back(static_cast<int>(i));
    }
    std::vector<int> potential;
    filter.AllPotentials(present, &potential);
    return potential.empty();
  };
  if (!is_enough()) return {};
  for (const int i : order) {
    needed[static_cast<std::size_t>(i)] = false;
    if (!is_enough()) needed[static_cast<std::size_t>(i)] = true;
  }
  std::vector<std::string> kept;
  double sum = 0;
  for (std::size_t i = 0; i < literals.size(); ++i) {
    if (!needed[i]) continue;
    sum += badness(literals[i]);
    kept.push_back(literals[i]);
  }
  if (sum >= kCommon) kept.clear();
  return kept;
}

class Bits {
 public:
  void resize(std::size_t bits) { words_.assign((bits + 63) / 64, 0); }
  void clear() noexcept { std::fill(words_.begin(), words_.end(), 0); }
  void set(std::size_t bit) noexcept { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  bool has(std::size_t bit) const noexcept { return (words_[bit / 64] >> (bit % 64) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace

struct PatternSet::Impl {
  struct Pattern {
    std::string text;
    std::unique_ptr<RE2> regex;
    bool has_literals = false;
  };

  std::vector<Pattern> patterns;
  std::unordered_map<std::string, std::uint32_t> numbers;
  LiteralFilter literals;
  std::vector<std::uint32_t> owners;  // the pattern of each literal
  std::unique_ptr<RE2::Set> others;   // patterns without literals, when there are several

  // About the text of begin().
  std::string_view text;
  bool looked_for_literals = false;
  bool looked_at_others = false;
  bool others_may_match = false;
  Bits possible;  // a literal of the pattern is there
  Bits known;     // the pattern was tried
  Bits matched;

  void look_for_literals() {
    looked_for_literals = true;
    possible.clear();
    known.clear();
    matched.clear();
    literals.search(text, [this](std::uint32_t literal) { possible.set(owners[literal]); });
  }

  bool may_match_without_literals() {
    if (!looked_at_others) {
      looked_at_others = true;
      others_may_match = true;
      RE2::Set::ErrorInfo error{RE2::Set::kNoError};
      if (others != nullptr && !others->Match(text, nullptr, &error)) {
        others_may_match = error.kind != RE2::Set::kNoError;  // out of memory: nothing is known
      }
    }
    return others_may_match;
  }
};

PatternSet::PatternSet() : impl_(std::make_unique<Impl>()) {}
PatternSet::~PatternSet() = default;
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;

Result<std::uint32_t> PatternSet::add(const std::string& pattern) {
  const auto known = impl_->numbers.find(pattern);
  if (known != impl_->numbers.end()) return known->second;
  if (impl_->patterns.size() == kMaxPatterns) {
    return fail(
        {Errc::config, "a match list has more than " + std::to_string(kMaxPatterns) + " regular expressions"});
  }
  auto regex = std::make_unique<RE2>(pattern, options_for(kPatternMemory));
  if (!regex->ok()) return fail({Errc::config, "regular expression \"" + pattern + "\": " + regex->error()});
  const auto number = static_cast<std::uint32_t>(impl_->patterns.size());
  impl_->numbers.emplace(pattern, number);
  impl_->patterns.push_back({pattern, std::move(regex), false});
  return number;
}

Status PatternSet::compile() {
  auto others = std::make_unique<RE2::Set>(options_for(kSetMemory), RE2::UNANCHORED);
  std::size_t count = 0;
  bool all_added = true;
  for (std::uint32_t i = 0; i < impl_->patterns.size(); ++i) {
    Impl::Pattern& pattern = impl_->patterns[i];
    const std::vector<std::string> literals = required_literals(pattern.text);
    pattern.has_literals = !literals.empty();
    for (const std::string& literal : literals) {
      impl_->literals.add(literal);
      impl_->owners.push_back(i);
    }
    if (pattern.has_literals) continue;
    all_added = others->Add(pattern.text, nullptr) >= 0 && all_added;
    ++count;
  }
  impl_->literals.build();
  // One pattern alone is faster on its own; a set that is too large to compile leaves each on its own.
  if (count > 1 && all_added && others->Compile()) impl_->others = std::move(others);
  for (Bits* bits : {&impl_->possible, &impl_->known, &impl_->matched}) bits->resize(impl_->patterns.size());
  return ok();
}

bool PatternSet::empty() const noexcept { return impl_->patterns.empty(); }

void PatternSet::begin(std::string_view text) noexcept {
  impl_->text = text;
  impl_->looked_for_literals = false;
  impl_->looked_at_others = false;
}

bool PatternSet::has(std::uint32_t pattern) {
  Impl& impl = *impl_;
  if (!impl.looked_for_literals) impl.look_for_literals();
  const Impl::Pattern& one = impl.patterns[pattern];
  if (one.has_literals ? !impl.possible.has(pattern) : !impl.may_match_without_literals()) return false;
  if (impl.known.has(pattern)) return impl.matched.has(pattern);
  impl.known.set(pattern);
  const bool matches = one.regex->Match(impl.text, 0, impl.text.size(), RE2::UNANCHORED, nullptr, 0);
  if (matches) impl.matched.set(pattern);
  return matches;
}

}  // namespace thorlog
