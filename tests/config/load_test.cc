#include "config/load.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>

#include "base/temp_folder.h"

namespace thorlog {
namespace {

using testing::ElementsAre;

Settings load(std::string_view text) {
  const auto loaded = load_settings_text(text, "x.yaml");
  if (loaded) return *loaded;
  for (const auto& error : loaded.errors()) ADD_FAILURE() << error.message();
  return {};
}

class Folder : public TempFolder {
 public:
  std::string write(const std::string& name, const std::string& bytes) const {
    write_bytes(*this / name, bytes);
    return *this / name;
  }
};

TEST(Load, TakesEveryKeyThatIsBuilt) {
  const Folder folder;
  const auto assets = folder.write("assets.csv", "asset_id,hostname\n");
  const auto groups = folder.write("groups.csv", "scan_id,group_id\n");
  const Settings settings = load(R"(
state_directory: /srv/thorlogd
workers: 3
inputs:
  net.1:
    type: udp
    listen: "[::]:514"
    max_message: 64KiB
    timezone: "+02:00"
    agent_timezone: "-09:30"
    rate_limit: { events: 100, per: 2s, burst: 300 }
    allow: ["10.0.0.0/8", "::1"]
    receive_buffer: 1MiB
    trust: thorlogd
    split: true
  stream_2:
    type: tcp
    listen: "systemd:syslog"
    framing: octet
    max_connections: 5
    max_connections_per_peer: 2
    rate_limit: { events: 100 }
    proxy_protocol: off
reassembly: { max_message: 1MiB, budget: 8MiB, timeout: 500ms, cut_sizes: [4096, 8KiB], learn: false, multiline: off }
identity:
  assets: )" + assets + R"(
  short_hostname: false
  group_prefixes: { "IR-2026-": "incident-2026", X: y }
  groups: )" + groups + R"(
journal: { segment: 1MiB, max_size: 20MiB, durability: disk, retain: 0, partitions: 1 }
scans:
  enabled: false
  max_scans: 10
  max_scans_per_peer: 5
  keep: 1d
  silence_suspect: 1s
  silence_lost: 2s
  interrupt_grace: 3s
  start_merge: 4s
  resume_window: 5s
  max_resumes: 0
  asset_silent: 6s
outputs:
  siem:
    type: syslog
    address: "tcp://h:514"
    framing: lf
    format: rfc3164
    max_length: 2000
    on_full: drop_oldest
    start: oldest
    max_lag: 1h
    max_event: 0
    match:
      - { kind: [thor, detection], level: ">=warning", module: Filescan, asset: [a, B], host: [SRV1, Srv2.Example], scan_id: S-1,
          group_id: g, input: [net.1, internal], flags: [joined, orphan], type: scan_lost, message: { regex: "a+" },
          raw: { regex: ['b', 'c\d'] }, not: { kind: agent } }
      - { level: [info, "<=debug"], not: [ { module: x }, { host: Y } ] }
  log:
    type: file
    path: "/var/log/{asset}/{scan_id}-{date}.log"
    format: json
    fields: true
    rotate: { size: 1MiB, keep: 3, compress: none }
admin: { listen: "[::1]:8514", socket: /tmp/s }
log: { level: debug, format: json }
)");
  EXPECT_EQ(settings.state_directory, "/srv/thorlogd");
  EXPECT_EQ(settings.workers, 3U);

  ASSERT_EQ(settings.inputs.size(), 2U);
  const auto& net = settings.inputs[0];
  EXPECT_EQ(net.name, "net.1");
  EXPECT_EQ(net.place.line, 5);
  EXPECT_EQ(net.place.column, 3);
  EXPECT_EQ(net.type, InputType::udp);
  EXPECT_EQ(net.listen, (ListenAddress{"::", 514, ""}));
  EXPECT_EQ(net.max_message, 64 * kKiB);
  EXPECT_EQ(net.timezone, "+02:00");
  EXPECT_EQ(net.agent_timezone, "-09:30");
  EXPECT_EQ(net.rate_limit, (RateLimit{100, 2s, 300}));
  EXPECT_EQ(net.allow.size(), 2U);
  EXPECT_EQ(net.receive_buffer, kMiB);
  EXPECT_EQ(net.trust, Trust::thorlogd);
  EXPECT_TRUE(net.split);
  const auto& stream = settings.inputs[1];
  EXPECT_EQ(stream.listen.passed, "syslog");
  EXPECT_EQ(stream.framing, Framing::octet);
  EXPECT_EQ(stream.max_connections, 5U);
  EXPECT_EQ(stream.max_connections_per_peer, 2U);
  EXPECT_EQ(stream.rate_limit, (RateLimit{100, 1s, 200})) << "the burst is twice the events unless set";

  EXPECT_EQ(settings.reassembly, (ReassemblySettings{kMiB, 8 * kMiB, 500ms, {4096, 8192}, false, Multiline::off}));
  EXPECT_EQ(settings.identity,
            (IdentitySettings{assets, false, {{"IR-2026-", "incident-2026"}, {"X", "y"}}, groups}));
  EXPECT_EQ(settings.journal, (JournalSettings{kMiB, 20 * kMiB, Durability::disk, 0s, 1}));
  EXPECT_EQ(settings.scans, (ScanSettings{false, 10, 5, 24h, 1s, 2s, 3s, 4s, 5s, 0, 6s, "/etc/thorlogd/rules.d"}));

  ASSERT_EQ(settings.outputs.size(), 2U);
  const auto& siem = settings.outputs[0];
  ASSERT_EQ(siem.addresses.size(), 1U);
  EXPECT_EQ(siem.addresses[0], (TargetAddress{Transport::tcp, "h", 514}));
  EXPECT_EQ(siem.framing, Framing::lf);
  EXPECT_EQ(siem.format, OutputFormat::rfc3164);
  EXPECT_EQ(siem.max_length, 2000U);
  EXPECT_EQ(siem.on_full, OnFull::drop_oldest);
  EXPECT_EQ(siem.start, StartAt::oldest);
  EXPECT_EQ(siem.max_lag, 1h);
  ASSERT_EQ(siem.match.size(), 2U);
  const auto& keys = siem.match[0].wanted;
  EXPECT_TRUE(keys.has_kind(Kind::thor) && keys.has_kind(Kind::detection) && !keys.has_kind(Kind::agent));
  EXPECT_TRUE(keys.has_level(Level::warning) && keys.has_level(Level::alert));
  EXPECT_FALSE(keys.has_level(Level::error)) << "THOR orders error below warning";
  EXPECT_FALSE(keys.has_level(Level::none));
  EXPECT_THAT(keys.modules, ElementsAre("Filescan"));
  EXPECT_THAT(keys.assets, ElementsAre("a", "B"));
  EXPECT_THAT(keys.hosts, ElementsAre("srv1", "srv2.example"));
  EXPECT_THAT(keys.scan_ids, ElementsAre("S-1"));
  EXPECT_THAT(keys.group_ids, ElementsAre("g"));
  EXPECT_THAT(keys.inputs, ElementsAre("net.1", "internal"));
  EXPECT_EQ(keys.flags, flag::joined | flag::orphan);
  EXPECT_THAT(keys.types, ElementsAre("scan_lost"));
  EXPECT_THAT(keys.message_regex, ElementsAre("a+"));
  EXPECT_THAT(keys.raw_regex, ElementsAre("b", "c\\d"));
  ASSERT_EQ(siem.match[0].excluded.size(), 1U);
  EXPECT_TRUE(siem.match[0].excluded[0].has_kind(Kind::agent));
  EXPECT_TRUE(siem.match[1].wanted.has_level(Level::info) && siem.match[1].wanted.has_level(Level::debug));
  EXPECT_FALSE(siem.match[1].wanted.has_level(Level::notice));
  EXPECT_EQ(siem.match[1].excluded.size(), 2U);
  EXPECT_EQ(siem.match[1].place.line, 58);

  const auto& log = settings.outputs[1];
  EXPECT_EQ(log.path, "/var/log/{asset}/{scan_id}-{date}.log");
  EXPECT_TRUE(log.fields);
  EXPECT_EQ(log.rotate, (RotateSettings{kMiB, 3, Compression::none}));
  EXPECT_TRUE(log.match.empty());
  EXPECT_EQ(settings.admin.listen, (ListenAddress{"::1", 8514, ""}));
  EXPECT_EQ(settings.admin.socket, "/tmp/s");
  EXPECT_EQ(settings.log, (LogSettings{Severity::debug, LogFormat::json}));
}

TEST(Load, GivesTheDefaultsOfTheContractWhereNothingIsSaid) {
  const Settings settings = load(
      "inputs: { u: { type: udp, listen: '0.0.0.0:514' } }\n"
      "outputs: { s: { type: syslog, address: 'udp://h:514' } }\n");
  EXPECT_EQ(settings.state_directory, "/var/lib/thorlogd");
  EXPECT_EQ(settings.inputs[0].max_message, 4 * kMiB);
  EXPECT_EQ(settings.inputs[0].timezone, "UTC");
  EXPECT_EQ(settings.inputs[0].max_connections, 10'000U);
  EXPECT_EQ(settings.inputs[0].max_connections_per_peer, 1'000U);
  EXPECT_EQ(settings.inputs[0].receive_buffer, 32 * kMiB);
  EXPECT_FALSE(settings.inputs[0].rate_limit);
  EXPECT_EQ(settings.inputs[0].trust, Trust::none);
  EXPECT_EQ(settings.reassembly.max_message, 16 * kMiB);
  EXPECT_EQ(settings.reassembly.budget, 256 * kMiB);
  EXPECT_EQ(settings.reassembly.timeout, 2s);
  EXPECT_EQ(settings.journal.segment, 64 * kMiB);
  EXPECT_EQ(settings.journal.max_size, 10 * kGiB);
  EXPECT_EQ(settings.journal.durability, Durability::os);
  EXPECT_EQ(settings.journal.retain, 24h);
  EXPECT_EQ(settings.scans.max_scans, 200'000U);
  EXPECT_EQ(settings.scans.keep, 2160h);
  EXPECT_EQ(settings.outputs[0].on_full, OnFull::block);
  EXPECT_EQ(settings.outputs[0].start, StartAt::now);
  EXPECT_FALSE(settings.outputs[0].rotate);
  EXPECT_EQ(settings.admin.listen.text(), "127.0.0.1:8514");
  EXPECT_EQ(settings.admin.socket, "/run/thorlogd/admin.sock");
  EXPECT_EQ(settings.log.level, Severity::info);
}

TEST(Load, TakesJsonBecauseItIsYaml) {
  const Settings settings =
      load(R"({"inputs": {"u": {"type": "udp", "listen": "127.0.0.1:5514", "max_message": 65536}},
 "outputs": {"f": {"type": "file", "path": "\/tmp\/x", "match": [{"level": ["warning", "alert"]}]}}})");
  ASSERT_EQ(settings.inputs.size(), 1U);
  EXPECT_EQ(settings.inputs[0].max_message, 65536U);
  EXPECT_EQ(settings.outputs[0].path, "/tmp/x");
}

TEST(Load, ReadsValuesFromTheEnvironmentAndFromFilesAnywhereAScalarMayStand) {
  const Folder folder;
  const auto address = folder.write("address", "tcp://h:514\n");
  ::setenv("THORLOG_TEST_WORKERS", "7", 1);
  ::setenv("THORLOG_TEST_KIND", "agent", 1);
  const Settings settings = load(
      "workers: { env: THORLOG_TEST_WORKERS }\n"
      "outputs:\n"
      "  s:\n"
      "    type: syslog\n"
      "    address: { file: " +
      address +
      " }\n"
      "    match: { kind: [ thor, { env: THORLOG_TEST_KIND } ] }\n");
  EXPECT_EQ(settings.workers, 7U);
  ASSERT_EQ(settings.outputs[0].addresses.size(), 1U);
  EXPECT_EQ(settings.outputs[0].addresses[0].host, "h");
  EXPECT_TRUE(settings.outputs[0].match[0].wanted.has_kind(Kind::agent));
}

TEST(Load, SubstitutesNothingInsideStrings) {
  const Settings settings = load("state_directory: \"/srv/${HOME}/$HOME/{{ env: HOME }}\"\n");
  EXPECT_EQ(settings.state_directory, "/srv/${HOME}/$HOME/{{ env: HOME }}");
}

TEST(Load, LeavesTheDefaultsInABlockWithoutKeys) {
  const Settings settings = load("journal:\nreassembly: {}\ninputs:\noutputs: {}\n");
  EXPECT_TRUE(settings == Settings{});
}

TEST(Load, TakesAByteOrderMarkAndWindowsLineEnds) {
  EXPECT_EQ(load("\xEF\xBB\xBFworkers: 2\r\nlog: { level: debug }\r\n").workers, 2U);
}

TEST(Load, SwitchesAdminOff) {
  const Settings settings = load("admin: { listen: off, socket: off }\n");
  EXPECT_FALSE(settings.admin.listen.is_set());
  EXPECT_TRUE(settings.admin.socket.empty());
}

TEST(Load, RefusesWhatIsNoFile) {
  const Folder folder;
  const auto only_error = [](const std::string& path) {
    const auto loaded = load_settings(path);
    EXPECT_FALSE(loaded);
    return loaded ? std::string() : loaded.errors()[0].message();
  };
  EXPECT_EQ(only_error(folder.path()), folder.path() + ": the configuration is a folder, not a file");
  EXPECT_EQ(only_error("/nowhere/x.yaml"),
            "/nowhere/x.yaml: the configuration can't be read: No such file or directory");
  const auto empty = folder.write("empty.yaml", "");
  EXPECT_EQ(only_error(empty),
            empty + ": the configuration is empty: `thorlogd --print-config` prints one to start from");
  const auto large = folder.write("large.yaml", "#" + std::string(kMaxConfigBytes, 'x'));
  EXPECT_EQ(only_error(large), large + ": the configuration is longer than 1MiB");
  const auto fits = folder.write("fits.yaml", "workers: 1 #" + std::string(kMaxConfigBytes - 12, 'x'));
  EXPECT_TRUE(load_settings(fits));
}

TEST(Load, DoesNotWaitForAPipeThatNobodyWritesTo) {
  const Folder folder;
  const auto pipe = folder.path() + "/pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_FALSE(load_settings(pipe));
  EXPECT_FALSE(load_settings_text("workers: { file: " + pipe + " }\n", "x.yaml"));
}

TEST(Load, TellsAllErrorsInTheOrderOfTheFileAndNotMoreThanAPersonReads) {
  const auto loaded = load_settings_text("wrokers: 1\njournal: { durability: maybe }\nlog: { level: 3 }\n", "x.yaml");
  ASSERT_FALSE(loaded);
  ASSERT_EQ(loaded.errors().size(), 3U);
  EXPECT_EQ(loaded.errors()[0].line, 1);
  EXPECT_EQ(loaded.errors()[1].line, 2);
  EXPECT_EQ(loaded.errors()[2].line, 3);
  std::string many;
  for (int i = 0; i < 5000; ++i) many += "k" + std::to_string(i) + ": 1\nworkers: 1\n";
  const auto flood = load_settings_text(many, "x.yaml");
  ASSERT_FALSE(flood);
  EXPECT_LE(flood.errors().size(), kMaxConfigErrors);
}

TEST(Workers, AreOneLessThanThereAreCoresWithinBounds) {
  Settings settings;
  EXPECT_EQ(worker_count(settings, 0), 1U);
  EXPECT_EQ(worker_count(settings, 1), 1U);
  EXPECT_EQ(worker_count(settings, 2), 1U);
  EXPECT_EQ(worker_count(settings, 4), 3U);
  EXPECT_EQ(worker_count(settings, 128), 8U);
  settings.workers = 20;
  EXPECT_EQ(worker_count(settings, 4), 20U);
}

TEST(Journal, HasSeveralSegmentsHoweverSmallItIs) {
  JournalSettings journal;
  EXPECT_EQ(journal.segment_bytes(), 64 * kMiB);
  journal.max_size = 8 * kMiB;
  EXPECT_EQ(journal.segment_bytes(), 2 * kMiB);
}

}  // namespace
}  // namespace thorlog
