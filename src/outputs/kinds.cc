#include "outputs/kinds.h"

#include <algorithm>
#include <array>

#include "config/kafka_conf.h"
#include "outputs/client_tls.h"
#include "outputs/file_sink.h"
#include "outputs/kafka_sink.h"
#include "outputs/relp_sink.h"
#include "outputs/syslog_tcp.h"
#include "outputs/syslog_udp.h"
#include "outputs/webhook.h"

namespace thorlog {
namespace {

using Made = Result<std::unique_ptr<Sink>>;

struct OutputKind {
  OutputType type;
  Status (*check)(const OutputSettings& settings);
  Made (*make)(const OutputSettings& settings, const SinkContext& context);
};

Failure wrong(const OutputSettings& settings, const std::string& what) {
  return fail({Errc::config, "output " + settings.name + ": " + what, 0});
}

Status check_syslog(const OutputSettings& settings) {
  if (settings.addresses.empty()) return wrong(settings, "it has no address");
  for (const TargetAddress& address : settings.addresses) {
    if (address.transport != settings.addresses.front().transport) {
      return wrong(settings, "all addresses of a pool must have the same transport");
    }
  }
  if (!uses_tls(settings)) return ok();
  auto made = TlsContext::make(client_tls(settings));
  return made ? ok() : wrong(settings, "tls: " + made.error().message());
}

Made make_syslog(const OutputSettings& settings, const SinkContext& context) {
  switch (settings.addresses.front().transport) {
    case Transport::udp:
      return std::unique_ptr<Sink>(std::make_unique<SyslogUdp>(settings, context));
    case Transport::relp:
    case Transport::relps:
      return std::unique_ptr<Sink>(std::make_unique<RelpSink>(settings, context));
    case Transport::tcp:
    case Transport::tls:
      break;
  }
  return std::unique_ptr<Sink>(std::make_unique<SyslogTcp>(settings, context));
}

Status check_file(const OutputSettings& settings) {
  auto path = PathTemplate::parse(settings.path);
  if (!path) return wrong(settings, path.error().doing);
  if (auto root = open_root(path->root()); !root) return fail(std::move(root).error());
  return ok();
}

Made make_file(const OutputSettings& settings, const SinkContext& context) {
  auto path = PathTemplate::parse(settings.path);
  if (!path) return fail(std::move(path).error());
  return std::unique_ptr<Sink>(std::make_unique<FileSink>(settings, *std::move(path), context));
}

Status check_webhook(const OutputSettings& settings) {
  if (auto checked = check_webhook_files(settings); !checked) return wrong(settings, checked.error().doing);
  return ok();
}

Made make_webhook(const OutputSettings& settings, const SinkContext& context) {
  auto made = Webhook::make(settings, context);
  if (!made) return fail(std::move(made).error());
  return std::unique_ptr<Sink>(*std::move(made));
}

Status check_kafka(const OutputSettings& settings) {
  const std::string error = kafka_settings_error(KafkaRole::producer, settings.settings);
  return error.empty() ? ok() : wrong(settings, error);
}

Made make_kafka(const OutputSettings& settings, const SinkContext& context) {
  return std::unique_ptr<Sink>(std::make_unique<KafkaSink>(settings, context));
}

constexpr std::array<OutputKind, 4> kKinds = {{
    {OutputType::syslog, check_syslog, make_syslog},
    {OutputType::kafka, check_kafka, make_kafka},
    {OutputType::file, check_file, make_file},
    {OutputType::webhook, check_webhook, make_webhook},
}};

const OutputKind* kind_of(OutputType type) {
  const auto* found =
      std::find_if(kKinds.begin(), kKinds.end(), [type](const OutputKind& k) { return k.type == type; });
  return found == kKinds.end() ? nullptr : found;
}

}  // namespace

Status check_sink(const OutputSettings& settings) {
  const OutputKind* kind = kind_of(settings.type);
  if (kind == nullptr) return wrong(settings, "type " + std::string(name_of(settings.type)) + " is not built yet");
  return kind->check(settings);
}

Result<std::unique_ptr<Sink>> make_sink(const OutputSettings& settings, const SinkContext& context) {
  if (auto checked = check_sink(settings); !checked) return fail(std::move(checked).error());
  return kind_of(settings.type)->make(settings, context);
}

bool needs_asset(const OutputSettings& settings) {
  const bool shows_it = settings.type == OutputType::webhook || settings.type == OutputType::kafka;
  if (settings.format != OutputFormat::raw || shows_it) return true;
  return settings.type == OutputType::file && settings.path.find("{asset}") != std::string::npos;
}

bool needs_fields(const OutputSettings& settings) {
  if (settings.format != OutputFormat::raw || settings.max_event != 0) return true;
  if (settings.type == OutputType::syslog) {
    // What is sent in parts, or may have to be, has its names in each part.
    return settings.max_length != 0 || settings.addresses.front().transport == Transport::udp;
  }
  if (settings.type != OutputType::file) return true;
  const auto shows = [&](std::string_view field) { return settings.path.find(field) != std::string::npos; };
  return shows("{asset}") || shows("{host}") || shows("{scan_id}") || shows("{group_id}");
}

bool same_sink(const OutputSettings& a, const OutputSettings& b) {
  OutputSettings c = b;  // what the sink does not look at may differ
  c.match = a.match;
  c.on_full = a.on_full;
  c.start = a.start;
  c.max_lag = a.max_lag;
  return a == c;
}

}  // namespace thorlog
