#include "admin/scan_commands.h"

#include <fmt/format.h>

#include <array>

#include "admin/answer.h"
#include "admin/event_printer.h"
#include "admin/scan_tables.h"

namespace thorlog {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;

std::string target_of(std::string path, const ScanNarrowing& narrowing) {
  Target target(std::move(path));
  for (const std::string& state : narrowing.states) target.add("state", state);
  for (const std::string& asset : narrowing.assets) target.add("asset", asset);
  for (const std::string& scan : narrowing.scans) target.add("scan", scan);
  for (const std::string& group : narrowing.groups) target.add("group", group);
  for (const std::string& type : narrowing.types) target.add("type", type);
  target.add("since", narrowing.since).add("limit", std::to_string(narrowing.limit));
  return target.text();
}

// "2026-02-12 14:24:36": a person needs no more.
std::string moment(const element& from, std::string_view key) {
  std::string text = text_at(from, key);
  if (text.size() < 19) return "-";
  text[10] = ' ';
  return text.substr(0, 19);
}

std::string shown(const element& from, std::string_view key) {
  const std::string text = text_at(from, key);
  return text.empty() ? "-" : printable(text);
}

Colour colour_of_scan(std::string_view state) {
  constexpr std::array<std::string_view, 3> kBad = {"lost", "exhausted", "aborted"};
  constexpr std::array<std::string_view, 3> kDoubtful = {"suspect", "interrupted", "stopping"};
  for (const std::string_view bad : kBad) {
    if (state == bad) return Colour::red;
  }
  for (const std::string_view doubtful : kDoubtful) {
    if (state == doubtful) return Colour::yellow;
  }
  return state == "completed" ? Colour::green : Colour::none;
}

Colour colour_of_severity(std::string_view severity) {
  if (severity == "critical") return Colour::red;
  if (severity == "warning") return Colour::yellow;
  return severity == "info" ? Colour::dim : Colour::none;
}

void print_table(const Table& table, const CommandOptions& options, std::string_view nothing) {
  if (table.empty()) {
    fmt::print("{}\n", nothing);
  } else {
    fmt::print("{}", table.text(options.width, options.colours));
  }
}

// One JSON object a line, wrapped as {"scan":…} where `wrap` is not empty.
int print_lines(const element& root, std::string_view list, std::string_view wrap) {
  for (const element row : array(root[list])) {
    const std::string json = simdjson::minify(row);
    wrap.empty() ? fmt::print("{}\n", json) : fmt::print("{{\"{}\":{}}}\n", wrap, json);
  }
  return 0;
}

}  // namespace

void add_scan(Table& table, const element& scan) {
  const std::string state = text_at(scan, "state");
  const std::string cause = text_at(scan, "cause");
  const std::uint64_t most = count_at(scan, "max_resumes");
  const std::uint64_t resumes = count_at(scan, "resumes");
  table.add({shown(scan, "asset"),
             shown(scan, "scan_id"),
             {cause.empty() ? state : state + " (" + printable(cause) + ")", colour_of_scan(state)},
             std::to_string(count_at(scan, "run")),
             most == 0 ? std::to_string(resumes) : fmt::format("{}/{}", resumes, most),
             moment(scan, "started"),
             moment(scan, "last_seen"),
             shown(scan, "last_module"),
             grouped(count_at(scan, "lines")),
             grouped(count_at(scan, "alerts")),
             grouped(count_at(scan, "warnings"))});
}

Table scan_table() {
  return Table({{"ASSET", Align::left, true},
                {"SCAN", Align::left, true},
                {"STATE"},
                {"RUN", Align::right, false, 5},
                {"RESUMES", Align::right, false, 3},
                {"STARTED", Align::left, false, 7},
                {"LAST SEEN"},
                {"LAST MODULE", Align::left, false, 1},
                {"LINES", Align::right, false, 4},
                {"ALERTS", Align::right, false, 2},
                {"WARNINGS", Align::right, false, 6}});
}

void add_detection(Table& table, const element& event) {
  const element detection = event["detection"];
  const std::string severity = text_at(detection, "severity");
  const std::string cause = text_at(detection, "cause");
  table.add({moment(event, "received"),
             {severity, colour_of_severity(severity)},
             text_at(detection, "type") + (cause.empty() ? "" : " (" + printable(cause) + ")"),
             shown(event, "asset"),
             shown(event, "scan_id"),
             printable(text_at(event, "message"))});
}

Table detection_table() {
  // The sentence names the asset and the scan as well.
  return Table({{"FOUND"},
                {"SEVERITY"},
                {"TYPE"},
                {"ASSET", Align::left, true, 1},
                {"SCAN", Align::left, true, 2},
                {"WHAT", Align::left, false, 0, true}});
}

namespace {

void print_wrapped(const std::string& text, std::size_t indent, const CommandOptions& options) {
  const std::size_t width = options.width > 2 * indent ? options.width - indent : 0;
  for (const std::string& line : wrapped(text, width)) fmt::print("{}{}\n", std::string(indent, ' '), line);
}

void print_run(const CommandOptions& options, const element& run) {
  const std::string state = text_at(run, "state");
  const std::string cause = text_at(run, "cause");
  fmt::print("\n{} {}: {}{}\n{} to {}, {} lines\n", coloured("RUN", Colour::bold, options.colours),
             count_at(run, "run"), coloured(state, colour_of_scan(state), options.colours),
             cause.empty() ? "" : " (" + printable(cause) + ")", moment(run, "started"), moment(run, "last_seen"),
             grouped(count_at(run, "lines")));
  if (const std::string arguments = text_at(run, "arguments"); !arguments.empty()) {
    fmt::print("arguments: {}\n", printable(arguments));
  }
  Table modules({{"MODULE"}, {"FIRST SEEN"}, {"LAST SEEN"}, {"LINES", Align::right}});
  array list;
  if (run["modules"].get(list) == simdjson::SUCCESS) {
    for (const element module : list) {
      modules.add({shown(module, "module"), moment(module, "first_seen"), moment(module, "last_seen"),
                   grouped(count_at(module, "lines"))});
    }
  }
  if (!modules.empty()) fmt::print("{}", modules.text(options.width, options.colours));
}

// The lines that show it, whole: to compare them with others.
void print_evidence(const element& event, const CommandOptions& options) {
  array evidence;
  if (event["detection"]["evidence"].get(evidence) != simdjson::SUCCESS) return;
  for (const element line : evidence) {
    fmt::print("    {}  {}\n", text_at(line, "id"), moment(line, "received"));
    print_wrapped(printable(text_at(line, "raw").substr(0, 400)), 6, options);
  }
}

int print_scan_page(const CommandOptions& options, const std::string& asset, const std::string& scan) {
  const Answer answer(options, fmt::format("/api/v1/scans/{}/{}", percent_encode(asset), percent_encode(scan)));
  if (!answer) return answer.exit();
  if (options.json) {
    print_one_line(answer.text());
    return 0;
  }
  Table table = scan_table();
  add_scan(table, answer.root()["scan"]);
  fmt::print("{}", table.text(options.width, options.colours));
  for (const element run : array(answer.root()["runs"])) print_run(options, run);
  fmt::print("\n{}\n", coloured("DETECTIONS", Colour::bold, options.colours));
  for (const element event : array(answer.root()["detections"])) {
    const std::string severity = text_at(event["detection"], "severity");
    const std::string cause = text_at(event["detection"], "cause");
    const std::string type = text_at(event["detection"], "type");
    fmt::print("{}  {}{}\n", moment(event, "received"), coloured(type, colour_of_severity(severity), options.colours),
               cause.empty() ? "" : " (" + printable(cause) + ")");
    print_wrapped(printable(text_at(event, "message")), 4, options);
    print_evidence(event, options);
  }
  return 0;
}

}  // namespace

int run_scans(const CommandOptions& options, const ScanNarrowing& narrowing) {
  const bool one = narrowing.assets.size() == 1 && narrowing.scans.size() == 1 && narrowing.states.empty() &&
                   narrowing.since.empty() && !options.json;
  if (one) return print_scan_page(options, narrowing.assets.front(), narrowing.scans.front());
  const Answer answer(options, target_of("/api/v1/scans", narrowing));
  if (!answer) return answer.exit();
  if (options.json) return print_lines(answer.root(), "scans", "scan");
  Table table = scan_table();
  for (const element scan : array(answer.root()["scans"])) add_scan(table, scan);
  print_table(table, options, "no scan");
  return 0;
}

int run_assets(const CommandOptions& options, const ScanNarrowing& narrowing) {
  const Answer answer(options, target_of("/api/v1/assets", narrowing));
  if (!answer) return answer.exit();
  if (options.json) return print_lines(answer.root(), "assets", "asset");
  Table table({{"ASSET", Align::left, true},
               {"HOST", Align::left, true, 2},
               {"IP", Align::left, false, 3},
               {"LAST SEEN"},
               {"THOR", Align::left, false, 4},
               {"AGENT", Align::left, false, 5},
               {"SYSTEM", Align::left, false, 6},
               {"BOOTED", Align::left, false, 1},
               {"OPEN", Align::right},
               {"SCANS", Align::right}});
  for (const element asset : array(answer.root()["assets"])) {
    const bool silent = flag_at(asset, "silent");
    const std::string cause = text_at(asset, "boot_cause");
    table.add({{shown(asset, "asset"), silent ? Colour::yellow : Colour::none},
               shown(asset, "host"),
               shown(asset, "ip"),
               {moment(asset, "last_seen") + (silent ? " silent" : ""), silent ? Colour::yellow : Colour::none},
               moment(asset, "thor_seen"),
               moment(asset, "agent_seen"),
               moment(asset, "system_seen"),
               moment(asset, "booted") + (cause.empty() ? "" : " " + printable(cause)),
               std::to_string(count_at(asset, "open_scans")),
               std::to_string(count_at(asset, "scans"))});
  }
  print_table(table, options, "no asset");
  return 0;
}

int run_detections(const CommandOptions& options, const ScanNarrowing& narrowing) {
  const Answer answer(options, target_of("/api/v1/detections", narrowing));
  if (!answer) return answer.exit();
  if (options.json) return print_lines(answer.root(), "detections", "");
  Table table = detection_table();
  for (const element event : array(answer.root()["detections"])) add_detection(table, event);
  print_table(table, options, "no detection");
  return 0;
}

}  // namespace thorlog
