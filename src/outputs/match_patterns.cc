#include "outputs/match_patterns.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <unordered_map>

#include "outputs/match_literals.h"
#include "outputs/match_required.h"
#include "outputs/match_windows.h"

namespace thorlog {
namespace {

constexpr std::int64_t kSetMemory = 64 << 20;  // of the shared automaton; when it is used up the patterns run alone

RE2::Options options_for(std::int64_t memory) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_max_mem(memory);
  return options;
}
const std::int64_t kPatternMemory = RE2::Options().max_mem();

class Bits {
 public:
  void resize(std::size_t bits) { words_.assign((bits + 63) / 64, 0); }
  void clear() noexcept { std::fill(words_.begin(), words_.end(), 0); }
  void set(std::size_t bit) noexcept { words_[bit / 64] |= std::uint64_t{1} << (bit % 64); }
  bool any() const noexcept {
    return std::any_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word != 0; });
  }
  bool has(std::size_t bit) const noexcept { return (words_[bit / 64] >> (bit % 64) & 1U) != 0; }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace

struct PatternSet::Impl {
  struct Pattern {
    std::string text;
    std::unique_ptr<RE2> regex;
    bool filtered = false;  // one of the filters says when it may match
  };

  std::vector<Pattern> patterns;
  std::unordered_map<std::string, std::uint32_t> numbers;
  WindowFilter windows;
  LiteralFilter literals;             // instead of it where it can't run
  std::vector<std::uint32_t> owners;  // the pattern of each literal
  std::unique_ptr<RE2::Set> others;   // patterns that no filter knows, when there are several
  bool all_filtered = false;          // there are no such

  // About the text of begin().
  std::string_view text;
  bool ran_filters = false;
  bool looked_at_others = false;
  bool others_may_match = false;
  Bits possible;  // what the pattern requires is there
  Bits known;     // the pattern was tried
  Bits matched;

  void run_filters() {
    ran_filters = true;
    possible.clear();
    known.clear();
    matched.clear();
    if (!windows.empty()) {
      windows.search(
          text, [](void* self, std::uint32_t owner) { static_cast<Impl*>(self)->possible.set(owner); }, this);
    }
    literals.search(text, [this](std::uint32_t literal) { possible.set(owners[literal]); });
  }

  // One pattern alone is faster on its own; a set that is too large to compile leaves each on its own.
  void compile_others() {
    auto set = std::make_unique<RE2::Set>(options_for(kSetMemory), RE2::UNANCHORED);
    std::size_t count = 0;
    for (const Pattern& pattern : patterns) {
      if (pattern.filtered) continue;
      if (set->Add(pattern.text, nullptr) < 0) return;
      ++count;
    }
    if (count > 1 && set->Compile()) others = std::move(set);
  }

  bool may_match() {
    if (!ran_filters) run_filters();
    return possible.any() || (!all_filtered && may_match_unfiltered());
  }

  bool may_match_unfiltered() {
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

Status PatternSet::compile(Filter filter) {
  std::vector<Window> windows;
  std::vector<std::pair<std::uint32_t, std::string>> literals;
  bool by_windows = filter != Filter::portable && WindowFilter::can_run();
  for (std::uint32_t i = 0; i < impl_->patterns.size(); ++i) {
    Impl::Pattern& pattern = impl_->patterns[i];
    const std::vector<std::string> required = required_literals(pattern.text);
    for (const std::string& literal : required) literals.emplace_back(i, literal);
    if (by_windows) {
      for (Window& window : best_windows(pattern.text, required, i)) windows.push_back(std::move(window));
    }
    by_windows = by_windows && windows.size() <= WindowFilter::kMaxWindows;
  }
  if (by_windows) {
    for (const Window& window : windows) impl_->patterns[window.owner].filtered = true;
    impl_->windows.build(std::move(windows), usual_text(), filter == Filter::best);
  } else {
    for (const auto& [owner, literal] : literals) {
      impl_->literals.add(literal);
      impl_->owners.push_back(owner);
      impl_->patterns[owner].filtered = true;
    }
    impl_->literals.build();
  }
  impl_->all_filtered = std::all_of(impl_->patterns.begin(), impl_->patterns.end(),
                                    [](const Impl::Pattern& pattern) { return pattern.filtered; });
  impl_->compile_others();
  for (Bits* bits : {&impl_->possible, &impl_->known, &impl_->matched}) bits->resize(impl_->patterns.size());
  return ok();
}

bool PatternSet::empty() const noexcept { return impl_->patterns.empty(); }

void PatternSet::begin(std::string_view text) noexcept {
  impl_->text = text;
  impl_->ran_filters = false;
  impl_->looked_at_others = false;
}

bool PatternSet::may_match() { return !impl_->patterns.empty() && impl_->may_match(); }

bool PatternSet::has(std::uint32_t pattern) {
  Impl& impl = *impl_;
  if (!impl.ran_filters) impl.run_filters();
  const Impl::Pattern& one = impl.patterns[pattern];
  if (one.filtered ? !impl.possible.has(pattern) : !impl.may_match_unfiltered()) return false;
  if (impl.known.has(pattern)) return impl.matched.has(pattern);
  impl.known.set(pattern);
  const bool matches = one.regex->Match(impl.text, 0, impl.text.size(), RE2::UNANCHORED, nullptr, 0);
  if (matches) impl.matched.set(pattern);
  return matches;
}

}  // namespace thorlog
