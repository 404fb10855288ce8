#include "scans/modules.h"

#include "thor/lex.h"
#include "thorlog/record_hint.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostNames = 2000;
constexpr std::size_t kLongestName = 64;

}  // namespace

Modules::Modules(const SignalSet& signals) : signals_(&signals), names_(2) {
  names_[kOther].text = "other";
  set_signals(signals);
}

void Modules::set_signals(const SignalSet& signals) {
  signals_ = &signals;
  for (Name& name : names_) judge(name);
}

void Modules::judge(Name& name) const {
  name.rules = signals_->thor_rules_of(name.text);
  for (const std::string_view prone : {"Mutex", "Events", "NamedPipes", "ShimCache", "ProcessCheck"})
    if (lex::equal_ignoring_case(name.text, prone)) name.frozen_prone = true;
}

std::uint16_t Modules::number_of(std::string_view name) {
  if (name.empty()) return 0;
  if (name.size() > kLongestName) return kOther;
  const std::uint64_t hash = name_hash(name);
  const std::uint32_t found = index_.find(hash, [&](std::uint32_t n) { return names_[n].text == name; });
  if (found != kNone) return static_cast<std::uint16_t>(found);
  if (names_.size() >= kMostNames) return kOther;
  Name& fresh = names_.emplace_back();
  fresh.text = name;
  fresh.hash = hash;
  judge(fresh);
  index_.add(hash, static_cast<std::uint32_t>(names_.size() - 1));
  return static_cast<std::uint16_t>(names_.size() - 1);
}

}  // namespace thorlog
