// Names of THOR's modules as small numbers, with what the signals say of each, so that a line costs one comparison.
// Bounded: what a hostile sender invents beyond that is "other". One thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scans/signals.h"
#include "scans/slab.h"

namespace thorlog {

class Modules {
 public:
  static constexpr std::uint16_t kOther = 1;  // 0: no module

  explicit Modules(const SignalSet& signals);
  // After a change of the rules; the numbers stay.
  void set_signals(const SignalSet& signals);

  std::uint16_t number_of(std::string_view name);
  // Of a name that number_of() was asked for before, by its name_hash(); kUnknown when it is none, or found no room.
  static constexpr std::uint16_t kUnknown = 0xFFFF;
  std::uint16_t known(std::uint64_t hash) const noexcept {
    if (hash == 0) return 0;
    const std::uint32_t found = index_.find(hash, [&](std::uint32_t n) { return names_[n].hash == hash; });
    return found == kNone ? kUnknown : static_cast<std::uint16_t>(found);
  }
  std::string_view name(std::uint16_t number) const noexcept { return names_[number].text; }
  // For SignalSet::match_thor(). Of a name that found no room the rules are asked each time.
  std::uint64_t rules(std::uint16_t number) const noexcept { return names_[number].rules; }
  // Silence in these modules is often the work of an antivirus (domain notes 5.2, "frozen scan").
  bool is_frozen_prone(std::uint16_t number) const noexcept { return names_[number].frozen_prone; }

 private:
  struct Name {
    std::string text;
    std::uint64_t hash = 0;
    std::uint64_t rules = 0;
    bool frozen_prone = false;
  };
  void judge(Name& name) const;

  const SignalSet* signals_;
  std::vector<Name> names_;
  HashIndex index_;
};

}  // namespace thorlog
