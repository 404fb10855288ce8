#include "config/report.h"

#include <gmock/gmock.h>

#include "config/load.h"

namespace thorlog {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string report(std::string_view yaml) {
  const auto loaded = load_settings_text(yaml, "x.yaml");
  if (loaded) return check_report(*loaded);
  ADD_FAILURE() << loaded.errors()[0].message();
  return {};
}

int count(const std::string& text, std::string_view word) {
  int found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(CheckReport, HasAPromiseAndALossWindowForTheJournalAndEachInputAndOutput) {
  const auto text = report(R"(
inputs:
  net: { type: udp, listen: "0.0.0.0:514", receive_buffer: 8MiB }
  stream: { type: tcp, listen: "[::]:514", max_connections: 7 }
outputs:
  siem: { type: syslog, address: "tcp://h:514" }
  probe: { type: syslog, address: "udp://h:514" }
  log: { type: file, path: /tmp/x }
)");
  EXPECT_THAT(text, HasSubstr("input net: udp on 0.0.0.0:514\n"));
  EXPECT_THAT(text, HasSubstr("8MiB asked for"));
  EXPECT_THAT(text, HasSubstr("input stream: tcp on [::]:514\n"));
  EXPECT_THAT(text, HasSubstr("7 in all"));
  EXPECT_THAT(text, HasSubstr("output siem: syslog to tcp://h:514, format raw\n"));
  EXPECT_THAT(text, HasSubstr("output probe: syslog to udp://h:514, format raw\n"));
  EXPECT_THAT(text, HasSubstr("output log: file /tmp/x, format raw\n"));
  EXPECT_EQ(count(text, "promise:"), 6);
  EXPECT_EQ(count(text, "loss window:"), 6);
}

TEST(CheckReport, SaysWhatRelpTlsAndPoolsPromise) {
  const auto text = report(R"(
outputs:
  sure: { type: syslog, address: ["relps://a:1", "relps://b:1"], fail_back: 5s, tls: { min_version: "1.3" } }
  plain: { type: syslog, address: ["relp://a:1", "relp://b:1"], fail_back: 0 }
  secret: { type: syslog, address: "tls://h:514", tls: { ca: /etc/passwd } }
)");
  EXPECT_EQ(count(text, "loss window: none, as long as the target keeps what it answers for"), 2);
  EXPECT_EQ(count(text, "escaping:    exact bytes\n"), 2);
  EXPECT_THAT(text, HasSubstr("TLS:         1.3 or newer; the certificate must be for the host of the address, of an "
                              "authority of the system\n"));
  EXPECT_THAT(text, HasSubstr("TLS:         1.2 or newer; the certificate must be for the host of the address, of an "
                              "authority of /etc/passwd\n"));
  EXPECT_THAT(text,
              HasSubstr("pool:        the first that answers; earlier ones are tried each 5s and gone back to"));
  EXPECT_THAT(text, HasSubstr("pool:        the first that answers; earlier ones again after a break only\n"));
  EXPECT_THAT(text, HasSubstr("resets are counted in possibly_lost. Use relp:// or relps:// where the target can\n"));
}

TEST(CheckReport, NamesTheEscapingOfEachOutput) {
  const auto escaping = [](const std::string& output) {
    const auto text = report("outputs: { o: { " + output + " } }\n");
    const auto at = text.find("escaping:");
    return text.substr(at + 13, text.find('\n', at) - at - 13);
  };
  const std::string lines = "LF framing: control characters and backslash as \\xHH (reversible)";
  EXPECT_EQ(escaping("type: syslog, address: 'tcp://h:1'"), "exact bytes over octet counting");
  EXPECT_EQ(escaping("type: syslog, address: 'tcp://h:1', framing: lf"), lines);
  EXPECT_EQ(escaping("type: file, path: /tmp/x"), lines);
  EXPECT_THAT(escaping("type: file, path: /tmp/x, format: json"), HasSubstr("JSON escapes"));
  EXPECT_THAT(escaping("type: syslog, address: 'udp://h:1'"), HasSubstr("exact bytes, one datagram"));
}

TEST(CheckReport, ExpandsMatchLists) {
  const auto text = report(R"(
outputs:
  o:
    type: file
    path: /tmp/x
    match:
      - { kind: [thor, agent], level: ">=warning", not: { module: Init } }
      - { level: "<notice" }
)");
  EXPECT_THAT(text, HasSubstr("gets:        kind thor or agent, level warning or alert, but not (module Init)\n"));
  EXPECT_THAT(text, HasSubstr("or:          level debug or info\n"));
}

TEST(CheckReport, SaysWhatDurabilityMeans) {
  EXPECT_THAT(report("journal: { durability: os }\n"), HasSubstr("a power cut"));
  EXPECT_THAT(report("journal: { durability: disk }\n"), HasSubstr("survives a power cut"));
}

TEST(CheckReport, WarnsOfWhatIsFineButNotMeant) {
  const auto text = report("journal: { max_size: 8MiB }\nreassembly: { budget: 16MiB }\n");
  EXPECT_THAT(text, HasSubstr("note: there is no input"));
  EXPECT_THAT(text, HasSubstr("note: there is no output"));
  EXPECT_THAT(text, HasSubstr("lines longer than 4MiB"));
  EXPECT_THAT(text, HasSubstr("segments of 2MiB are used"));
  const auto usual =
      report("inputs: { u: { type: udp, listen: '0.0.0.0:514' } }\noutputs: { f: { type: file, path: /x } }\n");
  EXPECT_THAT(usual, Not(HasSubstr("there is no")));
}

}  // namespace
}  // namespace thorlog
