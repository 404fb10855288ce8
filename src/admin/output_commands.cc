#include "admin/output_commands.h"

#include <fmt/format.h>

#include "admin/answer.h"
#include "admin/event_printer.h"
#include "base/table.h"

namespace thorlog {
namespace {

using simdjson::dom::element;

std::string safe(const element& from, std::string_view key) { return printable(text_at(from, key)); }

void print_letters(const CommandOptions& options, const element& root) {
  for (const element output : simdjson::dom::array(root["outputs"])) {
    fmt::print("{}: {} letters, {} of at most {}\n", safe(output, "output"), grouped(count_at(output, "letters")),
               bytes_text(count_at(output, "bytes")), bytes_text(count_at(output, "max_bytes")));
  }
  Table table({{"OUTPUT"},
               {"ID"},
               {"PARKED"},
               {"TRIES", Align::right},
               {"INPUT"},
               {"BYTES", Align::right},
               {"REASON"},
               {"ANSWER", Align::left, true}});
  for (const element letter : simdjson::dom::array(root["letters"])) {
    table.add({safe(letter, "output"), safe(letter, "id"), text_at(letter, "parked").substr(0, 19) + "Z",
               grouped(count_at(letter, "tries")), safe(letter, "input"), grouped(count_at(letter, "bytes")),
               safe(letter, "reason"), safe(letter, "answer")});
  }
  if (!table.empty()) fmt::print("\n{}", table.text(options.width, options.colours));
  if (table.empty()) fmt::print("no dead letters\n");
}

int change(const CommandOptions& options, const LetterOptions& letters, std::string_view verb,
           std::string_view done) {
  Target target(fmt::format("/api/v1/dead-letters/{}", verb));
  target.add("output", letters.output);
  for (const std::string& id : letters.ids) target.add("id", id);
  if (letters.all) target.add("all", "true");
  const Answer answer(options, target.text(), true);
  if (!answer) return answer.exit();
  if (options.json) {
    print_one_line(answer.text());
  } else {
    fmt::print("{} {}\n", grouped(count_at(answer.root(), done)),
               verb == "retry" ? "letters get another try: see thorlogctl status" : "letters dropped");
  }
  return 0;
}

void print_life(const CommandOptions& options, const element& root) {
  const auto line = [&](std::string_view what, const std::string& text) {
    if (!text.empty()) fmt::print("{:<12}{}\n", what, text);
  };
  line("event", fmt::format("{} (number {})", safe(root, "id"), count_at(root, "seq")));
  line("received", safe(root, "received"));
  line("stored", safe(root, "stored"));
  line("input", safe(root, "input"));
  line("peer", safe(root, "peer"));
  line("identity", safe(root, "peer_identity"));
  line("origin", safe(root, "origin"));
  line("stream", fmt::format("{}, frame {}", count_at(root, "stream"), count_at(root, "frame")));
  std::size_t number = 0;
  for (const element piece : simdjson::dom::array(root["pieces"])) {
    const std::string stripped = safe(piece, "stripped");
    line(number == 0 ? "pieces" : "",
         fmt::format("{}. {} bytes, after {} ms{}", number + 1, count_at(piece, "bytes"), count_at(piece, "delay_ms"),
                     stripped.empty() ? "" : fmt::format(", taken off in front: \"{}\"", stripped)));
    ++number;
  }
  std::string_view title = "decisions";
  for (const element decision : simdjson::dom::array(root["decisions"])) {
    line(std::exchange(title, ""), printable(std::string_view(decision)));
  }
  std::string tags;
  for (const auto& [name, value] : simdjson::dom::object(root["tags"])) {
    if (!std::string_view(value).empty()) {
      tags += fmt::format("{}{}={}", tags.empty() ? "" : " ", name, printable(std::string_view(value)));
    }
  }
  line("tags", tags);
  line("line", safe(root["event"], "raw"));
  fmt::print("\n");
  Table table({{"OUTPUT"}, {"STATE"}, {"WHEN"}, {"", Align::left, true}});
  for (const element output : simdjson::dom::array(root["outputs"])) {
    const std::string from = text_at(output, "not_before");
    const std::string to = text_at(output, "not_after");
    table.add({safe(output, "output"), safe(output, "state"),
               to.empty()   ? "-"
               : from == to ? to
                            : fmt::format("{} to {}", from, to.substr(11)),
               safe(output, "text")});
  }
  fmt::print("{}", table.text(options.width, options.colours));
}

}  // namespace

int run_letter_list(const CommandOptions& options, const LetterOptions& letters) {
  const Answer answer(options, Target("/api/v1/dead-letters").add("output", letters.output).text());
  if (!answer) return answer.exit();
  if (!options.json) {
    print_letters(options, answer.root());
    return 0;
  }
  for (const element letter : simdjson::dom::array(answer.root()["letters"])) {
    fmt::print("{}\n", simdjson::minify(letter));
  }
  return 0;
}

int run_letter_retry(const CommandOptions& options, const LetterOptions& letters) {
  return change(options, letters, "retry", "retried");
}

int run_letter_drop(const CommandOptions& options, const LetterOptions& letters) {
  return change(options, letters, "drop", "dropped");
}

int run_replay(const CommandOptions& options, const ReplayOptions& replay) {
  Target target("/api/v1/replay");
  target.add("output", replay.output).add("since", replay.since).add("until", replay.until).add("scan", replay.scan);
  target.add("asset", replay.asset).add("rate", replay.rate).add("cancel", replay.cancel ? "true" : "");
  const Answer answer(options, target.text(), true);
  if (!answer) return answer.exit();
  if (options.json) {
    print_one_line(answer.text());
  } else {
    fmt::print("{}\n", replay.cancel ? "the replay is cancelled"
                                     : "the replay has begun: see thorlogctl status for its progress");
  }
  return 0;
}

int run_explain(const CommandOptions& options, const std::string& id) {
  const Answer answer(options, "/api/v1/explain/" + percent_encode(id));
  if (!answer) return answer.exit();
  options.json ? print_one_line(answer.text()) : print_life(options, answer.root());
  return 0;
}

}  // namespace thorlog
