#include <fmt/format.h>

#include "config/tables.h"

namespace thorlog {
namespace {

const Choices<Durability>& durabilities() {
  static const Choices<Durability> kDurabilities = {{"os", Durability::os}, {"disk", Durability::disk}};
  return kDurabilities;
}

const Choices<Multiline>& multilines() {
  static const Choices<Multiline> kMultilines = {{"auto", Multiline::automatic}, {"off", Multiline::off}};
  return kMultilines;
}

const Choices<LogFormat>& log_formats() {
  static const Choices<LogFormat> kFormats = {{"text", LogFormat::text}, {"json", LogFormat::json}};
  return kFormats;
}

Field<ReassemblySettings> cut_sizes_field() {
  constexpr SizeRange kRange{256, 64 * kMiB};
  return {.key = "cut_sizes",
          .type = "list of sizes",
          .help = "Lengths at which relays are known to cut lines, besides those that thorlogd knows itself.",
          .read =
              [=](Reader& reader, const YamlNode& node, ReassemblySettings& to) {
                const auto read_one = [&](const YamlNode& item) {
                  std::uint64_t bytes = 0;
                  if (read_size(reader, item, "cut_sizes", kRange, bytes))
                    to.cut_sizes.push_back(static_cast<std::uint32_t>(bytes));
                };
                if (!node.is(YamlNode::Kind::list)) return read_one(node);
                for (const auto& item : node.items) read_one(item);
              },
          .show = [](const ReassemblySettings&) { return std::string("[]"); }};
}

const Fields<ReassemblySettings>& reassembly_fields() {
  using S = ReassemblySettings;
  static const Fields<S> kFields = {
      field::size("max_message", &S::max_message, {480, 256 * kMiB}, "Of a line put together from pieces."),
      field::size("budget", &S::budget, {1 * kMiB, kGiB * 1024},
                  "Memory for all pieces that wait, a quarter of it at most for one peer."),
      field::duration("timeout", &S::timeout, {1ms, 1h},
                      "A line that may have been cut waits this long after its last piece, three times that in all."),
      cut_sizes_field(),
      field::yes_no("learn", &S::learn, "Learn the lengths at which a stream cuts lines."),
      field::choice("multiline", &S::multiline, multilines(),
                    "auto: what follows in the same read and starts no line belongs to the line before."),
  };
  return kFields;
}

const Fields<IdentitySettings>& identity_fields() {
  using S = IdentitySettings;
  static const Fields<S> kFields = {
      field::path("assets", &S::assets, PathCheck::file,
                  "CSV with the columns asset_id,hostname[,fqdn][,ip]; read again when it changes.")
          .example("/etc/thorlogd/assets.csv"),
      field::yes_no("short_hostname", &S::short_hostname, "A host is its name before the first dot, lower case."),
      field::pairs("group_prefixes", &S::group_prefixes, "pairs", "Prefix of a scan id to group id.")
          .example("{ \"IR-2026-\": \"incident-2026\" }"),
      field::path("groups", &S::groups, PathCheck::file,
                  "CSV with the columns scan_id,group_id; read again when it changes.")
          .example("/etc/thorlogd/groups.csv"),
  };
  return kFields;
}

Field<JournalSettings> partitions_field() {
  auto made = field::number("partitions", &JournalSettings::partitions, {1, 64},
                            "Independent parts of the journal; only 1 is built yet.");
  made.read = [](Reader& reader, const YamlNode& node, JournalSettings& to) {
    const auto value = reader.scalar(node, "partitions", "a number");
    std::uint64_t number = 0;
    if (!value || !read_number(reader, *value, "partitions", {1, 64}, number)) return;
    if (number > 1) reader.error(value->place, "more than one journal partition is not built yet: use 1");
    to.partitions = 1;
  };
  return made;
}

const Fields<JournalSettings>& journal_fields() {
  using S = JournalSettings;
  static const Fields<S> kFields = {
      field::size("segment", &S::segment, {64 * kKiB, 4 * kGiB},
                  "Length of one file; a quarter of `max_size` at most is used."),
      field::size("max_size", &S::max_size, {1 * kMiB, kGiB * 1024 * 1024},
                  "Of all files. When it is full, outputs with drop_oldest lose their oldest; then inputs pause."),
      field::choice("durability", &S::durability, durabilities(),
                    "os: survives a crash of thorlogd. disk: what is acknowledged survives a power cut."),
      field::duration("retain", &S::retain, {1s, 3650 * 24h, true},
                      "What every output has sent is kept at least this long for replay, while there is room."),
      partitions_field(),
  };
  return kFields;
}

const Fields<DeadLetterSettings>& dead_letter_fields() {
  using S = DeadLetterSettings;
  static const Fields<S> kFields = {
      field::size("max_size", &S::max_size, {64 * kKiB, kGiB * 1024},
                  "For each output. When they are full, the output holds until some were retried or dropped."),
  };
  return kFields;
}

const Fields<ScanSettings>& scan_fields() {
  using S = ScanSettings;
  constexpr TimeRange kTimer{1ms, 3650 * 24h};
  static const Fields<S> kFields = {
      field::yes_no("enabled", &S::enabled, "Watch scans and tell of those that died."),
      field::number("max_scans", &S::max_scans, {1, 10'000'000}, "Open scans in all."),
      field::number("max_scans_per_peer", &S::max_scans_per_peer, {1, 10'000'000}, "Open scans of one peer."),
      field::duration("keep", &S::keep, kTimer, "Closed scans are forgotten after this long."),
      field::duration("silence_suspect", &S::silence_suspect, kTimer,
                      "A scan that says nothing for so long is suspect."),
      field::duration("silence_lost", &S::silence_lost, kTimer, "And lost after this long."),
      field::duration("interrupt_grace", &S::interrupt_grace, kTimer,
                      "An interrupted scan may take this long to end."),
      field::duration("start_merge", &S::start_merge, kTimer, "Start lines within this time are one start."),
      field::duration("resume_window", &S::resume_window, kTimer,
                      "An interrupted scan may be resumed for this long."),
      field::number("max_resumes", &S::max_resumes, {0, 1'000}, "A scan that was resumed this often is exhausted."),
      field::duration("asset_silent", &S::asset_silent, kTimer,
                      "A known asset without any line for so long is told of."),
      field::path("rules", &S::rules, PathCheck::folder,
                  "The folder of rules of your own; it may be missing where not set."),
  };
  return kFields;
}

Field<AdminSettings> admin_listen_field() {
  return {.key = "listen",
          .type = "loopback address, or off",
          .help = "HTTP for metrics, health and the API; read-only.",
          .read =
              [](Reader& reader, const YamlNode& node, AdminSettings& to) {
                const auto value = reader.scalar(node, "listen", "an address such as \"127.0.0.1:8514\"");
                if (!value) return;
                if (value->text == "off") {
                  to.listen = {};
                  return;
                }
                auto address = parse_listen_address(value->text);
                if (!address) return reader.error(value->place, address.error().doing);
                if (!address->is_loopback())
                  return reader.error(
                      value->place,
                      fmt::format("'{}' is not loopback, and needs `tls` and `token_file`, which are not "
                                  "built yet: use \"127.0.0.1:8514\"",
                                  value->text));
                to.listen = *std::move(address);
              },
          .show = [](const AdminSettings& from) { return yaml_scalar(from.listen.text()); }};
}

Field<AdminSettings> admin_socket_field() {
  constexpr std::size_t kMaxSocketPath = 107;  // unix(7): sun_path
  auto made = field::path("socket", &AdminSettings::socket, PathCheck::none,
                          "The unix socket of thorlogctl; root and the daemon's own user may operate. Or off.");
  made.type = "path, or off";
  made.read = [=](Reader& reader, const YamlNode& node, AdminSettings& to) {
    if (!read_text(reader, node, "socket", to.socket)) return;
    if (to.socket == "off") to.socket.clear();
    if (to.socket.size() > kMaxSocketPath)
      reader.error(node.place, fmt::format("a socket's path may have {} bytes, this one has {}: use a shorter one",
                                           kMaxSocketPath, to.socket.size()));
  };
  return made;
}

const Fields<AdminSettings>& admin_fields() {
  using S = AdminSettings;
  static const Fields<S> kFields = {
      admin_listen_field(),
      admin_socket_field(),
      field::path("token_file", &S::token_file, PathCheck::file, "Tokens and their roles.").not_built(),
      field::optional_block("tls", &S::tls, tls_fields(), "TLS for `listen`.").not_built(),
  };
  return kFields;
}

const Fields<LogSettings>& log_fields() {
  using S = LogSettings;
  static const Fields<S> kFields = {
      field::choice("level", &S::level, log_levels(), "The least level that is logged."),
      field::choice("format", &S::format, log_formats(), "Of the lines on standard error."),
  };
  return kFields;
}

Field<Settings> workers_field() {
  return {.key = "workers",
          .type = "auto, or a number, 1 to 64",
          .help = "Pipeline workers; auto is one less than there are cores, at least 1, at most 8.",
          .read =
              [](Reader& reader, const YamlNode& node, Settings& to) {
                const auto value = reader.scalar(node, "workers", "auto or a number");
                if (!value) return;
                std::uint64_t number = 0;
                if (value->text == "auto")
                  to.workers = 0;
                else if (!parse_number(value->text))
                  reader.error(value->place, fmt::format("'{}' must be auto or a number from 1 to 64", "workers"));
                else if (read_number(reader, *value, "workers", {1, 64}, number))
                  to.workers = static_cast<std::uint32_t>(number);
              },
          .show = [](const Settings& from) { return from.workers == 0 ? "auto" : fmt::format("{}", from.workers); }};
}

}  // namespace

const Choices<Severity>& log_levels() {
  static const Choices<Severity> kLevels = {{"debug", Severity::debug},
                                            {"info", Severity::info},
                                            {"notice", Severity::notice},
                                            {"warning", Severity::warning},
                                            {"error", Severity::error}};
  return kLevels;
}

const Fields<TlsSettings>& tls_fields() {
  using S = TlsSettings;
  static const Choices<ClientAuth> kClientAuths = {
      {"none", ClientAuth::none}, {"request", ClientAuth::request}, {"require", ClientAuth::require}};
  static const Choices<TlsVersion> kVersions = {{"1.2", TlsVersion::v1_2}, {"1.3", TlsVersion::v1_3}};
  static const Fields<S> kFields = {
      field::path("certificate", &S::certificate, PathCheck::file, "PEM file of the certificate and its chain."),
      field::path("key", &S::key, PathCheck::file, "PEM file of its key."),
      field::path("ca", &S::ca, PathCheck::file,
                  "PEM file of the authorities that the other side's certificate is checked by."),
      field::choice("client_auth", &S::client_auth, kClientAuths, "Whether clients need a certificate."),
      field::choice("min_version", &S::min_version, kVersions, "The oldest TLS that is spoken."),
  };
  return kFields;
}

const Fields<Settings>& settings_fields() {
  using S = Settings;
  static const Fields<S> kFields = {
      field::path("state_directory", &S::state_directory, PathCheck::none,
                  "The journal, cursors and dead letters. One daemon at a time."),
      workers_field(),
      field::block("reassembly", &S::reassembly, reassembly_fields(), "Putting cut lines back together."),
      field::block("identity", &S::identity, identity_fields(), "Which asset and which group a line belongs to."),
      field::block("journal", &S::journal, journal_fields(), "What thorlogd has promised to remember."),
      field::block("dead_letters", &S::dead_letters, dead_letter_fields(),
                   "What a target has refused for good: kept whole, see thorlogctl dead-letter."),
      field::block("scans", &S::scans, scan_fields(), "The watch over scans (docs/scans.md)."),
      field::block("admin", &S::admin, admin_fields(), "How thorlogd is asked and operated."),
      field::block("log", &S::log, log_fields(), "The daemon's own log, on standard error."),
  };
  return kFields;
}

}  // namespace thorlog
