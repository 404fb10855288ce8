#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "config/kafka_fields.h"
#include "config/tables.h"

namespace thorlog {
namespace {

using enum InputType;

const Choices<Framing>& framings() {
  static const Choices<Framing> kFramings = {
      {"auto", Framing::automatic}, {"lf", Framing::lf}, {"octet", Framing::octet}, {"nul", Framing::nul}};
  return kFramings;
}

const Choices<ProxyProtocol>& proxy_protocols() {
  static const Choices<ProxyProtocol> kProtocols = {{"off", ProxyProtocol::off},
                                                    {"accept", ProxyProtocol::accept, false}};
  return kProtocols;
}

const Choices<Trust>& trusts() {
  static const Choices<Trust> kTrusts = {{"none", Trust::none}, {"thorlogd", Trust::thorlogd}};
  return kTrusts;
}

Field<RateLimit> burst_field() {
  auto made = field::number("burst", &RateLimit::burst, {1, 100'000'000},
                            "Events that may come at once; twice `events` unless set.");
  made.show = [](const RateLimit&) { return std::string(); };
  made.sample = "100000";
  return made;
}

const Fields<RateLimit>& rate_limit_fields() {
  static const Fields<RateLimit> kFields = {
      field::number("events", &RateLimit::events, {1, 100'000'000}, "Events that one peer may send in `per`.")
          .required(),
      field::duration("per", &RateLimit::per, {1ms, 24h}, "The time that `events` is counted over."),
      burst_field(),
  };
  return kFields;
}

Field<InputSettings> listen_field() {
  return {
      .key = "listen",
      .type = "address",
      .help = "Where to listen: \"0.0.0.0:514\", \"[::]:514\", or \"systemd:NAME\" for a socket passed by systemd.",
      .read =
          [](Reader& reader, const YamlNode& node, InputSettings& to) {
            const auto value = reader.scalar(node, "listen", "an address such as \"0.0.0.0:514\"");
            if (!value) return;
            auto address = parse_listen_address(value->text);
            if (address)
              to.listen = *std::move(address);
            else
              reader.error(value->place, address.error().doing);
          },
      .show = [](const InputSettings&) { return std::string(); }};
}

Field<InputSettings> ranges(const char* key, std::vector<AddressRange> InputSettings::*member, const char* help) {
  return {.key = key,
          .type = "list of address ranges",
          .help = help,
          .read =
              [=](Reader& reader, const YamlNode& node, InputSettings& to) {
                const auto items =
                    reader.scalars(node, key, "a list of address ranges such as [\"10.0.0.0/8\", \"::1\"]");
                // An empty list would let nobody in, or everybody: nobody knows which was meant.
                if (node.is(YamlNode::Kind::list) && node.items.empty())
                  reader.error(node.place, fmt::format("'{}' is empty: name a range or take it out", key));
                for (const auto& item : items) {
                  auto range = parse_address_range(item.text);
                  if (range)
                    (to.*member).push_back(*range);
                  else
                    reader.error(item.place, range.error().doing);
                }
              },
          .show = [](const InputSettings&) { return std::string(); }};
}

bool is_offset(std::string_view zone) {
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9'; };
  return zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && digit(1) && digit(2) && zone[3] == ':' &&
         digit(4) && digit(5) && zone.substr(1, 2) <= "14" && zone[4] <= '5';
}

// The system's time zone files are what the daemon reads the zone from later.
bool is_iana_zone(const std::string& zone) {
  for (const char c : zone) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && c != '/' && c != '_' && c != '-' && c != '+') return false;
  }
  if (zone.empty() || zone.front() == '/' || zone.size() > 64) return false;
  std::FILE* file = std::fopen(("/usr/share/zoneinfo/" + zone).c_str(), "re");
  if (file == nullptr) return false;
  char magic[4] = {};
  const bool is_zone = std::fread(magic, 1, 4, file) == 4 && std::string_view(magic, 4) == "TZif";
  std::fclose(file);
  return is_zone;
}

Field<InputSettings> zone(const char* key, std::string InputSettings::*member, const char* help) {
  auto made = field::text(key, member, "time zone", help);
  made.read = [=](Reader& reader, const YamlNode& node, InputSettings& to) {
    const auto value = reader.scalar(node, key, "a time zone such as Europe/Berlin or \"+02:00\"");
    if (!value) return;
    if (value->text == "UTC" || is_offset(value->text) || is_iana_zone(value->text))
      to.*member = value->text;
    else
      reader.error(
          value->place,
          fmt::format("unknown time zone '{}': use UTC, an IANA name such as Europe/Berlin (package tzdata), or "
                      "an offset such as \"+02:00\"",
                      value->text.substr(0, 80)));
  };
  return made;
}

void add_partition(Reader& reader, const Scalar& item, std::uint32_t number, std::vector<std::uint32_t>& to) {
  if (std::find(to.begin(), to.end(), number) != to.end())
    return reader.error(item.place, fmt::format("partition {} stands here twice", number));
  to.push_back(number);
}

Field<InputSettings> partitions_field() {
  return {.key = "partitions",
          .type = "list of numbers",
          .help = "The partitions to read; all unless set.",
          .read =
              [](Reader& reader, const YamlNode& node, InputSettings& to) {
                for (const auto& item : reader.scalars(node, "partitions", "a list of numbers")) {
                  std::uint64_t number = 0;
                  if (read_number(reader, item, "partitions", {0, 100'000}, number))
                    add_partition(reader, item, static_cast<std::uint32_t>(number), to.partitions);
                }
              },
          .show = [](const InputSettings&) { return std::string(); }};
}

Fields<InputSettings> make_fields() {
  using S = InputSettings;
  return {
      listen_field().of({udp, tcp, tls, relp, http}).required(),
      field::path("path", &S::path, PathCheck::none, "The folder, file or socket to read.")
          .of({unix_socket, directory, InputType::file})
          .required(),
      field::choice("framing", &S::framing, framings(),
                    "How the stream is cut into lines; auto tells line feeds and octet counting (RFC 6587) apart.")
          .of({tcp, tls, unix_socket}),
      field::size(
          "max_message", &S::max_message, {480, 64 * kMiB},
          "Of one piece; longer ones are kept in pieces of this length, flagged oversize, never thrown away."),
      zone("timezone", &S::timezone, "Of stamps without a zone: UTC, an IANA name or an offset such as \"+02:00\"."),
      zone("agent_timezone", &S::agent_timezone, "Of agent lines without a zone of their own."),
      field::number("max_connections", &S::max_connections, {1, 1'000'000},
                    "In all; further ones are refused, counted.")
          .of({tcp, tls, relp, http, unix_socket}),
      field::number("max_connections_per_peer", &S::max_connections_per_peer, {1, 1'000'000}, "From one address.")
          .of({tcp, tls, relp, http}),
      field::optional_block("rate_limit", &S::rate_limit, rate_limit_fields(),
                            "For each peer; streams are slowed down, only datagrams are refused. Off unless set.")
          .of({udp, tcp, tls, relp, http})
          .example("{ events: 50000, per: 1s, burst: 100000 }"),
      ranges("allow", &S::allow, "Peers that may send; all unless set.")
          .of({udp, tcp, tls, relp, http})
          .example("[\"10.0.0.0/8\", \"::1\"]"),
      field::size("receive_buffer", &S::receive_buffer, {4 * kKiB, 1 * kGiB},
                  "SO_RCVBUF to ask for; what the kernel granted is logged and exported.")
          .of({udp}),
      field::choice("proxy_protocol", &S::proxy_protocol, proxy_protocols(),
                    "accept: versions 1 and 2, only from `proxy_trusted`; `allow` then means the proxied address.")
          .of({tcp, tls, relp, http}),
      ranges("proxy_trusted", &S::proxy_trusted, "Proxies that may say whom they speak for.")
          .of({tcp, tls, relp, http})
          .example("[\"10.0.0.5\"]")
          .not_built(),
      field::choice("trust", &S::trust, trusts(),
                    "thorlogd: the peers are thorlogds; their part markers, detections and hop counts are honoured."),
      field::yes_no("split", &S::split, "Several complete headers in one datagram are several records.").of({udp}),
      field::path("token_file", &S::token_file, PathCheck::file, "The bearer tokens that may post.")
          .of({http})
          .not_built(),
      field::optional_block("tls", &S::tls, tls_fields(),
                            "The certificate of this side, and what is asked of the other.")
          .of({tls, relp, http})
          .example("{ certificate: /etc/thorlogd/tls.pem, key: /etc/thorlogd/tls.key }"),
      field::kafka_brokers(&S::brokers).of({kafka}).required(),
      field::kafka_topic(&S::topic, "The topic to read.").of({kafka}).required(),
      partitions_field().of({kafka}).example("[0, 1]"),
      field::kafka_settings(&S::settings, KafkaRole::consumer,
                            "Further settings of librdkafka; group.id is where offsets are committed to.")
          .of({kafka}),
  };
}

}  // namespace

const Choices<InputType>& input_types() {
  static const Choices<InputType> kTypes = {
      {"udp", udp},
      {"tcp", tcp},
      {"tls", tls},
      {"relp", relp},
      {"http", http, false},
      {"unix", unix_socket, false},
      {"directory", directory, false},
      {"file", InputType::file, false},
      {"kafka", kafka},
      {"stdin", standard_input, false},
  };
  return kTypes;
}

const Fields<InputSettings>& input_fields() {
  static const Fields<InputSettings> kFields = make_fields();
  return kFields;
}

void complete_input(InputSettings& input) {
  if (input.rate_limit && input.rate_limit->burst == 0) input.rate_limit->burst = 2 * input.rate_limit->events;
}

}  // namespace thorlog
