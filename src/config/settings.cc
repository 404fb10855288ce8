#include "config/settings.h"

#include <algorithm>

#include "config/tables.h"

namespace thorlog {

std::uint32_t worker_count(const Settings& settings, unsigned cores) noexcept {
  constexpr std::uint32_t kMostByItself = 8;
  if (settings.workers != 0) return settings.workers;
  return std::clamp<std::uint32_t>(cores > 0 ? cores - 1 : 1, 1, kMostByItself);
}

bool is_for_people(const OutputSettings& webhook) noexcept {
  return webhook.message_template == "slack" || webhook.message_template == "teams";
}

bool is_template_file(const OutputSettings& webhook) noexcept {
  return webhook.message_template != "json" && !is_for_people(webhook);
}

RateLimit webhook_rate(const OutputSettings& webhook) noexcept {
  RateLimit rate;
  if (is_for_people(webhook)) rate = {1, 1s, 5};
  if (webhook.rate_limit) rate = *webhook.rate_limit;
  if (rate.burst == 0) rate.burst = rate.events;
  return rate;
}

StormSettings webhook_storm(const OutputSettings& webhook) noexcept {
  if (webhook.storm) return *webhook.storm;
  return is_for_people(webhook) ? StormSettings{} : StormSettings{0, 60s};
}

std::string_view name_of(InputType type) noexcept { return name_in(input_types(), type); }
std::string_view name_of(OutputType type) noexcept { return name_in(output_types(), type); }
std::string_view name_of(OutputFormat format) noexcept { return name_in(output_formats(), format); }

}  // namespace thorlog
