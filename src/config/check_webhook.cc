// What `thorlogd --check` says about a webhook.
#include <fmt/format.h>

#include <iterator>

#include "config/report.h"
#include "config/secret_keys.h"
#include "config/units.h"
#include "config/web_url.h"

namespace thorlog {

std::string webhook_report(const OutputSettings& output) {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto url = parse_web_url(output.url);
  // The path of an address is the password of many webhooks.
  fmt::format_to(out, "\noutput {}: webhook to {}, template {}\n", output.name, url ? url->origin() : "?",
                 output.message_template);
  fmt::format_to(
      out,
      "  promise:     posted from the journal until the server answers 2xx. Refusals of an event (400, 413, 422) "
      "are\n"
      "               parked in the dead letters; 401, 403, 404 and a bad certificate hold the output and raise an "
      "alarm\n"
      "  loss window: none while the journal holds; after a break or crash the server may get an event twice, with "
      "the\n"
      "               same Idempotency-Key\n"
      "  escaping:    {}\n",
      is_for_people(output) ? "JSON; text for people has no control or direction characters and is cut, marked"
                            : "JSON escapes; bytes that are no UTF-8 also as raw_base64");
  fmt::format_to(out, "  posts:       up to {} event{} in one, {} at once{}, each within {}\n", output.batch,
                 output.batch == 1 ? "" : "s", output.concurrency,
                 output.concurrency == 1 ? " (in order)" : " (in no order)", duration_text(output.timeout));
  if (const RateLimit rate = webhook_rate(output); rate.events > 0)
    fmt::format_to(out, "  rate:        {} in {} to this host, {} at once\n", rate.events, duration_text(rate.per),
                   rate.burst);
  if (const StormSettings storm = webhook_storm(output); storm.events > 0)
    fmt::format_to(out, "  storms:      of one sort {} in {} go one by one, the rest as one summary\n", storm.events,
                   duration_text(storm.per));
  if (!output.secret_file.empty()) {
    const auto keys = read_secret_keys(output.secret_file);
    fmt::format_to(out, "  signature:   HMAC-SHA256 with {} key{}\n", keys ? keys->size() : 0,
                   keys && keys->size() == 1 ? "" : "s");
  }
  if (url && !url->secure)
    fmt::format_to(out, "  note:        http:// is not encrypted: anyone on the way can read the events\n");
  return text;
}

}  // namespace thorlog
