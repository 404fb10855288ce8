// `thorlogd --check`: what would run and what it promises, in words that hold (design.md, "Promises, honestly
// worded").
#include <fmt/format.h>

#include <iterator>
#include <thread>

#include "config/report.h"
#include "config/tables.h"

namespace thorlog {
namespace {

using Out = std::back_insert_iterator<std::string>;

std::string joined(const std::vector<std::string>& words) {
  return one_of(std::vector<std::string_view>(words.begin(), words.end()));
}

std::string joined_ranges(const std::vector<AddressRange>& ranges) {
  std::string text;
  for (const auto& range : ranges) text += (text.empty() ? "" : ", ") + range.text();
  return text;
}

template <class NameOf>
std::string bit_names(std::uint32_t bits, int count, NameOf name) {
  std::vector<std::string_view> names;
  for (int i = 0; i < count; ++i)
    if ((bits >> i & 1U) != 0) names.push_back(name(i));
  return one_of(names);
}

// "level warning or alert, module Filescan": what an entry of a match list expands to.
std::string keys_text(const MatchKeys& keys) {
  std::string text;
  const auto add = [&](std::string_view key, const std::string& values) {
    if (!values.empty()) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, values);
  };
  constexpr int kKinds = static_cast<int>(Kind::life) + 1, kLevels = static_cast<int>(Level::alert) + 1;
  add("kind", bit_names(keys.kinds, kKinds, [](int i) { return name_of(static_cast<Kind>(i)); }));
  add("level", bit_names(keys.levels, kLevels, [](int i) { return name_of(static_cast<Level>(i)); }));
  add("module", joined(keys.modules));
  add("asset", joined(keys.assets));
  add("host", joined(keys.hosts));
  add("scan_id", joined(keys.scan_ids));
  add("group_id", joined(keys.group_ids));
  add("input", joined(keys.inputs));
  add("flags", bit_names(keys.flags, flag::count, flag_name));
  add("type", joined(keys.types));
  for (const auto& pattern : keys.message_regex) add("message like", pattern);
  for (const auto& pattern : keys.raw_regex) add("line like", pattern);
  return text;
}

void say_match(Out out, const std::vector<MatchEntry>& match) {
  if (match.empty()) fmt::format_to(out, "  gets:        everything\n");
  bool first = true;
  for (const auto& entry : match) {
    const std::string wanted = keys_text(entry.wanted);
    fmt::format_to(out, "  {} {}", first ? "gets:       " : "or:         ", wanted.empty() ? "everything" : wanted);
    for (const auto& keys : entry.excluded) fmt::format_to(out, ", but not ({})", keys_text(keys));
    fmt::format_to(out, "\n");
    first = false;
  }
}

void say_input_limits(Out out, const InputSettings& input) {
  fmt::format_to(out, "  lines:       longer than {} are kept in pieces, flagged oversize\n",
                 size_text(input.max_message));
  if (!input.allow.empty())
    fmt::format_to(out, "  peers:       {}; others are refused, counted\n", joined_ranges(input.allow));
  if (input.rate_limit)
    fmt::format_to(out, "  rate:        {} events in {} from one peer, {} at once; above it {}\n",
                   input.rate_limit->events, duration_text(input.rate_limit->per), input.rate_limit->burst,
                   input.type == InputType::udp ? "datagrams are refused, counted" : "the connection is read slower");
  if (input.trust == Trust::thorlogd)
    fmt::format_to(
        out,
        "  trust:       part markers, detections and hop counts of its peers are believed: its peers must be "
        "thorlogds\n");
}

std::string_view lowest_version(const TlsSettings& tls) {
  return tls.min_version == TlsVersion::v1_3 ? "1.3" : "1.2";
}

void say_input_tls(Out out, const TlsSettings& tls) {
  fmt::format_to(out, "  tls:         {} and above; {}\n", lowest_version(tls),
                 tls.client_auth == ClientAuth::none      ? "clients need no certificate"
                 : tls.client_auth == ClientAuth::request ? "a client's certificate is verified if it has one"
                                                          : "clients need a certificate of the authorities in `ca`");
}

void say_kafka_input(Out out, const InputSettings& input) {
  std::string partitions;
  for (const std::uint32_t number : input.partitions) partitions += fmt::format(" {}", number);
  fmt::format_to(
      out,
      "\ninput {}: kafka, topic {} at {}, partitions {}\n"
      "  promise:     each record at least once; each record of a thorlogd once, also over a crash, while its "
      "place is in\n"
      "               the journal. Offsets are committed when their records are as durable as configured\n"
      "  loss window: none, as long as the topic keeps what was not read yet\n",
      input.name, input.topic, joined(input.brokers), partitions.empty() ? "all" : partitions.substr(1));
}

void say_input(Out out, const InputSettings& input) {
  if (input.type == InputType::kafka) return say_kafka_input(out, input), say_input_limits(out, input);
  fmt::format_to(out, "\ninput {}: {} on {}\n", input.name, name_of(input.type), input.listen.text());
  if (input.type == InputType::udp) {
    fmt::format_to(
        out,
        "  promise:     what the kernel dropped is counted, and what was refused while the journal was full;\n"
        "               what the network lost before this machine, nobody can see\n"
        "  loss window: when thorlogd dies: what lies in the receive buffer ({} asked for) and what was read but\n"
        "               not yet stored, some milliseconds\n",
        size_text(input.receive_buffer));
  } else if (input.type == InputType::relp) {
    fmt::format_to(out,
                   "  promise:     each line is acknowledged when it is as durable as the journal's durability says, "
                   "and reaches\n"
                   "               each output at least once; what is not acknowledged the sender sends again\n"
                   "  loss window: none but the journal's own, for senders that keep what is not acknowledged\n"
                   "  connections: {} in all, {} from one address\n",
                   input.max_connections, input.max_connections_per_peer);
  } else {
    fmt::format_to(
        out,
        "  promise:     nothing that was read is lost silently; while the journal is full, reading pauses. {}\n"
        "               acknowledges nothing, so senders can't know what arrived\n"
        "  loss window: when either side dies: what was in flight, what lies in the receive buffers, and what was\n"
        "               read but not yet stored, some milliseconds\n"
        "  connections: {} in all, {} from one address; a long line closes none\n",
        input.tls ? "Syslog over TLS" : "Plain TCP", input.max_connections, input.max_connections_per_peer);
  }
  if (input.tls) say_input_tls(out, *input.tls);
  say_input_limits(out, input);
}

std::string escaping_text(const OutputSettings& output, bool is_lines) {
  if (!is_lines) return "exact bytes over octet counting";
  if (output.format == OutputFormat::json)
    return "LF framing: JSON escapes; bytes that are no UTF-8 also as raw_base64";
  if (output.format == OutputFormat::cef) return "LF framing: CEF escapes";
  return "LF framing: control characters and backslash as \\xHH (reversible)";
}

void say_stream_promise(Out out, const OutputSettings& output, Transport transport) {
  if (transport == Transport::relp || transport == Transport::relps) {
    fmt::format_to(
        out,
        "  promise:     each record until the target has answered for it (RELP), at least once: what waited for its\n"
        "               answer when either side dies is sent again\n"
        "  loss window: none, as long as the target keeps what it answers for\n"
        "  escaping:    exact bytes\n");
    return;
  }
  fmt::format_to(
      out,
      "  promise:     sent from the journal until the target's kernel has it; after a break again from the last\n"
      "               byte that was acknowledged, so the target may get some lines twice\n"
      "  loss window: what the target's kernel acknowledged but its program never read, when that is more than 2s\n"
      "               old; resets are counted in possibly_lost. Use relp:// or relps:// where the target can\n"
      "  escaping:    {}\n",
      escaping_text(output, output.framing == Framing::lf));
}

void say_output_tls(Out out, const OutputSettings& output) {
  const TlsSettings tls = output.tls.value_or(TlsSettings{});
  fmt::format_to(
      out,
      "  TLS:         {} or newer; the certificate must be for the host of the address, of an authority of {}{}\n",
      lowest_version(tls), tls.ca.empty() ? "the system" : tls.ca,
      tls.certificate.empty() ? "" : "; ours: " + tls.certificate);
}

void say_syslog(Out out, const OutputSettings& output) {
  const Transport transport = output.addresses.empty() ? Transport::tcp : output.addresses[0].transport;
  std::string target;
  for (const auto& address : output.addresses) target += (target.empty() ? "" : ", ") + address.text();
  fmt::format_to(out, "\noutput {}: syslog to {}, format {}\n", output.name, target, name_of(output.format));
  if (transport == Transport::udp) {
    fmt::format_to(
        out,
        "  promise:     each line is sent once; what is lost on the way is not seen\n"
        "  loss window: all of it: UDP acknowledges nothing. Use relp:// or tcp:// where lines matter\n"
        "  escaping:    exact bytes, one datagram for a line; one that fits no datagram is dropped, counted\n");
    return;
  }
  say_stream_promise(out, output, transport);
  if (transport == Transport::tls || transport == Transport::relps) say_output_tls(out, output);
  if (output.addresses.size() > 1)
    fmt::format_to(out, "  pool:        the first that answers; {}\n",
                   output.fail_back.count() == 0
                       ? "earlier ones again after a break only"
                       : fmt::format("earlier ones are tried each {} and gone back to between two batches",
                                     duration_text(output.fail_back)));
  if (output.max_length > 0)
    fmt::format_to(out, "  long lines:  above {} leave as numbered parts; a thorlogd that trusts us joins them\n",
                   size_text(output.max_length));
}

void say_file(Out out, const OutputSettings& output, Durability durability) {
  fmt::format_to(
      out,
      "\noutput {}: file {}, format {}\n"
      "  promise:     written from the journal, in order; after a crash from the last saved place, so the file may\n"
      "               hold some lines twice\n"
      "  loss window: {}\n"
      "  escaping:    {}\n",
      output.name, output.path, name_of(output.format),
      durability == Durability::disk
          ? "none: lines count as written when they are synced"
          : "none when thorlogd dies; a power cut loses what the system had not yet written, 30s or so",
      escaping_text(output, true));
  if (output.rotate)
    fmt::format_to(out, "  rotation:    at {}, {} kept{}\n", size_text(output.rotate->size), output.rotate->keep,
                   output.rotate->compress == Compression::gzip ? ", gzip" : "");
  else
    fmt::format_to(out, "  rotation:    none, the file grows\n");
}

void say_kafka(Out out, const OutputSettings& output) {
  std::string brokers;
  for (const auto& broker : output.brokers) brokers += (brokers.empty() ? "" : ", ") + broker;
  fmt::format_to(
      out,
      "\noutput {}: kafka, topic {} at {}, format {}, key {}\n"
      "  promise:     each record until all in-sync copies of the topic have it (acks=all), in order for each key, "
      "once;\n"
      "               when thorlogd itself dies, or is stopped while a broker owes an answer, what was under way "
      "goes\n"
      "               again: headers journal_id and id tell\n"
      "  loss window: none, as long as the topic keeps its in-sync copies\n"
      "  escaping:    {}\n"
      "  refused:     a record that the broker finds too large or invalid leaves alone, the others go on\n",
      output.name, output.topic, brokers, name_of(output.format),
      output.key == KafkaKey::host      ? "host"
      : output.key == KafkaKey::scan_id ? "scan_id"
                                        : "none",
      output.format == OutputFormat::json  ? "JSON escapes; bytes that are no UTF-8 also as raw_base64"
      : output.format == OutputFormat::cef ? "CEF escapes"
                                           : "exact bytes");
  for (const auto& [name, value] : output.settings) {
    const bool secret = name.find("password") != std::string::npos || name.find("secret") != std::string::npos ||
                        name.ends_with(".pem");
    fmt::format_to(out, "  librdkafka:  {} = {}\n", name, secret ? "(not shown)" : value);
  }
}

void say_output(Out out, const OutputSettings& output, Durability durability) {
  if (output.type == OutputType::syslog) say_syslog(out, output);
  if (output.type == OutputType::file) say_file(out, output, durability);
  if (output.type == OutputType::webhook) fmt::format_to(out, "{}", webhook_report(output));
  if (output.type == OutputType::kafka) say_kafka(out, output);
  say_match(out, output.match);
  fmt::format_to(out, "  when full:   {}\n",
                 output.on_full == OnFull::block
                     ? "block: a full journal that waits for this output makes the inputs wait"
                     : "drop_oldest: a full journal drops what is oldest for it, counted");
  if (output.max_event > 0)
    fmt::format_to(out,
                   "  max_event:   lines above {} are parked whole in the dead letters; a shortened one is sent\n",
                   size_text(output.max_event));
  if (output.max_lag.count() > 0)
    fmt::format_to(out, "  max_lag:     records older than {} are dropped for it, counted\n",
                   duration_text(output.max_lag));
  fmt::format_to(
      out, "  when new:    begins {}\n",
      output.start == StartAt::now ? "with what comes from now on" : "with the oldest record of the journal");
}

void say_journal(Out out, const Settings& settings) {
  const auto& journal = settings.journal;
  fmt::format_to(out, "state: {}\nworkers: {}{}\n", settings.state_directory,
                 worker_count(settings, std::thread::hardware_concurrency()), settings.workers == 0 ? " (auto)" : "");
  fmt::format_to(out, "journal: up to {} in segments of {}, durability {}; what all outputs have sent is kept {}\n",
                 size_text(journal.max_size), size_text(journal.segment_bytes()),
                 journal.durability == Durability::os ? "os" : "disk", duration_text(journal.retain));
  if (journal.durability == Durability::os)
    fmt::format_to(
        out,
        "  promise:     what is stored survives the end of thorlogd, kill -9 too\n"
        "  loss window: a power cut or a crash of the system loses what the kernel had not written, 30s or so\n");
  else
    fmt::format_to(
        out,
        "  promise:     what is stored is synced before anything counts it as durable; survives a power cut\n"
        "  loss window: what was not yet synced, some milliseconds\n");
}

void say_notes(Out out, const Settings& settings) {
  const auto note = [&](std::string_view text) { fmt::format_to(out, "note: {}\n", text); };
  fmt::format_to(out, "\n");
  if (settings.inputs.empty()) note("there is no input: nothing will be received");
  if (settings.outputs.empty()) note("there is no output: lines stay in the journal and go when `retain` is over");
  if (settings.reassembly.max_message > settings.reassembly.budget / 4)
    note(fmt::format(
        "reassembly: one peer may hold a quarter of the budget, so lines longer than {} come out in pieces",
        size_text(settings.reassembly.budget / 4)));
  if (settings.journal.segment_bytes() != settings.journal.segment)
    note(fmt::format("journal: segments of {} are used instead of {}, a quarter of max_size",
                     size_text(settings.journal.segment_bytes()), size_text(settings.journal.segment)));
}

}  // namespace

std::string check_report(const Settings& settings) {
  std::string text;
  const Out out(text);
  say_journal(out, settings);
  for (const auto& input : settings.inputs) say_input(out, input);
  for (const auto& output : settings.outputs) say_output(out, output, settings.journal.durability);
  say_notes(out, settings);
  return text;
}

}  // namespace thorlog
