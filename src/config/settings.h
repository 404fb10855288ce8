// The settings of a thorlogd: its configuration, checked, as plain values. Made by load.h, then never changed; any
// thread may read. Sizes are bytes, durations nanoseconds. The initialisers are the defaults, and nowhere else.
// Names, meaning and units of the keys: the contract, "Configuration"; docs/manual.md lists every one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/durability.h"
#include "base/log.h"
#include "config/address.h"
#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {

using namespace std::chrono_literals;
using Nanoseconds = std::chrono::nanoseconds;

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// Where something is written in the configuration file, from 1; 0: nowhere, it is a default.
struct Place {
  int line = 0;
  int column = 0;
  bool operator==(const Place&) const { return true; }  // moving a block about in the file is no change
};

enum class ClientAuth : std::uint8_t { none, request, require };
enum class TlsVersion : std::uint8_t { v1_2, v1_3 };
struct TlsSettings {
  std::string certificate;  // PEM files
  std::string key;
  std::string ca;
  ClientAuth client_auth = ClientAuth::none;
  TlsVersion min_version = TlsVersion::v1_2;
  bool operator==(const TlsSettings&) const = default;
};

// For each peer: `events` in `per`, with bursts of up to `burst`.
struct RateLimit {
  std::uint64_t events = 0;
  Nanoseconds per = 1s;
  std::uint64_t burst = 0;  // 0 in the file, or not given: twice `events`; the loader fills it in
  bool operator==(const RateLimit&) const = default;
};

// For librdkafka, as written and in order.
using ExtraSettings = std::vector<std::pair<std::string, std::string>>;

enum class InputType : std::uint8_t {
  udp,
  tcp,
  tls,
  relp,
  http,
  unix_socket,
  directory,
  file,
  kafka,
  standard_input
};
enum class ProxyProtocol : std::uint8_t { off, accept };
enum class Trust : std::uint8_t { none, thorlogd };

struct InputSettings {
  std::string name;
  Place place;  // of the name
  InputType type = InputType::udp;
  ListenAddress listen;  // udp, tcp, tls, relp, http
  Framing framing = Framing::automatic;
  std::uint64_t max_message = 4 * kMiB;
  std::string timezone = "UTC";  // IANA name or "+hh:mm"; whether the name is known is the business of TimeZone::make
  std::string agent_timezone = "UTC";
  std::uint32_t max_connections = 10'000;
  std::uint32_t max_connections_per_peer = 1'000;
  std::optional<RateLimit> rate_limit;
  std::vector<AddressRange> allow;  // empty: all peers
  std::uint64_t receive_buffer = 32 * kMiB;
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  std::vector<AddressRange> proxy_trusted;
  Trust trust = Trust::none;
  bool split = false;
  std::string token_file;
  std::optional<TlsSettings> tls;
  std::string path;
  std::vector<std::string> brokers;
  std::string topic;
  std::vector<std::uint32_t> partitions;  // empty: all
  ExtraSettings settings;
  bool operator==(const InputSettings&) const = default;
};

enum class Multiline : std::uint8_t { automatic, off };
struct ReassemblySettings {
  std::uint64_t max_message = 16 * kMiB;  // of a joined line
  std::uint64_t budget = 256 * kMiB;
  Nanoseconds timeout = 2s;
  std::vector<std::uint32_t> cut_sizes;
  bool learn = true;
  Multiline multiline = Multiline::automatic;
  bool operator==(const ReassemblySettings&) const = default;
};

struct IdentitySettings {
  std::string assets;  // empty: none
  bool short_hostname = true;
  std::vector<std::pair<std::string, std::string>> group_prefixes;  // scan id prefix, group id
  std::string groups;                                               // empty: none
  bool operator==(const IdentitySettings&) const = default;
};

struct JournalSettings {
  std::uint64_t segment = 64 * kMiB;
  std::uint64_t max_size = 10 * kGiB;
  Durability durability = Durability::os;
  Nanoseconds retain = 24h;  // acknowledged segments are kept at least this long while there is room
  std::uint32_t partitions = 1;
  // The segment length to use: a small max_size must still hold several segments.
  std::uint64_t segment_bytes() const noexcept { return segment < max_size / 4 ? segment : max_size / 4; }
  bool operator==(const JournalSettings&) const = default;
};

struct DeadLetterSettings {
  std::uint64_t max_size = 256 * kMiB;  // for each output
  bool operator==(const DeadLetterSettings&) const = default;
};

struct ScanSettings {
  bool enabled = true;
  std::uint32_t max_scans = 200'000;
  std::uint32_t max_scans_per_peer = 2'000;
  Nanoseconds keep = 90 * 24h;
  Nanoseconds silence_suspect = 30min;
  Nanoseconds silence_lost = 6h;
  Nanoseconds interrupt_grace = 60s;
  Nanoseconds start_merge = 120s;
  Nanoseconds resume_window = 7 * 24h;
  std::uint32_t max_resumes = 5;
  Nanoseconds asset_silent = 30 * 24h;
  std::string rules = "/etc/thorlogd/rules.d";  // may be missing unless the file names it
  bool operator==(const ScanSettings&) const = default;
};

// The keys of a match entry. A record matches when every key that is given holds; a key holds when one of its values
// does. An empty list, or an empty set of bits, is a key that was not given: it holds for every record.
struct MatchKeys {
  std::uint32_t kinds = 0;   // bit 1 << Kind
  std::uint32_t levels = 0;  // bit 1 << Level; comparisons (">=warning") are expanded already; never Level::none
  std::uint32_t flags = 0;   // flag:: bits; holds when the record has one of them
  std::vector<std::string> modules;
  std::vector<std::string> assets;  // asset ids as written, or host names; compare without case
  std::vector<std::string> hosts;   // canonical host, or as the line says it; lower case
  std::vector<std::string> scan_ids;
  std::vector<std::string> group_ids;
  std::vector<std::string> inputs;
  std::vector<std::string> types;          // of a detection
  std::vector<std::string> message_regex;  // RE2, unanchored, over bytes (Latin-1), of THOR's MESSAGE; they compile
  std::vector<std::string> raw_regex;      // of the whole line

  bool has_kind(Kind kind) const noexcept { return kinds == 0 || (kinds >> static_cast<unsigned>(kind) & 1U) != 0; }
  bool has_level(Level level) const noexcept {
    return levels == 0 || (levels >> static_cast<unsigned>(level) & 1U) != 0;
  }
  bool operator==(const MatchKeys&) const = default;
};

// One entry of a match list: a record matches when `wanted` does and none of `excluded` does.
struct MatchEntry {
  Place place;
  MatchKeys wanted;
  std::vector<MatchKeys> excluded;  // the `not:` blocks; each has at least one key
  bool operator==(const MatchEntry&) const = default;
};

enum class OutputType : std::uint8_t { syslog, kafka, webhook, email, file };
enum class OutputFormat : std::uint8_t { raw, rfc5424, rfc3164, json, cef };
enum class OnFull : std::uint8_t { block, drop_oldest };
enum class StartAt : std::uint8_t { now, oldest };
enum class Compression : std::uint8_t { none, gzip };
enum class KafkaKey : std::uint8_t { host, scan_id, none };

struct RotateSettings {
  std::uint64_t size = 100 * kMiB;
  std::uint32_t keep = 10;
  Compression compress = Compression::gzip;
  bool operator==(const RotateSettings&) const = default;
};

// When more than `events` messages of one sort came within `per`, the rest of that time becomes one summary.
struct StormSettings {
  std::uint32_t events = 5;  // 0: never
  Nanoseconds per = 60s;
  bool operator==(const StormSettings&) const = default;
};

struct OutputSettings {
  std::string name;
  Place place;  // of the name
  OutputType type = OutputType::syslog;
  std::vector<MatchEntry> match;  // any of them; empty: everything (but `life` records, which reach no output)
  OutputFormat format = OutputFormat::raw;
  OnFull on_full = OnFull::block;
  StartAt start = StartAt::now;
  Nanoseconds max_lag = 0s;     // 0: none
  std::uint64_t max_event = 0;  // 0: none
  bool fields = false;          // json: the THOR fields too

  // syslog
  std::vector<TargetAddress> addresses;  // more than one is a pool: all of one transport
  Nanoseconds fail_back = 30s;           // between looks at the targets before the one in use; 0: none
  Framing framing = Framing::octet;      // octet or lf
  std::uint64_t max_length = 0;          // of a line as sent; 0: no limit

  // kafka
  std::vector<std::string> brokers;
  std::string topic;
  KafkaKey key = KafkaKey::host;
  ExtraSettings settings;

  // webhook
  std::string url;
  std::string message_template = "json";  // key `template`: json, slack, teams or a file
  ExtraSettings headers;
  std::string secret_file;
  std::uint32_t batch = 1;
  Nanoseconds timeout = 10s;
  std::uint32_t concurrency = 1;        // posts under way at once; 1 keeps the order
  std::optional<RateLimit> rate_limit;  // of posts to one host; unset: see webhook_rate()
  std::optional<StormSettings> storm;   // unset: see webhook_storm()
  std::optional<TlsSettings> tls;

  // email
  std::string smtp;
  std::string from;
  std::vector<std::string> to;
  Nanoseconds digest = 15min;

  // file
  std::string path;                      // with {asset}, {host}, {scan_id}, {group_id}, {input}, {kind}, {date}
  std::optional<RotateSettings> rotate;  // unset: the file grows
  bool operator==(const OutputSettings&) const = default;
};

struct AdminSettings {
  ListenAddress listen{"127.0.0.1", 8514, ""};      // not set: `off`
  std::string socket = "/run/thorlogd/admin.sock";  // empty: `off`
  std::string token_file;
  std::optional<TlsSettings> tls;
  bool operator==(const AdminSettings&) const = default;
};

enum class LogFormat : std::uint8_t { text, json };
struct LogSettings {
  Severity level = Severity::info;
  LogFormat format = LogFormat::text;
  bool operator==(const LogSettings&) const = default;
};

struct Settings {
  std::string state_directory = "/var/lib/thorlogd";
  std::uint32_t workers = 0;            // 0: auto, see worker_count()
  std::vector<InputSettings> inputs;    // in the order of the file
  std::vector<OutputSettings> outputs;  // likewise
  ReassemblySettings reassembly;
  IdentitySettings identity;
  JournalSettings journal;
  DeadLetterSettings dead_letters;
  ScanSettings scans;
  AdminSettings admin;
  LogSettings log;
  bool operator==(const Settings&) const = default;
};

// What `workers` means on a machine with this many cores.
std::uint32_t worker_count(const Settings& settings, unsigned cores) noexcept;

// What a webhook does when its file does not say: messages for people come slowly, and in a storm as a summary.
// Events of 0: no limit.
bool is_for_people(const OutputSettings& webhook) noexcept;  // template slack or teams
bool is_template_file(const OutputSettings& webhook) noexcept;
RateLimit webhook_rate(const OutputSettings& webhook) noexcept;
StormSettings webhook_storm(const OutputSettings& webhook) noexcept;

// The contract's words: "udp", "unix", "stdin"; "syslog", "file"; "raw", "json".
std::string_view name_of(InputType type) noexcept;
std::string_view name_of(OutputType type) noexcept;
std::string_view name_of(OutputFormat format) noexcept;

}  // namespace thorlog
