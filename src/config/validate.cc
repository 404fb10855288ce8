#include "config/validate.h"

#include <fmt/format.h>

#include "config/tables.h"
#include "config/web_url.h"

namespace thorlog {
namespace {

// Where `key` of the part NAME in `section` is written; the part's own place when it is not.
Place place_of(const YamlNode& root, std::string_view section, std::string_view name, std::string_view key) {
  const YamlEntry* parts = root.find(section);
  const YamlEntry* part = parts == nullptr ? nullptr : parts->value.find(name);
  if (part == nullptr) return parts == nullptr ? Place{} : parts->place;
  const YamlEntry* value = part->value.find(key);
  return value == nullptr ? part->place : value->value.place;
}

bool is_datagram(const InputSettings& input) { return input.type == InputType::udp; }

bool is_any(std::string_view host) { return host == "0.0.0.0" || host == "::"; }

// Would the second bind() fail, or share datagrams? IPv4 and IPv6 sockets stay apart.
bool collide(const ListenAddress& a, const ListenAddress& b) {
  if (a.is_passed() || b.is_passed()) return a.is_passed() && b.is_passed() && a.passed == b.passed;
  if (!a.is_set() || !b.is_set() || a.port != b.port || a.is_ipv6() != b.is_ipv6()) return false;
  return a.host == b.host || is_any(a.host) || is_any(b.host);
}

void check_listeners(Reader& reader, const YamlNode& root, const Settings& settings) {
  const auto& inputs = settings.inputs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& input = inputs[i];
    for (std::size_t j = 0; j < i; ++j) {
      const bool same_kind = is_datagram(input) == is_datagram(inputs[j]);
      if (same_kind && collide(input.listen, inputs[j].listen))
        reader.error(place_of(root, "inputs", input.name, "listen"),
                     fmt::format("inputs '{}' and '{}' are on one address ({}): give each its own", inputs[j].name,
                                 input.name, input.listen.text()));
    }
    if (!is_datagram(input) && collide(input.listen, settings.admin.listen))
      reader.error(place_of(root, "inputs", input.name, "listen"),
                   fmt::format("input '{}' is on the address of 'admin' ({}): give each its own", input.name,
                               settings.admin.listen.text()));
  }
}

// What a server's TLS needs; whether the files hold it is seen when they are loaded.
void check_tls(Reader& reader, const YamlNode& root, const InputSettings& input) {
  const auto refuse = [&](std::string_view what) {
    reader.error(place_of(root, "inputs", input.name, "tls"), fmt::format("input '{}': {}", input.name, what));
  };
  if (input.type == InputType::tls && !input.tls)
    return refuse("'tls' is missing: name a certificate and its key, 'tls: { certificate: F, key: F }'");
  if (!input.tls) return;
  if (input.tls->certificate.empty() || input.tls->key.empty()) refuse("'tls' needs 'certificate' and 'key'");
  if (input.tls->client_auth != ClientAuth::none && input.tls->ca.empty())
    refuse("'client_auth' needs 'ca': the authorities that clients' certificates are checked by");
}

// An output that feeds an own input would send each line round for ever. Names are not asked for: only what is
// plainly this machine is refused, the hop count stops the rest.
bool reaches(const TargetAddress& target, const InputSettings& input) {
  if (input.listen.is_passed() || !input.listen.is_set() || input.listen.port != target.port) return false;
  if ((target.transport == Transport::udp) != is_datagram(input)) return false;
  const bool to_loopback = target.host == "localhost" || ListenAddress{target.host, 1, {}}.is_loopback();
  return target.host == input.listen.host || is_any(target.host) ||
         (to_loopback && (is_any(input.listen.host) || input.listen.is_loopback()));
}

// A webhook that posts to an own http input, or to the admin interface.
void check_webhook_loop(Reader& reader, const YamlNode& root, const Settings& settings,
                        const OutputSettings& output) {
  const auto url = parse_web_url(output.url);
  if (!url) return;  // told already
  const auto refuse = [&](std::string_view what) {
    reader.error(place_of(root, "outputs", output.name, "url"),
                 fmt::format("output '{}' would post to this daemon's own {}: send it elsewhere", output.name, what));
  };
  const TargetAddress target{Transport::tcp, url->host, url->port};
  InputSettings admin;
  admin.type = InputType::http;
  admin.listen = settings.admin.listen;
  if (reaches(target, admin)) refuse("'admin'");
  for (const auto& input : settings.inputs)
    if (input.type == InputType::http && reaches(target, input)) refuse(fmt::format("input '{}'", input.name));
}

void check_loops(Reader& reader, const YamlNode& root, const Settings& settings) {
  for (const auto& output : settings.outputs)
    if (output.type == OutputType::webhook) check_webhook_loop(reader, root, settings, output);
  for (const auto& output : settings.outputs)
    for (const auto& target : output.addresses)
      for (const auto& input : settings.inputs)
        if (reaches(target, input))
          reader.error(place_of(root, "outputs", output.name, "address"),
                       fmt::format("output '{}' would send to this daemon's own input '{}': send it elsewhere",
                                   output.name, input.name));
}

void check_files(Reader& reader, const YamlNode& root, const Settings& settings) {
  const auto& outputs = settings.outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!outputs[i].path.empty() && outputs[i].path == outputs[j].path)
        reader.error(place_of(root, "outputs", outputs[i].name, "path"),
                     fmt::format("outputs '{}' and '{}' write to one file: give each its own", outputs[j].name,
                                 outputs[i].name));
}

void check_input_names(Reader& reader, const YamlNode& root, const Settings& settings, const MatchKeys& keys,
                       const OutputSettings& output) {
  const YamlEntry* inputs = root.find("inputs");
  for (const auto& name : keys.inputs) {
    if (name == "internal") continue;
    if (inputs != nullptr && inputs->value.find(name) != nullptr) continue;
    std::vector<std::string_view> known;
    for (const auto& input : settings.inputs) known.push_back(input.name);
    known.push_back("internal");
    reader.unknown(place_of(root, "outputs", output.name, "match"), "input", name, known,
                   fmt::format(" in 'match' of output '{}'", output.name));
  }
}

void check_timers(Reader& reader, const YamlNode& root, const ScanSettings& scans) {
  const YamlEntry* section = root.find("scans");
  if (section == nullptr || scans.silence_lost > scans.silence_suspect) return;
  const YamlEntry* lost = section->value.find("silence_lost");
  if (lost == nullptr) lost = section->value.find("silence_suspect");
  if (lost != nullptr)
    reader.error(lost->value.place,
                 fmt::format("'silence_lost' ({}) must be longer than 'silence_suspect' ({})",
                             duration_text(scans.silence_lost), duration_text(scans.silence_suspect)));
}

}  // namespace

void check_together(Reader& reader, const YamlNode& root, const Settings& settings) {
  check_listeners(reader, root, settings);
  for (const auto& input : settings.inputs) check_tls(reader, root, input);
  check_loops(reader, root, settings);
  check_files(reader, root, settings);
  for (const auto& output : settings.outputs) {
    for (const auto& entry : output.match) {
      check_input_names(reader, root, settings, entry.wanted, output);
      for (const auto& keys : entry.excluded) check_input_names(reader, root, settings, keys, output);
    }
  }
  check_timers(reader, root, settings.scans);
}

}  // namespace thorlog
