#include "admin/commands.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstdio>

#include "admin/answer.h"
#include "admin/event_printer.h"
#include "base/json_writer.h"
#include "base/table.h"
#include "config/load.h"
#include "config/report.h"

namespace thorlog {
namespace {

using simdjson::dom::element;

// "rate_limit 3, not_allowed 1"
std::string reasons(const element& from, std::string_view key) {
  simdjson::dom::object object;
  if (from[key].get(object) != simdjson::SUCCESS) return {};
  std::string out;
  for (const auto& [name, value] : object) {
    std::uint64_t count = 0;
    if (value.get(count) != simdjson::SUCCESS) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, grouped(count));
  }
  return out;
}

Colour colour_of_state(std::string_view state) {
  if (state == "retrying" || state == "full" || state == "paused") return Colour::yellow;
  if (state == "holding" || state == "failed") return Colour::red;
  return state == "removed" || state == "stopped" ? Colour::dim : Colour::green;
}

void print_inputs(const CommandOptions& options, const element& root) {
  Table table({{"INPUT"},
               {"TYPE"},
               {"STATE"},
               {"LISTENING", Align::left, true},
               {"CONNECTED", Align::right},
               {"RECEIVED", Align::right},
               {"PER SECOND", Align::right},
               {"HELD", Align::right},
               {"REFUSED", Align::right},
               {"KERNEL DROPS", Align::right}});
  for (const element input : simdjson::dom::array(root["inputs"])) {
    const std::string state = text_at(input, "state");
    table.add({printable(text_at(input, "name")),
               text_at(input, "type"),
               {state, colour_of_state(state)},
               text_at(input, "listening"),
               grouped(count_at(input, "connections")),
               grouped(count_at(input, "received")),
               fmt::format("{:.0f}", number_at(input, "received_per_second")),
               grouped(count_at(input, "held")),
               grouped(count_at(input, "refused")),
               grouped(count_at(input, "kernel_drops"))});
  }
  fmt::print("{}\n", table.text(options.width, options.colours));
}

void print_outputs(const CommandOptions& options, const element& root) {
  Table table({{"OUTPUT"},
               {"TYPE"},
               {"STATE"},
               {"TARGET", Align::left, true},
               {"ACKNOWLEDGED", Align::right},
               {"PER SECOND", Align::right},
               {"PENDING", Align::right},
               {"OLDEST", Align::right},
               {"TO GO", Align::right},
               {"DROPPED", Align::right}});
  for (const element output : simdjson::dom::array(root["outputs"])) {
    const std::string state = text_at(output, "state");
    const bool waits = count_at(output, "pending") != 0;
    const double to_go = number_at(output, "seconds_to_go");
    table.add({printable(text_at(output, "name")),
               text_at(output, "type"),
               {state, colour_of_state(state)},
               printable(text_at(output, "target")),
               grouped(count_at(output, "acknowledged")),
               fmt::format("{:.0f}", number_at(output, "settled_per_second")),
               grouped(count_at(output, "pending")),
               waits ? duration_text(number_at(output, "oldest_pending_seconds")) : "-",
               waits && to_go > 0 ? duration_text(to_go) : "-",
               grouped(count_at(output, "dropped"))});
  }
  fmt::print("{}\n", table.text(options.width, options.colours));
}

// Dead letters and replays, where there are any.
void print_side_work(const element& root) {
  for (const element output : simdjson::dom::array(root["outputs"])) {
    const std::string name = printable(text_at(output, "name"));
    if (const std::uint64_t letters = count_at(output, "dead_letters"); letters != 0) {
      fmt::print("DEAD LETTERS of {}: {} ({}): see thorlogctl dead-letter list\n", name, grouped(letters),
                 bytes_text(count_at(output, "dead_letter_bytes")));
    }
    element replay;
    if (output["replay"].get(replay) != simdjson::SUCCESS) continue;
    fmt::print("REPLAY to {}: {}, {:.0f} % looked at, {} acknowledged, {} refused, at most {} a second\n", name,
               text_at(replay, "state"), 100 * number_at(replay, "progress"),
               grouped(count_at(replay, "acknowledged")), grouped(count_at(replay, "refused")),
               grouped(count_at(replay, "rate_limit")));
  }
}

void print_status(const CommandOptions& options, const element& root) {
  const bool healthy = flag_at(root, "healthy");
  fmt::print("thorlogd {}, up {}, {}\n\n", text_at(root, "version"), duration_text(number_at(root, "uptime_seconds")),
             coloured(healthy ? "healthy" : "unhealthy", healthy ? Colour::green : Colour::red, options.colours));
  print_inputs(options, root);
  const element journal = root["journal"];
  const std::string state = text_at(journal, "state");
  fmt::print("JOURNAL {}: {} on disk, {} records stored since the start, {} damaged\n\n",
             coloured(state, colour_of_state(state), options.colours), bytes_text(count_at(journal, "bytes")),
             grouped(count_at(journal, "stored")), grouped(count_at(journal, "damaged")));
  print_outputs(options, root);
  print_side_work(root);
  for (const element problem : simdjson::dom::array(root["problems"])) {
    fmt::print("{} {}\n", coloured("problem:", Colour::red, options.colours), printable(std::string_view(problem)));
  }
}

std::string verdict(const element& of) { return flag_at(of, "balanced") ? "balanced" : "NOT BALANCED"; }

void print_account(const CommandOptions& options, const element& root) {
  const auto colour = [](const element& of) { return flag_at(of, "balanced") ? Colour::green : Colour::red; };
  const auto plus = [](const std::string& words) { return words.empty() ? std::string("0") : words; };
  Table inputs({{"INPUT"},
                {"RECEIVED", Align::right},
                {"= STORED", Align::right},
                {"+ JOINED", Align::right},
                {"+ HELD", Align::right},
                {"+ REFUSED", Align::left, true},
                {""}});
  for (const auto& [name, of] : simdjson::dom::object(root["inputs"])) {
    inputs.add({printable(name),
                grouped(count_at(of, "received")),
                grouped(count_at(of, "stored")),
                grouped(count_at(of, "joined")),
                grouped(count_at(of, "held")),
                plus(reasons(of, "refused")),
                {verdict(of), colour(of)}});
  }
  const element journal = root["journal"];
  Table stored(
      {{"JOURNAL"}, {"STORED", Align::right}, {"= INPUTS", Align::right}, {"+ INTERNAL", Align::right}, {""}});
  stored.add({"",
              grouped(count_at(journal, "stored")),
              grouped(count_at(journal, "stored") - count_at(journal, "internal")),
              grouped(count_at(journal, "internal")),
              {verdict(journal), colour(journal)}});
  Table outputs({{"OUTPUT"},
                 {"STORED", Align::right},
                 {"= ACKNOWLEDGED", Align::right},
                 {"+ FILTERED", Align::right},
                 {"+ PENDING", Align::right},
                 {"+ DROPPED", Align::left, true},
                 {""}});
  for (const auto& [name, of] : simdjson::dom::object(root["outputs"])) {
    outputs.add({printable(name),
                 grouped(count_at(of, "stored")),
                 grouped(count_at(of, "acknowledged")),
                 grouped(count_at(of, "filtered")),
                 grouped(count_at(of, "pending")),
                 plus(reasons(of, "dropped")),
                 {verdict(of), colour(of)}});
  }
  for (const Table* table : {&inputs, &stored, &outputs}) {
    if (!table->empty()) fmt::print("{}\n", table->text(options.width, options.colours));
  }
}

std::string tail_target(const TailOptions& tail) {
  Target target("/api/v1/events");
  const auto add_all = [&](std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) target.add(name, value);
  };
  add_all("kind", tail.kinds);
  add_all("level", tail.levels);
  add_all("module", tail.modules);
  add_all("asset", tail.assets);
  add_all("host", tail.hosts);
  add_all("scan", tail.scans);
  add_all("type", tail.types);
  add_all("input", tail.inputs);
  target.add("since", tail.since);
  if (tail.fields) target.add("fields", "true");
  return target.text();
}

}  // namespace

int run_status(const CommandOptions& options) {
  const Answer answer(options, "/api/v1/status");
  if (!answer) return answer.exit();
  options.json ? print_one_line(answer.text()) : print_status(options, answer.root());
  return flag_at(answer.root(), "healthy") ? 0 : 1;
}

int run_account(const CommandOptions& options) {
  const Answer answer(options, "/api/v1/account");
  if (!answer) return answer.exit();
  options.json ? print_one_line(answer.text()) : print_account(options, answer.root());
  return flag_at(answer.root(), "balanced") ? 0 : 1;
}

int run_tail(const CommandOptions& options, const TailOptions& tail) {
  std::uint64_t shown = 0;
  EventPrinter printer({options.width, options.colours});
  const Status ended = AdminClient(options.address).stream(tail_target(tail), [&](std::string_view event) {
    if (event.empty()) return tail.follow;
    const std::string line = options.json ? std::string(event) : printer.line(event);
    fmt::print("{}\n", line);
    std::fflush(stdout);
    return ++shown != tail.count;
  });
  return ended ? 0 : complain(ended.error());
}

int run_reload(const CommandOptions& options) {
  const Answer answer(options, "/api/v1/reload", true);
  if (!answer) return answer.exit();
  options.json ? print_one_line(answer.text()) : print_one_line(text_at(answer.root(), "text"));
  return 0;
}

int run_check(const CommandOptions& options, const std::string& path) {
  const LoadedSettings settings = load_settings(path);
  if (settings) {
    fmt::print("{}", options.json ? std::string("{\"valid\":true,\"errors\":[]}\n") : check_report(*settings));
    return 0;
  }
  JsonWriter out;
  out.begin_object().member("valid", false).key("errors").begin_array();
  for (const ConfigError& error : settings.errors()) {
    if (!options.json) fmt::print(stderr, "{}\n", error.message());
    out.begin_object().member("file", error.file).member("line", error.line).member("column", error.column);
    out.member("text", error.text).end_object();
  }
  out.end_array().end_object();
  if (options.json) fmt::print("{}\n", out.text());
  return 2;
}

}  // namespace thorlog
