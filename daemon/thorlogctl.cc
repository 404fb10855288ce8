// thorlogctl: asks a running thorlogd. Arguments here, what the commands do in admin/commands.h.
#include <sys/ioctl.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "admin/analyze.h"
#include "admin/commands.h"
#include "admin/output_commands.h"
#include "admin/scan_commands.h"
#include "admin/service.h"
#include "config/load.h"

namespace {

constexpr int kBadArguments = 2;

struct Shared {
  std::string config;
  std::string address;
  bool json = false;
};

void add_shared(CLI::App& command, Shared& shared) {
  command.add_flag("--json", shared.json, "one JSON object a line");
  command.add_option("--config", shared.config, "the daemon's configuration: says where it answers");
  command.add_option("--address", shared.address, "where the daemon answers: /path/to/socket or host:port");
}

// False: the address or the configuration makes no sense; it was said.
bool find_daemon(const Shared& shared, thorlog::AdminAddress& address) {
  if (!shared.address.empty()) {
    const std::size_t colon = shared.address.rfind(':');
    if (shared.address.starts_with("/")) {
      address.socket = shared.address;
      return true;
    }
    const auto listen = thorlog::parse_listen_address(shared.address);
    if (listen && colon != std::string::npos) {
      address.host = listen->host;
      address.port = listen->port;
      return true;
    }
    std::fprintf(stderr, "thorlogctl: --address %s: neither a path nor an address such as 127.0.0.1:8514\n",
                 shared.address.c_str());
    return false;
  }
  thorlog::AdminSettings admin;
  if (!shared.config.empty()) {
    const thorlog::LoadedSettings settings = thorlog::load_settings(shared.config);
    if (!settings) {
      for (const auto& error : settings.errors()) std::fprintf(stderr, "%s\n", error.message().c_str());
      return false;
    }
    admin = settings->admin;
  }
  address = {admin.socket, admin.listen.host, admin.listen.port};
  return true;
}

thorlog::CommandOptions show_as(bool json) {
  thorlog::CommandOptions options;
  options.json = json;
  winsize size{};
  if (::isatty(STDOUT_FILENO) != 0) {
    options.colours = std::getenv("NO_COLOR") == nullptr;
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) options.width = size.ws_col;
  }
  return options;
}

void add_narrowing(CLI::App& command, thorlog::ScanNarrowing& narrowing) {
  command.add_option("--state", narrowing.states, "of a scan: running, suspect, lost, ...");
  command.add_option("--asset", narrowing.assets, "asset ID or host");
  command.add_option("--scan", narrowing.scans, "scan ID");
  command.add_option("--group", narrowing.groups, "group ID");
  command.add_option("--type", narrowing.types, "of a detection");
  command.add_option("--since", narrowing.since, "15m, 2h, 7d, or an RFC 3339 time");
  command.add_option("--limit", narrowing.limit, "at most so many, the newest first; 1000 unless given");
}

void add_tail(CLI::App& command, thorlog::TailOptions& tail) {
  command.add_option("--kind", tail.kinds, "thor, agent, management, os, syslog, detection, audit");
  command.add_option("--level", tail.levels, "a level, or '>=warning'");
  command.add_option("--module", tail.modules, "THOR module");
  command.add_option("--asset", tail.assets, "asset ID or host");
  command.add_option("--host", tail.hosts, "host name");
  command.add_option("--scan", tail.scans, "scan ID");
  command.add_option("--type", tail.types, "type of a detection");
  command.add_option("--input", tail.inputs, "name of an input");
  command.add_option("--since", tail.since, "15m, 2h, 7d, or an RFC 3339 time: begin with stored events");
  command.add_option("--count", tail.count, "end after so many events");
  command.add_flag("!--no-follow", tail.follow, "end at the newest event");
  command.add_flag("--fields", tail.fields, "with --json: the THOR fields too");
}

void add_analyze(CLI::App& command, thorlog::AnalyzeOptions& analyze, Shared& shared) {
  command.add_flag("--json", shared.json, "one JSON object a line: scans, and detections as events");
  command.add_option("--config", analyze.config, "a daemon's configuration: its timers, rules and assets");
  command.add_option("--assets", analyze.assets,
                     "table of assets; else an assets.csv beside the files or one folder up");
  command.add_option("--timezone", analyze.timezone, "of stamps without a zone (UTC)");
  command.add_option("--agent-timezone", analyze.agent_timezone, "of agents' stamps without a zone (UTC)");
  command.add_option("FILE", analyze.files, "log files, plain or gzip; - is standard input")->required();
}

void add_letters(CLI::App& command, thorlog::LetterOptions& letters) {
  command.add_option("--output", letters.output, "name of the output")->required();
  command.add_option("ID", letters.ids, "ids of events, as the list shows them");
  command.add_flag("--all", letters.all, "all of this output");
}

void add_replay(CLI::App& command, thorlog::ReplayOptions& replay) {
  command.add_option("--output", replay.output, "name of the output")->required();
  command.add_option("--since", replay.since, "15m, 2h, 7d, or an RFC 3339 time: what was received from then on");
  command.add_option("--until", replay.until, "likewise, up to then");
  command.add_option("--scan", replay.scan, "scan ID");
  command.add_option("--asset", replay.asset, "asset ID or host");
  command.add_option("--rate", replay.rate, "records a second at most; 5000 unless given");
  command.add_flag("--cancel", replay.cancel, "end the one that runs");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Asks a running thorlogd."};
  app.require_subcommand(0, 1);
  Shared shared;
  thorlog::TailOptions tail;
  std::string path;
  CLI::App& status = *app.add_subcommand("status", "inputs, outputs, journal, rates, oldest pending");
  CLI::App& account = *app.add_subcommand("account", "the accounting laws; exit 1 when one is broken");
  CLI::App& follow = *app.add_subcommand("tail", "events as they are stored");
  CLI::App& reload = *app.add_subcommand("reload", "read the configuration again");
  CLI::App& check = *app.add_subcommand("check", "check a configuration file");
  thorlog::ScanNarrowing narrowing;
  CLI::App& scans = *app.add_subcommand("scans", "scans, newest first; with --asset and --scan, all about one");
  CLI::App& assets = *app.add_subcommand("assets", "what is known of each asset");
  CLI::App& detections = *app.add_subcommand("detections", "what the scan watch has found, newest first");
  for (CLI::App* command : {&scans, &assets, &detections}) {
    add_shared(*command, shared);
    add_narrowing(*command, narrowing);
  }
  thorlog::LetterOptions letters;
  thorlog::ReplayOptions wanted;
  CLI::App& letter = *app.add_subcommand("dead-letter", "what a target has refused for good");
  letter.require_subcommand(1);
  CLI::App& list = *letter.add_subcommand("list", "oldest first, with the target's answer");
  CLI::App& retry = *letter.add_subcommand("retry", "send them once more");
  CLI::App& drop = *letter.add_subcommand("drop", "throw them away");
  CLI::App& replay = *app.add_subcommand("replay", "send stored events to an output again, flagged replayed");
  CLI::App& explain = *app.add_subcommand("explain", "the life of one line");
  for (CLI::App* command : {&list, &retry, &drop, &replay, &explain}) add_shared(*command, shared);
  list.add_option("--output", letters.output, "only of this output");
  add_letters(retry, letters);
  add_letters(drop, letters);
  add_replay(replay, wanted);
  explain.add_option("EVENT_ID", path, "as in the event's JSON: 0-123456")->required();
  for (CLI::App* command : {&status, &account, &follow, &reload, &check}) add_shared(*command, shared);
  add_tail(follow, tail);
  thorlog::AnalyzeOptions analyze;
  CLI::App& analysis =
      *app.add_subcommand("analyze", "scans in log files, without a daemon; exit 1 when one did not finish");
  add_analyze(analysis, analyze, shared);
  check.add_option("FILE", path, "the configuration file")->required();
  app.allow_extras();  // of the program itself, to say which word is no command
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kBadArguments;
  }
  if (app.get_subcommands().empty()) {
    const std::vector<std::string> words = app.remaining();
    std::fprintf(stderr, "thorlogctl: %s; --help names the commands\n",
                 words.empty() ? "say a command" : ("no command is named '" + words.front() + "'").c_str());
    return kBadArguments;
  }
  thorlog::CommandOptions options = show_as(shared.json);
  if (check.parsed()) return thorlog::run_check(options, path);
  if (analysis.parsed()) return thorlog::run_analyze(options, analyze);
  if (!find_daemon(shared, options.address)) return kBadArguments;
  if (status.parsed()) return thorlog::run_status(options);
  if (account.parsed()) return thorlog::run_account(options);
  if (scans.parsed()) return thorlog::run_scans(options, narrowing);
  if (assets.parsed()) return thorlog::run_assets(options, narrowing);
  if (detections.parsed()) return thorlog::run_detections(options, narrowing);
  if (list.parsed()) return thorlog::run_letter_list(options, letters);
  if (retry.parsed()) return thorlog::run_letter_retry(options, letters);
  if (drop.parsed()) return thorlog::run_letter_drop(options, letters);
  if (replay.parsed()) return thorlog::run_replay(options, wanted);
  if (explain.parsed()) return thorlog::run_explain(options, path);
  if (follow.parsed()) return thorlog::run_tail(options, tail);
  return thorlog::run_reload(options);
}
