// The keys of a webhook output.
#include <fmt/format.h>

#include <algorithm>

#include "config/body_template.h"
#include "config/secret_keys.h"
#include "config/tables.h"
#include "config/web_url.h"

namespace thorlog {
namespace {

using S = OutputSettings;
using enum OutputType;

constexpr std::size_t kMostHeaders = 32;
constexpr std::size_t kMostHeaderBytes = 4096;
constexpr std::uint32_t kMostBatchForPeople = 20;

// Headers that we set ourselves, or that would change what a request is.
constexpr std::string_view kOurHeaders[] = {"connection",
                                            "content-length",
                                            "expect",
                                            "host",
                                            "idempotency-key",
                                            "keep-alive",
                                            "proxy-connection",
                                            "te",
                                            "trailer",
                                            "transfer-encoding",
                                            "upgrade",
                                            "x-thorlog-signature",
                                            "x-thorlog-timestamp"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// RFC 9110, 5.6.2
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

std::string header_error(std::string_view name, std::string_view value) {
  if (!is_token(name)) return fmt::format("'{}' is no name of a header", name.substr(0, 80));
  if (name.size() + value.size() > kMostHeaderBytes)
    return fmt::format("the header '{}' is longer than {} bytes", name.substr(0, 80), kMostHeaderBytes);
  const auto name_low = lower(name);
  if (std::find(std::begin(kOurHeaders), std::end(kOurHeaders), name_low) != std::end(kOurHeaders))
    return fmt::format("the header '{}' is set by thorlogd itself: take it out", name);
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }))
    return fmt::format("the header '{}' holds a control character", name);
  if (value.empty()) return fmt::format("the header '{}' has no value", name);
  return {};
}

Field<S> url_field() {
  auto made = field::text("url", &S::url, "address", "Where events are posted: https:// or http://.");
  made.read = [](Reader& reader, const YamlNode& node, S& to) {
    if (!read_text(reader, node, "url", to.url)) return;
    if (auto url = parse_web_url(to.url); !url) reader.error(node.place, url.error().doing);
  };
  return made;
}

Field<S> template_field() {
  auto made = field::text("template", &S::message_template, "json, slack, teams or a file",
                          "Form of the body. A file is JSON with fields such as {host} in it.");
  made.read = [](Reader& reader, const YamlNode& node, S& to) {
    if (!read_text(reader, node, "template", to.message_template) || !is_template_file(to)) return;
    if (auto made_of = read_body_template(to.message_template); !made_of)
      reader.error(node.place, made_of.error().doing);
  };
  return made;
}

Field<S> headers_field() {
  auto made = field::pairs("headers", &S::headers, "pairs", "Further headers.");
  made.read = [](Reader& reader, const YamlNode& node, S& to) {
    read_pairs(reader, node, "headers", to.headers);
    if (to.headers.size() > kMostHeaders)
      return reader.error(node.place, fmt::format("more than {} headers", kMostHeaders));
    for (const auto& [name, value] : to.headers)
      if (auto wrong = header_error(name, value); !wrong.empty()) reader.error(node.place, std::move(wrong));
  };
  // A header may be a password: the report and the manual show none.
  made.show = [](const S&) { return std::string(); };
  return made;
}

Field<S> secret_field() {
  auto made = field::path("secret_file", &S::secret_file, PathCheck::file,
                          "Keys of the signature, one a line; two while the receiver changes from one to the other.");
  made.read = [](Reader& reader, const YamlNode& node, S& to) {
    if (!read_text(reader, node, "secret_file", to.secret_file)) return;
    if (auto keys = read_secret_keys(to.secret_file); !keys) reader.error(node.place, keys.error().doing);
  };
  return made;
}

const Fields<RateLimit>& rate_fields() {
  static const Fields<RateLimit> kFields = [] {
    auto burst =
        field::number("burst", &RateLimit::burst, {1, 1'000'000}, "Posts at once; `events` unless set.").example("5");
    burst.show = [](const RateLimit&) { return std::string(); };
    return Fields<RateLimit>{
        field::number("events", &RateLimit::events, {1, 1'000'000}, "Posts to the host in `per`.").required(),
        field::duration("per", &RateLimit::per, {1ms, 24h}, "The time that `events` is counted over."),
        std::move(burst)};
  }();
  return kFields;
}

const Fields<StormSettings>& storm_fields() {
  static const Fields<StormSettings> kFields = {
      field::number("events", &StormSettings::events, {0, 100'000},
                    "So many messages of one sort go out one by one; 0: all of them, always."),
      field::duration("per", &StormSettings::per, {1s, 1h}, "The rest of this time becomes one summary."),
  };
  return kFields;
}

}  // namespace

Fields<OutputSettings> webhook_fields() {
  return {
      url_field().of({webhook}).required(),
      template_field().of({webhook}),
      headers_field().of({webhook}).example("{ Authorization: { file: /etc/thorlogd/hook.token } }"),
      secret_field().of({webhook}),
      field::number("batch", &S::batch, {1, 10'000}, "Events in one post at most.").of({webhook}),
      field::duration("timeout", &S::timeout, {100ms, 5min}, "Give up on one post after this long.").of({webhook}),
      field::number("concurrency", &S::concurrency, {1, 64}, "Posts under way at once; with 1 the order is kept.")
          .of({webhook}),
      field::optional_block("rate_limit", &S::rate_limit, rate_fields(),
                            "Of posts to the host, all webhooks together; slack and teams: 1 a second, 5 at once.")
          .of({webhook})
          .example("{ events: 1, per: 1s, burst: 5 }"),
      field::optional_block("storm", &S::storm, storm_fields(),
                            "Many messages of one sort become a summary; slack and teams: more than 5 in a minute.")
          .of({webhook})
          .example("{ events: 5, per: 60s }"),
      field::optional_block(
          "tls", &S::tls, tls_fields(),
          "`ca`: an authority, of webhooks beside the system's, else in their place; `certificate` and `key`: "
          "for servers that ask.")
          .of({webhook, syslog})
          .example("{ ca: /etc/thorlogd/ca.pem }"),
  };
}

void check_webhook(Reader& reader, const YamlNode& map, const OutputSettings& output) {
  const auto refuse = [&](std::string_view key, std::string text) {
    const YamlEntry* entry = map.find(key);
    reader.error(entry != nullptr ? entry->value.place : map.place, std::move(text));
  };
  if (is_template_file(output) && output.batch > 1)
    refuse("batch", "a template file makes the body of one event: 'batch' must be 1");
  if (is_for_people(output) && output.batch > kMostBatchForPeople)
    refuse("batch", fmt::format("a message for people holds at most {} events", kMostBatchForPeople));
  if (is_template_file(output) && output.storm && output.storm->events != 0)
    refuse("storm", "a summary has a form of its own, which a template file can't have: use json, slack or teams");
  if (output.fields && output.message_template != "json" && !is_template_file(output))
    refuse("fields", fmt::format("'fields' needs JSON events: template '{}' has none", output.message_template));
}

}  // namespace thorlog
