#include "config/settings.h"

#include <algorithm>

#include "config/tables.h"

namespace thorlog {

std::uint32_t worker_count(const Settings& settings, unsigned cores) noexcept {
  constexpr std::uint32_t kMostByItself = 8;
  if (settings.workers != 0) return settings.workers;
  return std::clamp<std::uint32_t>(cores > 0 ? cores - 1 : 1, 1, kMostByItself);
}

std::string_view name_of(InputType type) noexcept { return name_in(input_types(), type); }
std::string_view name_of(OutputType type) noexcept { return name_in(output_types(), type); }
std::string_view name_of(OutputFormat format) noexcept { return name_in(output_formats(), format); }

}  // namespace thorlog
