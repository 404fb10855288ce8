// Many regular expressions on one text, at little more than the cost of one look at it: nearly all lines match none.
// What a pattern can't do without (a literal of four bytes or more) is searched for first, all literals in one pass;
// RE2 runs only for patterns whose literal is there. Patterns without one share one automaton. RE2 syntax,
// unanchored, over bytes (Latin-1). One object for each thread: it keeps the state of the last text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

class PatternSet {
 public:
  // More would make a reload take seconds and the automata some hundreds of megabytes.
  static constexpr std::size_t kMaxPatterns = 2000;

  PatternSet();
  ~PatternSet();
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(PatternSet&&) noexcept;

  // The number of the pattern, the same for the same text. Errors: config (it does not compile, there are too many).
  Result<std::uint32_t> add(const std::string& pattern);
  // After the last add(). `narrow` is what runs on processors without AVX2, `portable` on those without SSSE3 and for
  // very many patterns.
  enum class Filter : std::uint8_t { best, narrow, portable };
  Status compile(Filter filter = Filter::best);

  bool empty() const noexcept;

  // Begins with a text; it must stay until the last has(). Costs nothing until then.
  void begin(std::string_view text) noexcept;
  // Does this pattern match the text?
  bool has(std::uint32_t pattern);
  // False: none of the patterns matches the text.
  bool may_match();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace thorlog
