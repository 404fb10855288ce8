#include "admin/commands.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cstdio>

#include "admin/event_printer.h"
#include "base/json_writer.h"
#include "base/table.h"
#include "config/load.h"
#include "config/report.h"

namespace thorlog {
namespace {

using simdjson::dom::element;

int complain(const Error& error) {
  fmt::print(stderr, "thorlogctl: {}\n", error.message());
  return error.code == Errc::cancelled ? kNoDaemon : 1;
}

// The daemon's answer, parsed; on trouble says so and gives the exit code.
class Answer {
 public:
  Answer(const CommandOptions& options, const std::string& target, bool post = false) {
    AdminClient client(options.address);
    auto response = post ? client.post(target) : client.get(target);
    if (!response) {
      exit_ = complain(response.error());
      return;
    }
    text_ = std::move(response->body);
    if (parser_.parse(text_).get(root_) != simdjson::SUCCESS) {
      exit_ = complain({Errc::io, "the daemon's answer is no JSON"});
    } else if (response->status != 200) {
      std::string_view what = "the daemon refuses";
      if (root_["error"].get(what) != simdjson::SUCCESS) what = "the daemon refuses";
      exit_ = complain({Errc::io, std::string(what)});
    }
  }
  explicit operator bool() const noexcept { return exit_ == 0; }
  int exit() const noexcept { return exit_; }
  const std::string& text() const noexcept { return text_; }
  const element& root() const noexcept { return root_; }

 private:
  simdjson::dom::parser parser_;
  element root_;
  std::string text_;
  int exit_ = 0;
};

std::string text_at(const element& from, std::string_view key) {
  std::string_view value;
  return from[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::uint64_t count_at(const element& from, std::string_view key) {
  std::uint64_t value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0;
}

double number_at(const element& from, std::string_view key) {
  double value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0.0;
}

bool flag_at(const element& from, std::string_view key) {
  bool value = false;
  return from[key].get(value) == simdjson::SUCCESS && value;
}

// 1234567 as "1 234 567": long counts must be readable at a glance.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ' ');
  }
  return digits;
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole >= 86400) return fmt::format("{}d {}h", whole / 86400, whole % 86400 / 3600);
  if (whole >= 3600) return fmt::format("{}h {}m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{}m {}s", whole / 60, whole % 60);
  return seconds < 10 ? fmt::format("{:.1f}s", seconds) : fmt::format("{}s", whole);
}

std::string bytes(std::uint64_t count) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", count) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

void print_one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  fmt::print("{}\n", text);
}

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
               waits ? duration(number_at(output, "oldest_pending_seconds")) : "-",
               waits && to_go > 0 ? duration(to_go) : "-",
               grouped(count_at(output, "dropped"))});
  }
  fmt::print("{}\n", table.text(options.width, options.colours));
}

void print_status(const CommandOptions& options, const element& root) {
  const bool healthy = flag_at(root, "healthy");
  fmt::print("thorlogd {}, up {}, {}\n\n", text_at(root, "version"), duration(number_at(root, "uptime_seconds")),
             coloured(healthy ? "healthy" : "unhealthy", healthy ? Colour::green : Colour::red, options.colours));
  print_inputs(options, root);
  const element journal = root["journal"];
  const std::string state = text_at(journal, "state");
  fmt::print("JOURNAL {}: {} on disk, {} records stored since the start, {} damaged\n\n",
             coloured(state, colour_of_state(state), options.colours), bytes(count_at(journal, "bytes")),
             grouped(count_at(journal, "stored")), grouped(count_at(journal, "damaged")));
  print_outputs(options, root);
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
  std::string target = "/api/v1/events";
  char mark = '?';
  const auto add = [&](std::string_view name, std::string_view value) {
    target += fmt::format("{}{}={}", std::exchange(mark, '&'), name, percent_encode(value));
  };
  const auto add_all = [&](std::string_view name, const std::vector<std::string>& values) {
    for (const std::string& value : values) add(name, value);
  };
  add_all("kind", tail.kinds);
  add_all("level", tail.levels);
  add_all("module", tail.modules);
  add_all("asset", tail.assets);
  add_all("host", tail.hosts);
  add_all("scan", tail.scans);
  add_all("type", tail.types);
  add_all("input", tail.inputs);
  if (!tail.since.empty()) add("since", tail.since);
  if (tail.fields) add("fields", "true");
  return target;
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
