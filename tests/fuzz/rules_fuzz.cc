// Any bytes as a file of rules: errors or rules, never a crash.
#include <cstddef>
#include <cstdint>

#include "scans/rules.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 16 * 1024) return 0;
  std::vector<thorlog::ConfigError> errors;
  const std::vector<thorlog::RuleFile> files = {
      {"fuzz.yaml", std::string(reinterpret_cast<const char*>(data), size)}};
  const auto rules = thorlog::RuleSet::load(files, errors);
  if ((rules == nullptr) == errors.empty()) __builtin_trap();
  return 0;
}
