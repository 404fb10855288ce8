// What is wrong, where, and what to do: each line of the table is a configuration and what is said about it.
#include <gtest/gtest.h>

#include <string>

#include "config/load.h"

namespace thorlog {
namespace {

struct Wrong {
  const char* name;
  std::string yaml;
  std::string told;  // all errors, one a line: "LINE:COLUMN: TEXT"; a TEXT that ends in "..." may go on
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

std::string told_about(std::string_view yaml) {
  const auto loaded = load_settings_text(yaml, "x.yaml");
  std::string text;
  if (loaded) return "nothing\n";
  for (const auto& error : loaded.errors()) {
    const std::string message = error.message();
    EXPECT_EQ(message.substr(0, 7), "x.yaml:") << message;
    text += message.substr(7) + "\n";
  }
  return text;
}

void expect_told(const Wrong& wrong) {
  const std::string told = told_about(wrong.yaml);
  if (wrong.told.ends_with("..."))
    EXPECT_EQ(told.substr(0, wrong.told.size() - 3), wrong.told.substr(0, wrong.told.size() - 3)) << wrong.yaml;
  else
    EXPECT_EQ(told, wrong.told + "\n") << wrong.yaml;
}

class ConfigError : public testing::TestWithParam<Wrong> {};
TEST_P(ConfigError, IsToldWithItsPlace) { expect_told(GetParam()); }

std::string name_of_case(const testing::TestParamInfo<Wrong>& info) { return info.param.name; }

// Around what is wrong, so that the table stays readable: X stands at 1:35, and at 5:5 in the others.
std::string in_udp(const std::string& x) { return "inputs: { u: { type: udp, listen: " + x + " } }\n"; }
std::string tcp_with(const std::string& x) {
  return "inputs:\n  t:\n    type: tcp\n    listen: '0.0.0.0:514'\n    " + x + "\n";
}
std::string syslog_with(const std::string& x) {
  return "outputs:\n  s:\n    type: syslog\n    address: 'tcp://h:514'\n    " + x + "\n";
}
std::string kafka_with(const std::string& setting) {
  return "outputs:\n  k:\n    type: kafka\n    brokers: ['h:9092']\n    topic: t\n    settings:\n      " + setting +
         "\n";
}
std::string file_with(const std::string& x) {
  return "outputs:\n  f:\n    type: file\n    path: /tmp/x\n    " + x + "\n";
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, ConfigError,
    testing::Values(
        Wrong{"Comment", "# nothing\n",
              " the configuration is empty: `thorlogd --print-config` prints one to start from"},
        Wrong{"List", "- a\n", "1:1: the configuration must be a block of keys, such as \"inputs:\""},
        Wrong{"Scalar", "abc", "1:1: the configuration must be a block of keys, such as \"inputs:\""},
        Wrong{"Tab", "log:\n\tlevel: info\n", "2:1: a tab stands here as indentation: use spaces"},
        Wrong{"TabAfterBlanks", "log:\n  \tlevel: info\n", "2:3: a tab stands here as indentation: use spaces"},
        Wrong{"InvalidUtf8", "# ok\nlog: \"\xff\"\n", "2:7: the byte 0xff is no UTF-8: save the file as UTF-8"},
        Wrong{"OverlongUtf8", "a: \xC0\xAF\n", "1:4: the byte 0xc0 is no UTF-8: save the file as UTF-8"},
        Wrong{"Surrogate", "a: \xED\xA0\x80\n", "1:4: the byte 0xed is no UTF-8: save the file as UTF-8"},
        Wrong{"CutUtf8", "a: \xE2\x82", "1:4: the byte 0xe2 is no UTF-8: save the file as UTF-8"},
        Wrong{"Nul", std::string("a: \0b\n", 6), "1:4: the control character 0x00 stands here: this is no text file"},
        Wrong{"Escape", "a: \x1b[0m\n", "1:4: the control character 0x1b stands here: this is no text file"},
        Wrong{"Anchor", "log: &x { level: info }\n",
              "1:6: anchors are not used here: write the value instead of '&x'"},
        Wrong{"AliasBomb", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
              "1:4: anchors are not used here: write the value instead of '&a'"},
        Wrong{"Alias", "a: *x\n", "1:4: this is no YAML: the referenced anchor is not defined"},
        Wrong{"Tag", "workers: !!int 3\n", "1:10: tags are not used here: leave 'tag:yaml.org,2002:int' out"},
        Wrong{"SecondDocument", "workers: 1\n---\nworkers: 2\n",
              "2:1: a second document begins here: one file is one configuration"},
        Wrong{"TextAfterTheEnd", "workers: 1\n]\n", "2:1: this is no YAML: illegal flow end"},
        Wrong{"OpenBrace", "log: { level: info\n", "2:1: this is no YAML: end of map flow not found"},
        Wrong{"OpenQuote", "state_directory: \"/srv\n", "1:18: this quote is never closed"},
        Wrong{"OpenSingleQuote", "state_directory: '/srv\n", "1:18: this quote is never closed"},
        Wrong{"BlockAsKey", "{ a: b }: c\n", "1:1: a key must be a word"},
        Wrong{"NothingAsKey", ": b\n", "1:1: a key must be a word"},
        Wrong{"DeepLists", "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - a\n",
              "1:65: this is nested too deeply"},
        Wrong{"ManyNodes",
              [] {
                std::string text = "a: [";
                for (int i = 0; i < 60'000; ++i) text += "1,";
                return text + "]";
              }(),
              "1:100001: the file has too many values"},
        Wrong{"DuplicateAtTop", "workers: 1\nlog: {}\nworkers: 2\n",
              "3:1: 'workers' stands here a second time (first in line 1): keep one of the two"},
        Wrong{"DuplicateInABlock", "log: { level: info, level: info }\n",
              "1:21: 'level' stands here a second time (first in line 1): keep one of the two"},
        Wrong{"DuplicateInput",
              "inputs:\n  a: { type: udp, listen: '[::]:1' }\n  a: { type: udp, listen: '[::]:2' }\n",
              "3:3: 'a' stands here a second time (first in line 2): keep one of the two"},
        Wrong{"DuplicateWithQuotes", "workers: 1\n\"workers\": 2\n",
              "2:1: 'workers' stands here a second time (first in line 1): keep one of the two"},
        Wrong{"MergeKey", "<<: { workers: 1 }\n", "1:1: unknown key '<<' of the configuration: use..."}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Values, ConfigError,
    testing::Values(
        Wrong{"UnknownTopKey", "input: {}\n",
              "1:1: unknown key 'input' of the configuration: did you mean 'inputs'?"},
        Wrong{"UnknownKeyOfABlock", "journal: { max-size: 1GiB, colour: red }\n",
              "1:12: unknown key 'max-size' of 'journal': did you mean 'max_size'?\n"
              "1:28: unknown key 'colour' of 'journal': use segment, max_size, durability, retain or partitions"},
        Wrong{"SectionIsAList", "journal: [a]\n", "1:10: 'journal' must be a block of keys, not a list"},
        Wrong{"SectionIsAWord", "log: info\n", "1:6: 'log' must be a block of keys, not a single value"},
        Wrong{"TextIsAList", "state_directory: [a]\n", "1:18: 'state_directory' must be text, not a list"},
        Wrong{"TextIsNothing", "state_directory:\nworkers: 1\n", "1:1: 'state_directory' must be text, not nothing"},
        Wrong{"TextIsEmpty", "state_directory: ''\n",
              "1:18: 'state_directory' is empty: give it a value or take it out"},
        Wrong{"NumberIsAWord", "scans: { max_scans: many }\n",
              "1:21: 'many' is no number: 'max_scans' must be 1 to 10000000"},
        Wrong{"NumberIsNegative", "scans: { max_scans: -1 }\n",
              "1:21: '-1' is no number: 'max_scans' must be 1 to 10000000"},
        Wrong{"NumberTooLarge", "scans: { max_resumes: 1001 }\n",
              "1:23: '1001' is out of range: 'max_resumes' must be 0 to 1000"},
        Wrong{"NumberOverflows", "scans: { max_resumes: 99999999999999999999 }\n",
              "1:23: '99999999999999999999' is no number: 'max_resumes' must be 0 to 1000"},
        Wrong{"WorkersIsAWord", "workers: all\n", "1:10: 'workers' must be auto or a number from 1 to 64"},
        Wrong{"WorkersIsZero", "workers: 0\n", "1:10: '0' is out of range: 'workers' must be 1 to 64"},
        Wrong{"WorkersTooMany", "workers: 65\n", "1:10: '65' is out of range: 'workers' must be 1 to 64"},
        Wrong{"SizeUnit", "journal: { max_size: 10GB }\n",
              "1:22: '10GB' is no size for 'max_size': write a number and KiB, MiB, GiB or TiB, such as 4MiB"},
        Wrong{"SizeRange", "journal: { max_size: 1000 }\n",
              "1:22: '1000' is out of range: 'max_size' must be 1MiB to 1024TiB"},
        Wrong{"DurationWithoutUnit", "reassembly: { timeout: 2 }\n",
              "1:24: '2' is no duration for 'timeout': write a number and ms, s, m, h or d, such as 30s"},
        Wrong{"DurationRange", "reassembly: { timeout: 0s }\n",
              "1:24: '0s' is out of range: 'timeout' must be 1ms to 1h"},
        Wrong{"YesNo", "reassembly: { learn: yes }\n", "1:22: 'learn' must be true or false, not 'yes'"},
        Wrong{"Choice", "journal: { durability: Disk }\n", "1:24: unknown durability 'Disk': did you mean 'disk'?"},
        Wrong{"ChoiceFarOff", "log: { level: quiet }\n",
              "1:15: unknown level 'quiet': use debug, info, notice, warning or error"},
        Wrong{"CutSizes", "reassembly: { cut_sizes: [4096, 1] }\n",
              "1:33: '1' is out of range: 'cut_sizes' must be 256 to 64MiB"},
        Wrong{"PairsAreAList", "identity: { group_prefixes: [a] }\n",
              "1:29: 'group_prefixes' must be a block of keys, not a list"},
        Wrong{"PairOfABlock", "identity: { group_prefixes: { a: { b: c } } }\n",
              "1:34: 'a' must be text, not a block of keys"},
        Wrong{"FileMissing", "identity: { assets: /nowhere/a.csv }\n",
              "1:21: '/nowhere/a.csv' can't be read: No such file or directory"},
        Wrong{"FileIsAFolder", "identity: { groups: /tmp }\n", "1:21: '/tmp' is no file"},
        Wrong{"FolderMissing", "scans: { rules: /nowhere/rules.d }\n",
              "1:17: '/nowhere/rules.d' can't be read as a folder: No such file or directory"},
        Wrong{"EnvironmentMissing", "workers: { env: THORLOG_TEST_NOT_SET }\n",
              "1:17: the environment variable 'THORLOG_TEST_NOT_SET' is not set"},
        Wrong{"ValueFileMissing", "workers: { file: /nowhere/n }\n",
              "1:18: '/nowhere/n' can't be read: No such file or directory"},
        Wrong{"EnvironmentMisspelt", "workers: { enw: X }\n",
              "1:10: 'workers' must be auto or a number, not a block of keys"},
        Wrong{"LostBeforeSuspect", "scans: { silence_suspect: 2h, silence_lost: 1h }\n",
              "1:45: 'silence_lost' (1h) must be longer than 'silence_suspect' (2h)"},
        Wrong{"LostBeforeSuspectByDefault", "scans:\n  silence_suspect: 7h\n",
              "2:20: 'silence_lost' (6h) must be longer than 'silence_suspect' (7h)"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Inputs, ConfigError,
    testing::Values(
        Wrong{"UnknownKey", "inputs:\n  a:\n    type: udp\n    lisen: '0.0.0.0:514'\n    listen: '0.0.0.0:514'\n",
              "4:5: unknown key 'lisen' of a udp input: did you mean 'listen'?"},
        Wrong{"NoType", "inputs: { a: { listen: '0.0.0.0:514' } }\n",
              "1:11: input 'a' needs 'type': udp, tcp, tls, relp, http, unix, directory, file, kafka or stdin"},
        Wrong{"UnknownType", "inputs: { a: { type: upd } }\n", "1:22: unknown input type 'upd': did you mean 'udp'?"},
        Wrong{"NotABlock", "inputs: { a: udp }\n", "1:14: 'a' must be a block of keys, not a single value"},
        Wrong{"NoListen", "inputs:\n  a:\n    type: udp\n", "3:5: a udp input needs 'listen': Where to listen..."},
        Wrong{"BadName", "inputs: { 'a b': { type: udp, listen: '0.0.0.0:514' } }\n",
              "1:11: 'a b' is no name: use up to 64 letters, digits, '_', '-' and '.'"},
        Wrong{"LongName", "inputs: { " + std::string(65, 'a') + ": { type: udp, listen: '0.0.0.0:514' } }\n",
              "1:11: '" + std::string(65, 'a') + "' is no name: use up to 64 letters, digits, '_', '-' and '.'"},
        Wrong{"Internal", "inputs: { internal: { type: udp, listen: '0.0.0.0:514' } }\n",
              "1:11: 'internal' is the daemon's own input: give this one another name"},
        Wrong{"PortZero", in_udp("'0.0.0.0:0'"), "1:35: '0' is no port: use 1 to 65535"},
        Wrong{"PortTooLarge", in_udp("'0.0.0.0:65536'"), "1:35: '65536' is no port: use 1 to 65535"},
        Wrong{"HostName", in_udp("'localhost:514'"),
              "1:35: 'localhost' is no IP address to listen on: write it such as 0.0.0.0:514, [::]:514 or "
              "systemd:NAME"},
        Wrong{"BareIpv6", in_udp("'::1:514'"),
              "1:35: '::1:514': put an IPv6 address into brackets, such as [::1]:514"},
        Wrong{"ListenIsAList", in_udp("['0.0.0.0:514']"),
              "1:35: 'listen' must be an address such as \"0.0.0.0:514\", not a list"},
        Wrong{"KeyOfAnotherType", tcp_with("split: true"), "5:5: 'split' is no key of a tcp input: take it out"},
        Wrong{"FramingOfUdp", "inputs: { u: { type: udp, listen: '0.0.0.0:514', framing: lf } }\n",
              "1:50: 'framing' is no key of a udp input: take it out"},
        Wrong{"UnknownFraming", tcp_with("framing: octet-counting"),
              "5:14: unknown framing 'octet-counting': use..."},
        Wrong{"MaxMessageTooSmall", tcp_with("max_message: 100"),
              "5:18: '100' is out of range: 'max_message' must be 480 to 64MiB"},
        Wrong{"MaxMessageTooLarge", tcp_with("max_message: 65MiB"),
              "5:18: '65MiB' is out of range: 'max_message' must be 480 to 64MiB"},
        Wrong{"TimeZone", tcp_with("timezone: Mars/Olympus"), "5:15: unknown time zone 'Mars/Olympus': use UTC..."},
        Wrong{"TimeZonePath", tcp_with("timezone: ../../etc/passwd"),
              "5:15: unknown time zone '../../etc/passwd': use UTC..."},
        Wrong{"TimeZoneOffset", tcp_with("timezone: '+2:00'"), "5:15: unknown time zone '+2:00': use UTC..."},
        Wrong{"Allow", tcp_with("allow: [10.0.0.0/33]"),
              "5:13: '33' is no prefix length of '10.0.0.0/33': use 0 to 32"},
        Wrong{"AllowWithASlip", tcp_with("allow: 10.1.2.3/8"),
              "5:12: '10.1.2.3/8' has bits behind its prefix: write 10.0.0.0/8, or the one address without a prefix"},
        Wrong{"AllowNobody", tcp_with("allow: []"), "5:12: 'allow' is empty: name a range or take it out"},
        Wrong{"RateWithoutEvents", tcp_with("rate_limit: { per: 1s }"),
              "5:17: 'rate_limit' needs 'events': Events that..."},
        Wrong{"RateIsANumber", tcp_with("rate_limit: 500"),
              "5:17: 'rate_limit' must be a block of keys, not a single value"},
        Wrong{"NotBuiltType", "inputs: { a: { type: http, listen: '0.0.0.0:6514' } }\n",
              "1:22: input type 'http' is not built yet: use udp, tcp, tls, relp or kafka"},
        Wrong{"TlsWithoutTls", "inputs: { a: { type: tls, listen: '0.0.0.0:6514' } }\n",
              "1:11: input 'a': 'tls' is missing: name a certificate and its key, 'tls: { certificate: F, key: F }'"},
        Wrong{"TlsWithoutKey",
              "inputs: { a: { type: tls, listen: '0.0.0.0:6514', tls: { certificate: /etc/passwd } } }\n",
              "1:56: input 'a': 'tls' needs 'certificate' and 'key'"},
        Wrong{"ClientAuthWithoutCa",
              "inputs: { a: { type: tls, listen: '0.0.0.0:6514', tls: { certificate: /etc/passwd, key: /etc/passwd, "
              "client_auth: require } } }\n",
              "1:56: input 'a': 'client_auth' needs 'ca': the authorities that clients' certificates are checked by"},
        Wrong{"NotBuiltKey", tcp_with("proxy_trusted: 10.0.0.5"),
              "5:5: 'proxy_trusted' is not built yet: take it out"},
        Wrong{"NotBuiltValue", tcp_with("proxy_protocol: accept"),
              "5:21: proxy_protocol 'accept' is not built yet: use off"},
        Wrong{"OneAddress",
              "inputs:\n  a: { type: udp, listen: '127.0.0.1:514' }\n  b: { type: udp, listen: '127.0.0.1:514' }\n",
              "3:27: inputs 'a' and 'b' are on one address (127.0.0.1:514): give each its own"},
        Wrong{"OneAddressByWildcard",
              "inputs:\n  a: { type: tcp, listen: '0.0.0.0:514' }\n  b: { type: tcp, listen: '127.0.0.1:514' }\n",
              "3:27: inputs 'a' and 'b' are on one address (127.0.0.1:514): give each its own"},
        Wrong{"OnePassedSocket",
              "inputs:\n  a: { type: tcp, listen: 'systemd:s' }\n  b: { type: tcp, listen: 'systemd:s' }\n",
              "3:27: inputs 'a' and 'b' are on one address (systemd:s): give each its own"},
        Wrong{"AddressOfAdmin", "inputs: { a: { type: tcp, listen: '127.0.0.1:8514' } }\n",
              "1:35: input 'a' is on the address of 'admin' (127.0.0.1:8514): give each its own"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Outputs, ConfigError,
    testing::Values(
        Wrong{"UnknownKey", syslog_with("formatt: raw"),
              "5:5: unknown key 'formatt' of a syslog output: did you mean 'format'?"},
        Wrong{"NoAddress", "outputs:\n  s:\n    type: syslog\n",
              "3:5: a syslog output needs 'address': Where to send..."},
        Wrong{"NoPath", "outputs: { f: { type: file } }\n", "1:15: a file output needs 'path': The file to write..."},
        Wrong{"NotBuiltType", "outputs: { k: { type: email } }\n",
              "1:23: output type 'email' is not built yet: use syslog, kafka, webhook or file"},
        Wrong{"Broker", "outputs: { k: { type: kafka, brokers: ['kafka1'], topic: t } }\n",
              "1:40: 'kafka1' is no broker: write it as host:port, such as kafka1:9092 or \"[::1]:9092\""},
        Wrong{"Topic", "outputs: { k: { type: kafka, brokers: ['h:9092'], topic: 'a topic' } }\n",
              "1:58: 'a topic' is no name of a topic: use up to 249 letters, digits, '.', '_' and '-'"},
        Wrong{"KafkaAcks", kafka_with("acks: '1'"),
              "7:7: 'acks' can't be set here: thorlogd always waits until all in-sync copies have a record; take it "
              "out"},
        Wrong{"KafkaTimeout", kafka_with("delivery.timeout.ms: 1000"),
              "7:7: 'delivery.timeout.ms' can't be set here: thorlogd never gives a record up because time has "
              "passed; take it out"},
        Wrong{"KafkaPlugin", kafka_with("plugin.library.paths: /tmp/x.so"),
              "7:7: 'plugin.library.paths' can't be set here: no code is loaded into the daemon; take it out"},
        Wrong{"KafkaUnknown", kafka_with("lingr.ms: 5"),
              "7:7: librdkafka knows no setting 'lingr.ms': did you mean 'linger.ms'?"},
        Wrong{"KafkaValue", kafka_with("compression.type: zip"),
              "7:7: librdkafka: Invalid value \"zip\" for configuration property \"compression.codec\""},
        Wrong{"KafkaCertificate", kafka_with("security.protocol: ssl\n      ssl.ca.location: /nonexistent/ca.pem"),
              "6:5: librdkafka: ssl.ca.location failed..."},
        Wrong{"Transport", "outputs: { s: { type: syslog, address: 'http://h:1' } }\n",
              "1:40: unknown transport 'http': use tcp, udp, tls, relp or relps"},
        Wrong{"RelpFraming", "outputs: { s: { type: syslog, address: 'relps://h:1', framing: lf } }\n",
              "1:55: 'framing' is of tcp and tls, and RELP has its own: take it out"},
        Wrong{"TlsWithoutTls",
              "outputs: { s: { type: syslog, address: 'relp://h:1', tls: { min_version: '1.3' } } }\n",
              "1:54: 'tls' is of tls:// and relps://, this output sends by relp: take it out"},
        Wrong{"TlsClientAuth",
              "outputs: { s: { type: syslog, address: 'tls://h:1', tls: { client_auth: require } } }\n",
              "1:58: 'client_auth' is of inputs: take it out"},
        Wrong{"NoScheme", "outputs: { s: { type: syslog, address: 'h:514' } }\n",
              "1:40: 'h:514' does not say how to send: write it such as tcp://collector:514 or "
              "udp://[2001:db8::1]:514"},
        Wrong{"NoPort", "outputs: { s: { type: syslog, address: 'tcp://h' } }\n",
              "1:40: 'h' has no port: write it such as..."},
        Wrong{"PoolMixed", "outputs: { s: { type: syslog, address: ['tcp://h:1', 'udp://i:1'] } }\n",
              "1:54: all addresses of a pool must have the same transport, and the first has tcp"},
        Wrong{"PoolUdp", "outputs: { s: { type: syslog, address: ['udp://h:1', 'udp://i:1'] } }\n",
              "1:54: over UDP nobody knows who is away: give one address"},
        Wrong{"PoolTwice", "outputs: { s: { type: syslog, address: ['tcp://h:1', 'tcp://h:1'] } }\n",
              "1:54: the address is twice in the pool"},
        Wrong{"FailBack", "outputs: { s: { type: syslog, address: 'tcp://h:1', fail_back: 5s } }\n",
              "1:53: 'fail_back' is of a pool, and there is one address: take it out"},
        Wrong{"MaxEvent", syslog_with("max_event: 100"), "5:16: '100' is out of range: 'max_event' must be 1KiB..."},
        Wrong{"MaxLength", syslog_with("max_length: 100"),
              "5:17: '100' is out of range: 'max_length' must be 480 to 64MiB, or 0"},
        Wrong{"FramingOfDatagrams", "outputs: { s: { type: syslog, address: 'udp://h:514', framing: octet } }\n",
              "1:55: 'framing' is of streams, and a datagram is one line anyway: take it out"},
        Wrong{"FieldsWithoutJson", file_with("fields: true"),
              "5:5: 'fields' needs 'format: json', this output has 'raw'"},
        Wrong{"Placeholder", "outputs: { f: { type: file, path: '/l/{aset}.log' } }\n",
              "1:35: unknown placeholder '{aset}': did you mean '{asset}'?"},
        Wrong{"OpenPlaceholder", "outputs: { f: { type: file, path: '/l/{asset.log' } }\n", "1:35: a '{' has no '}'"},
        Wrong{
            "PlaceholderWithoutFolder", "outputs: { f: { type: file, path: '{asset}.log' } }\n",
            "1:35: a path with placeholders needs a folder in front of them, such as /var/log/thorlogd/{asset}.log"},
        Wrong{"DotsAfterPlaceholder", "outputs: { f: { type: file, path: '/l/{asset}/../x' } }\n",
              "1:35: '.' and '..' may not follow a placeholder"},
        Wrong{"PathIsAFolder", "outputs: { f: { type: file, path: '/l/' } }\n",
              "1:35: this is a folder: name a file in it"},
        Wrong{"PathWithALongName", "outputs: { f: { type: file, path: '/l/{asset}{host}{scan_id}{group_id}' } }\n",
              "1:35: a name in it could have more than 200 bytes: use fewer placeholders for one name"},
        Wrong{"OneFile", "outputs:\n  a: { type: file, path: /tmp/x }\n  b: { type: file, path: /tmp/x }\n",
              "3:26: outputs 'a' and 'b' write to one file: give each its own"},
        Wrong{"Loop",
              "inputs: { t: { type: tcp, listen: '0.0.0.0:514' } }\noutputs: { s: { type: syslog, address: "
              "'tcp://localhost:514' } }\n",
              "2:40: output 's' would send to this daemon's own input 't': send it elsewhere"},
        Wrong{"AdminNotLoopback", "admin: { listen: '0.0.0.0:8514' }\n",
              "1:18: '0.0.0.0:8514' is not loopback, and needs `tls` and `token_file`, which are not built yet: "
              "use..."},
        Wrong{"AdminToken", "admin: { token_file: /etc/t }\n", "1:10: 'token_file' is not built yet: take it out"},
        Wrong{"AdminSocketTooLong", "admin: { socket: /" + std::string(107, 'x') + " }\n",
              "1:18: a socket's path may have 107 bytes, this one has 108: use a shorter one"},
        Wrong{"Partitions", "journal: { partitions: 2 }\n",
              "1:24: more than one journal partition is not built yet: use 1"}),
    name_of_case);

INSTANTIATE_TEST_SUITE_P(
    Match, ConfigError,
    testing::Values(
        Wrong{"UnknownKey", file_with("match: [ { levle: info } ]"),
              "5:16: unknown key 'levle' of match entry: did you mean 'level'?"},
        Wrong{"Nothing", file_with("match:"), "5:5: 'match entry' must be a block of keys, not nothing"},
        Wrong{"EmptyList", file_with("match: []"),
              "5:12: an empty list would match nothing: leave 'match' out to get everything"},
        Wrong{"EmptyEntry", file_with("match: [ {} ]"),
              "5:14: this match entry has no key: name one, or take it out"},
        Wrong{"EmptyNot", file_with("match: [ { kind: thor, not: {} } ]"),
              "5:33: this 'not' has no key: name one, or take it out"},
        Wrong{"NotInNot", file_with("match: [ { not: { not: { kind: thor } } } ]"),
              "5:23: unknown key 'not' of 'not': use kind,..."},
        Wrong{"Life", file_with("match: { kind: life }"),
              "5:20: unknown kind 'life': use thor, agent, management, os, syslog, detection or audit"},
        Wrong{"Kind", file_with("match: { kind: [thor, agnet] }"),
              "5:27: unknown kind 'agnet': did you mean 'agent'?"},
        Wrong{"Level", file_with("match: { level: '>=warn' }"),
              "5:21: unknown level 'warn': did you mean 'warning'?"},
        Wrong{"Comparison", file_with("match: { level: '=>warning' }"), "5:21: no level is '=>warning': write..."},
        Wrong{"NoSuchLevel", file_with("match: { level: '>alert' }"),
              "5:21: no level is '>alert': write it such as \">=warning\""},
        Wrong{"Flag", file_with("match: { flags: trunkated }"),
              "5:21: unknown flag 'trunkated': did you mean 'truncated'?"},
        Wrong{"DetectionType", file_with("match: { type: scan_losst }"),
              "5:20: unknown type of detection 'scan_losst': did you mean 'scan_lost'?"},
        Wrong{"EmptyKinds", file_with("match: { kind: [] }"),
              "5:20: 'kind' is an empty list: name something or take it out"},
        Wrong{"Input", file_with("match: { input: nobody }"),
              "5:12: unknown input 'nobody' in 'match' of output 'f': use internal"},
        Wrong{"Regex", file_with("match: [ { raw: { regex: 'a(' } } ]"),
              "5:30: this 'regex' is no RE2 pattern: missing ): a("},
        Wrong{"RegexLookahead", file_with("match: [ { message: { regex: '(?=a)' } } ]"),
              "5:34: this 'regex' is no RE2 pattern: invalid perl operator: (?="},
        Wrong{"RegexTooLong", file_with("match: [ { raw: { regex: '" + std::string(5000, 'a') + "' } } ]"),
              "5:30: a pattern has 1 to 4096 bytes"},
        Wrong{"RegexBomb", file_with("match: [ { raw: { regex: '((a{100}){100}){100}' } } ]"),
              "5:30: this 'regex' is no RE2 pattern: ..."},
        Wrong{"RawWithoutRegex", file_with("match: [ { raw: abc } ]"),
              "5:21: write 'raw' such as raw: { regex: 'mimikatz' }"},
        Wrong{"RawWithAnotherKey", file_with("match: [ { raw: { regexp: abc } } ]"),
              "5:23: unknown key 'regexp' of 'raw': did you mean 'regex'?"}),
    name_of_case);

}  // namespace
}  // namespace thorlog
