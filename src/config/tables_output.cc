#include <fmt/format.h>

#include <algorithm>

#include "config/kafka_fields.h"
#include "config/tables.h"

namespace thorlog {
namespace {

using enum OutputType;

const Choices<Framing>& framings() {
  static const Choices<Framing> kFramings = {{"octet", Framing::octet}, {"lf", Framing::lf}};
  return kFramings;
}

Field<OutputSettings> match_field() {
  return {
      .key = "match",
      .type = "list of entries",
      .help = "What the output gets: any of the entries, all keys of one must hold. Everything unless set.",
      .read = [](Reader& reader, const YamlNode& node, OutputSettings& to) { read_match(reader, node, to.match); },
      .show = [](const OutputSettings&) { return std::string(); },
      .children = [] { return describe(match_fields()); }};
}

constexpr std::size_t kMostTargets = 16;

std::string target_error(const TargetAddress& target, const std::vector<TargetAddress>& before) {
  if (before.empty()) return {};
  if (target.transport != before.front().transport)
    return fmt::format("all addresses of a pool must have the same transport, and the first has {}",
                       name_of(before.front().transport));
  if (target.transport == Transport::udp) return "over UDP nobody knows who is away: give one address";
  if (std::find(before.begin(), before.end(), target) != before.end()) return "the address is twice in the pool";
  if (before.size() == kMostTargets) return fmt::format("more than {} addresses", kMostTargets);
  return {};
}

Field<OutputSettings> address_field() {
  return {.key = "address",
          .type = "address, or a list",
          .help =
              "Where to send: \"tcp://host:514\", udp, tls, relp or relps (RELP in TLS). A list is a pool: the first "
              "that "
              "answers.",
          .read =
              [](Reader& reader, const YamlNode& node, OutputSettings& to) {
                for (const auto& item : reader.scalars(node, "address", "an address such as \"tcp://host:514\"")) {
                  auto address = parse_target_address(item.text);
                  const auto wrong = address ? target_error(*address, to.addresses) : address.error().doing;
                  wrong.empty() ? to.addresses.push_back(*std::move(address)) : reader.error(item.place, wrong);
                }
              },
          .show = [](const OutputSettings&) { return std::string(); }};
}

// Values of placeholders have up to 64 bytes, dates 10; rotation adds to a name, and file systems take 255.
constexpr std::size_t kMaxFileName = 200;
std::size_t longest_name(std::string_view path) {
  constexpr std::size_t kMaxValue = 64, kDate = 10;
  std::size_t longest = 0, length = 0;
  for (std::size_t at = 0; at < path.size(); ++at) {
    if (path[at] == '{') {
      const auto close = path.find('}', at);
      length += path.substr(at, close - at) == "{date" ? kDate : kMaxValue;
      at = close;
    } else {
      length = path[at] == '/' ? 0 : length + 1;
    }
    longest = std::max(longest, length);
  }
  return longest;
}

// The folder in front of the first placeholder is the root that no sender can leave; what follows is made of names.
std::string path_error(std::string_view path) {
  const auto names = path_fields();
  const auto first = path.find('{');
  for (std::size_t at = first; at != std::string_view::npos && at < path.size(); at = path.find('{', at)) {
    const auto close = path.find('}', at);
    if (close == std::string_view::npos) return "a '{' has no '}'";
    const auto name = path.substr(at + 1, close - at - 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      const auto near = nearest_name(name, names);
      return near.empty()
                 ? fmt::format("unknown placeholder '{{{}}}': use {}", name.substr(0, 40), one_of(names))
                 : fmt::format("unknown placeholder '{{{}}}': did you mean '{{{}}}'?", name.substr(0, 40), near);
    }
    at = close;
  }
  if (path.ends_with('/') || path.ends_with("/.") || path.ends_with("/.."))
    return "this is a folder: name a file in it";
  if (longest_name(path) > kMaxFileName)
    return fmt::format("a name in it could have more than {} bytes: use fewer placeholders for one name",
                       kMaxFileName);
  if (first == std::string_view::npos) return {};
  if (path.substr(0, first).find('/') == std::string_view::npos)
    return "a path with placeholders needs a folder in front of them, such as /var/log/thorlogd/{asset}.log";
  if (path.find("/..", first) != std::string_view::npos || path.find("/./", first) != std::string_view::npos)
    return "'.' and '..' may not follow a placeholder";
  return {};
}

Field<OutputSettings> path_field() {
  auto made = field::text("path", &OutputSettings::path, "path",
                          "The file to write; {asset}, {scan_id}, {date} and others stand for a record's own.");
  made.read = [](Reader& reader, const YamlNode& node, OutputSettings& to) {
    if (!read_text(reader, node, "path", to.path)) return;
    if (const auto wrong = path_error(to.path); !wrong.empty()) reader.error(node.place, wrong);
  };
  return made;
}

Field<OutputSettings> max_event_field() {
  constexpr SizeRange kRange{1 * kKiB, 64 * kMiB, true};
  return field::size("max_event", &OutputSettings::max_event, kRange,
                     "Longer lines are parked whole, and a shortened one that refers to them is sent; 0: none.");
}

const Fields<RotateSettings>& rotate_fields() {
  using S = RotateSettings;
  static const Choices<Compression> kCompressions = {{"gzip", Compression::gzip}, {"none", Compression::none}};
  static const Fields<S> kFields = {
      field::size("size", &S::size, {4 * kKiB, kGiB * 1024}, "A file of this length is set aside."),
      field::number("keep", &S::keep, {0, 100'000}, "So many are kept beside the one that is written."),
      field::choice("compress", &S::compress, kCompressions, "How those set aside are kept."),
  };
  return kFields;
}

Fields<OutputSettings> make_fields() {
  using S = OutputSettings;
  static const Choices<OnFull> kOnFull = {{"block", OnFull::block}, {"drop_oldest", OnFull::drop_oldest}};
  static const Choices<StartAt> kStarts = {{"now", StartAt::now}, {"oldest", StartAt::oldest}};
  static const Choices<KafkaKey> kKeys = {
      {"host", KafkaKey::host}, {"scan_id", KafkaKey::scan_id}, {"none", KafkaKey::none}};
  Fields<S> fields = {
      address_field().of({syslog}).required(),
      path_field().of({OutputType::file}).required(),
      match_field().example("[ { kind: [thor, detection], level: \">=warning\" } ]"),
      field::choice("format", &S::format, output_formats(), "raw is the line as it came; json is the JSON event.")
          .of({syslog, kafka, OutputType::file}),
      field::yes_no("fields", &S::fields, "json: the THOR fields too, as an object.")
          .of({syslog, kafka, webhook, OutputType::file}),
      field::choice("framing", &S::framing, framings(),
                    "Over TCP: octet counting (RFC 6587) keeps every byte; lf escapes.")
          .of({syslog}),
      field::size("max_length", &S::max_length, {480, 64 * kMiB, true},
                  "Longer lines leave as numbered parts, none is cut; 0: no limit.")
          .of({syslog}),
      field::duration("fail_back", &S::fail_back, {1s, 24h, true},
                      "How often earlier addresses are tried while a later one is in use; 0: only after a break.")
          .of({syslog}),
      field::choice("on_full", &S::on_full, kOnFull,
                    "When the journal is full: inputs wait for this output, or it loses its oldest."),
      field::choice("start", &S::start, kStarts, "Where an output that is new begins."),
      field::duration("max_lag", &S::max_lag, {1s, 3650 * 24h, true},
                      "Records older than this are dropped for this output, counted; 0: none."),
      max_event_field(),
      field::optional_block("rotate", &S::rotate, rotate_fields(), "Sets long files aside; off unless set.")
          .of({OutputType::file})
          .example("{ size: 100MiB, keep: 10, compress: gzip }"),
      field::kafka_brokers(&S::brokers).of({kafka}).required(),
      field::kafka_topic(&S::topic, "The topic to write.").of({kafka}).required(),
      field::choice("key", &S::key, kKeys, "Key of the records.").of({kafka}),
      field::kafka_settings(&S::settings, KafkaRole::producer, "Further settings of librdkafka; acks is always all.")
          .of({kafka}),
      field::text("smtp", &S::smtp, "address", "\"smtp://host:25\" or \"smtps://host:465\".").of({email}).required(),
      field::text("from", &S::from, "mail address", "Sender.").of({email}).required(),
      field::texts("to", &S::to, "list of mail addresses", "Receivers.").of({email}).required(),
      field::duration("digest", &S::digest, {1s, 24h, true}, "One mail for what came in this time.").of({email}),
  };
  for (auto& each : webhook_fields()) fields.push_back(std::move(each));
  return fields;
}

}  // namespace

const Choices<OutputType>& output_types() {
  static const Choices<OutputType> kTypes = {{"syslog", syslog},
                                             {"kafka", kafka},
                                             {"webhook", webhook},
                                             {"email", email, false},
                                             {"file", OutputType::file}};
  return kTypes;
}

const Choices<OutputFormat>& output_formats() {
  static const Choices<OutputFormat> kFormats = {{"raw", OutputFormat::raw},
                                                 {"rfc5424", OutputFormat::rfc5424},
                                                 {"rfc3164", OutputFormat::rfc3164},
                                                 {"json", OutputFormat::json},
                                                 {"cef", OutputFormat::cef}};
  return kFormats;
}

const Fields<OutputSettings>& output_fields() {
  static const Fields<OutputSettings> kFields = make_fields();
  return kFields;
}

std::span<const std::string_view> path_fields() {
  static constexpr std::string_view kFields[] = {"asset", "host", "scan_id", "group_id", "input", "kind", "date"};
  return kFields;
}

namespace {

void check_transport(Reader& reader, const YamlNode& map, const OutputSettings& output) {
  const Transport transport = output.addresses[0].transport;
  const YamlEntry* framing = map.find("framing");
  if (framing != nullptr && transport == Transport::udp)
    reader.error(framing->place, "'framing' is of streams, and a datagram is one line anyway: take it out");
  if (framing != nullptr && (transport == Transport::relp || transport == Transport::relps))
    reader.error(framing->place, "'framing' is of tcp and tls, and RELP has its own: take it out");
  if (output.tls && transport != Transport::tls && transport != Transport::relps)
    reader.error(
        map.find("tls")->place,
        fmt::format("'tls' is of tls:// and relps://, this output sends by {}: take it out", name_of(transport)));
}

void check_client_tls(Reader& reader, const YamlNode& map, const TlsSettings& tls) {
  const Place place = map.find("tls")->value.place;
  if (tls.client_auth != ClientAuth::none) reader.error(place, "'client_auth' is of inputs: take it out");
  if (tls.certificate.empty() != tls.key.empty()) reader.error(place, "'certificate' and 'key' go together");
}

}  // namespace

void check_output(Reader& reader, const YamlNode& map, const OutputSettings& output) {
  const YamlEntry* fail_back = map.find("fail_back");
  if (fail_back != nullptr && output.addresses.size() == 1)
    reader.error(fail_back->place, "'fail_back' is of a pool, and there is one address: take it out");
  if (!output.addresses.empty()) check_transport(reader, map, output);
  if (output.tls) check_client_tls(reader, map, *output.tls);
  if (output.type == webhook) return check_webhook(reader, map, output);
  const YamlEntry* fields = map.find("fields");
  if (fields != nullptr && output.fields && output.format != OutputFormat::json)
    reader.error(fields->place, fmt::format("'fields' needs 'format: json', this output has '{}'",
                                            name_in(output_formats(), output.format)));
  if (output.type == kafka) check_kafka_settings(reader, map, KafkaRole::producer, output.settings);
}

}  // namespace thorlog
