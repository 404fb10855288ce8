#include "admin/status.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"

namespace thorlog {
namespace {

double oldest_pending_seconds(const PipelineView& view, const OutputSnapshot& state) {
  if (state.pending == 0 || state.oldest_pending == 0) return 0;
  return static_cast<double>(view.taken - state.oldest_pending) * 1e-9;
}

double rate_at(const std::vector<double>& rates, std::size_t i) { return i < rates.size() ? rates[i] : 0.0; }

void write_input(JsonWriter& out, const InputView& input, double rate) {
  std::uint64_t refused = 0;
  for (const std::uint64_t count : input.books.refused) refused += count;
  out.begin_object().member("name", input.name).member("type", input.type);
  out.member("state", !input.running ? "removed" : input.socket.paused != 0 ? "paused" : "listening");
  out.member("listening", input.socket.listening).member("connections", input.socket.connections);
  out.member("received", input.books.received).member("stored", input.stored).member("held", input.books.held);
  out.member("refused", refused).member("kernel_drops", input.socket.kernel_drops);
  out.member("receive_buffer_bytes", input.socket.receive_buffer_granted);
  out.member("received_per_second", rate).end_object();
}

void write_figures(JsonWriter& out, const SinkFigures& figures) {
  out.member("in_flight_records", figures.in_flight_records).member("in_flight_bytes", figures.in_flight_bytes);
  out.key("brokers").begin_array();
  for (const BrokerFigures& broker : figures.brokers) {
    out.begin_object().member("broker", broker.name).member("state", broker.state);
    out.member("round_trip_seconds", broker.round_trip_seconds).member("requests", broker.requests).end_object();
  }
  out.end_array();
}

void write_replay(JsonWriter& out, const ReplayProgress& replay) {
  if (replay.letters_waiting + replay.letters_delivered + replay.letters_refused != 0) {
    out.key("dead_letter_retries").begin_object().member("waiting", replay.letters_waiting);
    out.member("delivered", replay.letters_delivered).member("refused", replay.letters_refused).end_object();
  }
  if (replay.state == ReplayState::none) return;
  const std::uint64_t all = replay.end_seq - replay.first_seq;
  const std::uint64_t through = std::min(replay.position.seq - replay.first_seq, all);
  out.key("replay").begin_object().member("state", name_of(replay.state));
  out.member("progress", all == 0 ? 1.0 : static_cast<double>(through) / static_cast<double>(all));
  out.member("records_to_go", replay.state == ReplayState::running ? all - through : 0);
  out.member("sent", replay.sent).member("acknowledged", replay.acknowledged).member("refused", replay.refused);
  out.member("rate_limit", replay.request.rate).member("last_answer", replay.answer).end_object();
}

void write_output(JsonWriter& out, const PipelineView& view, const OutputView& output, double rate) {
  const OutputSnapshot& state = output.state;
  out.begin_object().member("name", output.name).member("type", output.type).member("target", state.target);
  out.member("state", name_of(state.state)).member("acknowledged", state.books.acknowledged);
  out.member("filtered", state.books.filtered).member("pending", state.pending);
  out.member("dropped", state.books.dropped_total());
  out.member("oldest_pending_seconds", oldest_pending_seconds(view, state));
  out.member("settled_per_second", rate);
  out.member("seconds_to_go", rate > 0 ? static_cast<double>(state.pending) / rate : 0.0);
  out.member("possibly_lost_bytes", state.possibly_lost_bytes).member("last_error", state.last_error);
  if (state.figures) write_figures(out, *state.figures);
  out.member("stalled_seconds", static_cast<double>(output.stalled) * 1e-9);
  out.member("dead_letters", state.dead_letters).member("dead_letter_bytes", state.dead_letter_bytes);
  write_replay(out, state.replay);
  out.end_object();
}

void write_scans(JsonWriter& out, const PipelineView& view) {
  const ScanWatchCounters& counters = view.scans.counters;
  out.key("scans").begin_object();
  for (std::size_t i = 0; i < counters.scans.size(); ++i) {
    out.member(name_of(static_cast<ScanState>(i)), counters.scans[i]);
  }
  out.member("assets", counters.assets).member("untracked", counters.untracked);
  out.member("behind", view.journal.end.seq - std::min(view.journal.end.seq, view.scans.position.seq));
  out.member("dark_peers", counters.dark_peers).end_object();
}

}  // namespace

std::vector<std::string> problems_of(const PipelineView& view) {
  std::vector<std::string> problems;
  if (view.journal_failed) problems.emplace_back("the journal can't be written; inputs wait");
  if (view.journal_full) {
    const OutputView* last = nullptr;
    for (const OutputView& output : view.outputs) {
      if (last == nullptr || output.state.position.seq < last->state.position.seq) last = &output;
    }
    problems.push_back("the journal is full; inputs wait" +
                       (last == nullptr ? std::string() : "; output '" + last->name + "' holds it up"));
  }
  if (!view.scans.trouble.empty()) problems.push_back("the scan watch stands still: " + view.scans.trouble);
  for (const OutputView& output : view.outputs) {
    const OutputState state = output.state.state;
    if (output.stalled != 0) {
      problems.push_back(
          fmt::format("output '{}' has made no progress for {} s although its target takes lines; see its log",
                      output.name, output.stalled / 1'000'000'000));
    }
    if (state != OutputState::retrying && state != OutputState::holding) continue;
    problems.push_back(fmt::format("output '{}' is {}: {}", output.name, name_of(state), output.state.last_error));
  }
  return problems;
}

std::string status_json(const PipelineView& view, const std::string& version, const std::string& journal_id,
                        const std::vector<double>& input_rates, const std::vector<double>& output_rates) {
  JsonWriter out;
  const std::vector<std::string> problems = problems_of(view);
  out.begin_object().member("healthy", problems.empty()).member("version", version);
  out.member("uptime_seconds", static_cast<double>(view.uptime) * 1e-9);
  out.key("problems").begin_array();
  for (const std::string& problem : problems) out.value(problem);
  out.end_array().key("inputs").begin_array();
  for (std::size_t i = 0; i < view.inputs.size(); ++i) write_input(out, view.inputs[i], rate_at(input_rates, i));
  out.end_array().key("journal").begin_object();
  out.member("journal_id", journal_id);
  out.member("state", view.journal_failed ? "failed" : view.journal_full ? "full" : "writing");
  out.member("stored", view.log.total).member("bytes", view.journal.bytes);
  out.member("first_seq", view.journal.first.seq).member("next_seq", view.journal.end.seq);
  out.member("damaged", view.journal.damaged).end_object();
  if (view.scans_enabled) write_scans(out, view);
  out.key("outputs").begin_array();
  for (std::size_t i = 0; i < view.outputs.size(); ++i) {
    write_output(out, view, view.outputs[i], rate_at(output_rates, i));
  }
  return out.end_array().end_object().take();
}

}  // namespace thorlog
