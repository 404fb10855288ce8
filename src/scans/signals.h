// Signals: what one line says about a scan or a machine, recognised by the rules of conf/rules.d/00-builtin.yaml. A
// rule looks at the right field of the right kind of line, from its beginning; never at the whole line, since THOR
// prints what it finds, and it finds logs. Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/reader.h"
#include "config/settings.h"
#include "thorlog/event.h"

namespace re2 {
class RE2;
}

namespace thorlog {

enum class Signal : std::uint8_t {
  none,
  start,
  arguments,
  end,
  module_start,
  service,
  max_runtime,
  low_memory,
  memory_consumer,
  disk_full,
  log_reduced,
  log_stopped,
  user_abort,
  crash,
  agent_interrupt,
  agent_wait,
  agent_run,
  task_failed,
  resume_exhausted,
  shutdown_planned,
  shutdown,
  boot,
  boot_dirty,
  service_stop
};

// One entry of `signals:`.
struct SignalRule {
  Place place;
  Signal signal = Signal::none;
  MatchKeys keys;  // kinds, levels, modules
  std::vector<std::string> not_modules, programs, event_ids, without;
  std::string message;
  std::shared_ptr<const re2::RE2> pattern;  // of message; null: any
};

// What the named groups of the pattern held; views into the event.
struct SignalMatch {
  Signal signal = Signal::none;
  std::string_view arguments, max, deadline;
};

// A pattern over bytes, bounded in compiled size; null, and told, when it is none.
std::shared_ptr<const re2::RE2> compile_pattern(Reader& reader, const Scalar& pattern);

class SignalSet {
 public:
  static constexpr std::size_t kMaxRules = 512;

  // Reads the list `signals:`; what is wrong is told to the reader, with its place.
  void read(Reader& reader, const YamlNode& list);
  // After the last read().
  void finish();

  // Which rules of THOR's lines can hold for lines of this module: to be kept by who has seen the module before.
  // 64 rules at most take part in it; the others are always looked at.
  std::uint64_t thor_rules_of(std::string_view module) const;
  // The first rule that holds. `rules`: of thor_rules_of(); cheap when none does.
  SignalMatch match_thor(const Event& event, std::uint64_t rules) const;
  // Whether match_thor() needs to be asked: the line's level, and the first eight bytes of its message as they lie in
  // memory, zeros behind its end.
  bool may_match_thor(std::uint64_t rules, Level level, std::uint64_t head) const noexcept;
  // The same for other kinds of lines: seldom called, for few lines.
  SignalMatch match(const Event& event) const;

  std::size_t size() const noexcept { return rules_.size(); }

 private:
  static bool holds(const SignalRule& rule, const Event& event, SignalMatch& found);

  std::vector<SignalRule> rules_;
  std::vector<SignalRule> thor_;  // those of THOR's lines; the first 64 have a bit
  // Rules whose pattern can begin with this byte of a message.
  std::array<std::uint64_t, 256> begins_{};
  // What a message must begin with for the rule with this bit, up to eight bytes.
  struct Head {
    std::uint64_t mask = 0, fold = 0, wanted = 0;
  };
  std::array<Head, 64> heads_{};
  std::array<std::uint64_t, 8> levels_{};
};

}  // namespace thorlog
