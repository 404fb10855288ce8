#include "admin/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace thorlog {
namespace {

class Page {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(std::back_inserter(out_), "# HELP thorlogd_{} {}\n# TYPE thorlogd_{} {}\n", name, help, name,
                   type);
  }
  template <class T>
  void sample(std::string_view name, std::string_view labels, T value) {
    fmt::format_to(std::back_inserter(out_), "thorlogd_{}{{{}}} {}\n", name, labels, value);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string label(std::string_view name, std::string_view value) {
  std::string out = fmt::format("{}=\"", name);
  for (const char c : value) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out + "\"";
}

using InputValue = std::function<std::uint64_t(const InputView&)>;

void input_family(Page& page, const PipelineView& view, std::string_view name, std::string_view type,
                  std::string_view help, const InputValue& value) {
  page.family(name, type, help);
  for (const InputView& input : view.inputs) page.sample(name, label("input", input.name), value(input));
}

void write_inputs(Page& page, const PipelineView& view) {
  input_family(page, view, "input_received_total", "counter", "Frames received, not counting empty ones.",
               [](const InputView& i) { return i.books.received; });
  input_family(page, view, "input_bytes_total", "counter", "Bytes of these frames.",
               [](const InputView& i) { return i.books.bytes; });
  page.family("input_refused_total", "counter", "Frames that were not taken, by reason.");
  for (const InputView& input : view.inputs) {
    for (std::size_t i = 0; i < input.books.refused.size(); ++i) {
      page.sample("input_refused_total",
                  label("input", input.name) + "," + label("reason", name_of(static_cast<RefuseReason>(i))),
                  input.books.refused[i]);
    }
  }
  page.family("input_refused_connections_total", "counter", "Connections that were not taken, by reason.");
  for (const InputView& input : view.inputs) {
    for (std::size_t i = 0; i < input.socket.refused_connections.size(); ++i) {
      page.sample("input_refused_connections_total",
                  label("input", input.name) + "," + label("reason", name_of(static_cast<RefuseReason>(i))),
                  input.socket.refused_connections[i]);
    }
  }
  input_family(page, view, "input_connections", "gauge", "Connections open now.",
               [](const InputView& i) { return i.socket.connections; });
  input_family(page, view, "input_empty_total", "counter", "Empty frames.",
               [](const InputView& i) { return i.books.empty; });
  page.family("input_paused", "gauge", "1 while the input is not read, by reason.");
  for (const InputView& input : view.inputs) {
    const auto paused = [&](std::string_view reason, bool yes) {
      page.sample("input_paused", label("input", input.name) + "," + label("reason", reason), yes ? 1 : 0);
    };
    paused("journal_full", view.journal_full && input.running);
    paused("journal_failed", view.journal_failed && input.running);
    paused("downstream", !view.journal_full && !view.journal_failed && input.socket.paused != 0);
  }
  input_family(page, view, "input_kernel_drops_total", "counter", "Datagrams dropped by the kernel.",
               [](const InputView& i) { return i.socket.kernel_drops; });
  input_family(page, view, "input_receive_buffer_bytes", "gauge", "Receive buffer that the kernel granted.",
               [](const InputView& i) { return i.socket.receive_buffer_granted; });
  input_family(page, view, "reassembly_joined_total", "counter", "Frames that became part of another record.",
               [](const InputView& i) { return i.books.joined; });
  input_family(page, view, "reassembly_incomplete_total", "counter", "Lines that were begun and never completed.",
               [](const InputView& i) { return i.books.incomplete; });
  input_family(page, view, "reassembly_held", "gauge", "Frames waiting for the rest of their line.",
               [](const InputView& i) { return i.books.held; });
}

void write_events(Page& page, const PipelineView& view) {
  page.family("events_total", "counter", "Events stored since the start, by kind.");
  for (std::size_t i = 0; i < view.kinds.size(); ++i) {
    page.sample("events_total", label("kind", name_of(static_cast<Kind>(i))), view.kinds[i]);
  }
  page.family("events_flagged_total", "counter", "Events with this flag.");
  for (std::size_t i = 0; i < view.flags.size(); ++i) {
    page.sample("events_flagged_total", label("flag", flag_name(static_cast<int>(i))), view.flags[i]);
  }
}

void write_journal(Page& page, const PipelineView& view) {
  page.family("journal_stored_total", "counter", "Records stored since the process started.");
  page.sample("journal_stored_total", "partition=\"0\"", view.log.total);
  page.family("journal_bytes", "gauge", "Bytes of the journal on disk.");
  page.sample("journal_bytes", "partition=\"0\"", view.journal.bytes);
  page.family("journal_damaged_total", "counter", "Records lost to damage.");
  page.sample("journal_damaged_total", "partition=\"0\"", view.journal.damaged);
}

using OutputValue = std::function<double(const OutputView&)>;

void output_family(Page& page, const PipelineView& view, std::string_view name, std::string_view type,
                   std::string_view help, const OutputValue& value) {
  page.family(name, type, help);
  for (const OutputView& output : view.outputs) page.sample(name, label("output", output.name), value(output));
}

using BrokerValue = std::function<double(const BrokerFigures&)>;

void broker_family(Page& page, const PipelineView& view, std::string_view name, std::string_view help,
                   const BrokerValue& value) {
  page.family(name, "gauge", help);
  for (const OutputView& output : view.outputs) {
    if (!output.state.figures) continue;
    for (const BrokerFigures& broker : output.state.figures->brokers) {
      page.sample(name, label("output", output.name) + "," + label("broker", broker.name), value(broker));
    }
  }
}

// Of outputs whose client tells more.
void write_clients(Page& page, const PipelineView& view) {
  broker_family(page, view, "output_broker_up", "1 while the broker is connected.",
                [](const BrokerFigures& b) { return b.is_up() ? 1.0 : 0.0; });
  broker_family(page, view, "output_broker_round_trip_seconds", "Mean of the last second.",
                [](const BrokerFigures& b) { return b.round_trip_seconds; });
  broker_family(page, view, "output_broker_requests", "Requests waiting to be sent or answered.",
                [](const BrokerFigures& b) { return static_cast<double>(b.requests); });
  const auto family = [&](std::string_view name, std::string_view help, std::uint64_t SinkFigures::*value) {
    page.family(name, "gauge", help);
    for (const OutputView& output : view.outputs) {
      if (output.state.figures) page.sample(name, label("output", output.name), (*output.state.figures).*value);
    }
  };
  family("output_in_flight_records", "Records handed to the client and not reported yet.",
         &SinkFigures::in_flight_records);
  family("output_in_flight_bytes", "Bytes of these records.", &SinkFigures::in_flight_bytes);
}

void write_latency(Page& page, const PipelineView& view) {
  page.family("latency_seconds", "histogram", "From the first byte to the target's acknowledgement.");
  for (const OutputView& output : view.outputs) {
    const LatencyHistogram& latency = output.state.latency;
    const std::string name = label("output", output.name);
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < LatencyHistogram::kBounds.size(); ++i) {
      below += latency.counts[i];
      page.sample("latency_seconds_bucket", fmt::format("{},le=\"{}\"", name, LatencyHistogram::kBounds[i]), below);
    }
    page.sample("latency_seconds_bucket", name + ",le=\"+Inf\"", latency.total());
    page.sample("latency_seconds_sum", name, latency.sum_seconds);
    page.sample("latency_seconds_count", name, latency.total());
  }
}

void write_outputs(Page& page, const PipelineView& view) {
  output_family(page, view, "output_acknowledged_total", "counter", "Records that the target has.",
                [](const OutputView& o) { return static_cast<double>(o.state.books.acknowledged); });
  output_family(page, view, "output_filtered_total", "counter", "Records left out by match.",
                [](const OutputView& o) { return static_cast<double>(o.state.books.filtered); });
  page.family("output_dropped_total", "counter", "Records given up, by reason.");
  for (const OutputView& output : view.outputs) {
    for (std::size_t i = 0; i < output.state.books.dropped.size(); ++i) {
      page.sample("output_dropped_total",
                  label("output", output.name) + "," + label("reason", name_of(static_cast<DropReason>(i))),
                  output.state.books.dropped[i]);
    }
  }
  output_family(page, view, "output_pending", "gauge", "Records stored and not settled.",
                [](const OutputView& o) { return static_cast<double>(o.state.pending); });
  output_family(page, view, "output_oldest_pending_seconds", "gauge", "Age of the oldest of them.",
                [&](const OutputView& o) {
                  if (o.state.pending == 0 || o.state.oldest_pending == 0) return 0.0;
                  return static_cast<double>(view.taken - o.state.oldest_pending) * 1e-9;
                });
  page.family("output_retries_total", "counter", "What had to be tried again, by reason.");
  for (const OutputView& output : view.outputs) {
    for (std::size_t i = 0; i < output.state.retries.size(); ++i) {
      page.sample("output_retries_total",
                  label("output", output.name) + "," + label("reason", name_of(static_cast<Retry>(i))),
                  output.state.retries[i]);
    }
  }
  output_family(page, view, "output_possibly_lost_bytes_total", "counter",
                "Bytes that a dead peer's kernel had acknowledged and its program may never have read.",
                [](const OutputView& o) { return static_cast<double>(o.state.possibly_lost_bytes); });
  output_family(page, view, "output_stalled_seconds", "gauge",
                "Without progress although its target takes lines; 0: all is well.",
                [](const OutputView& o) { return static_cast<double>(o.stalled) * 1e-9; });
  output_family(page, view, "output_dead_letters", "gauge", "Records that the target refused for good.",
                [](const OutputView& o) { return static_cast<double>(o.state.dead_letters); });
  output_family(page, view, "output_dead_letter_bytes", "gauge", "What they take on the disk.",
                [](const OutputView& o) { return static_cast<double>(o.state.dead_letter_bytes); });
  output_family(page, view, "output_replayed", "gauge", "Records of the current replay that the target has.",
                [](const OutputView& o) { return static_cast<double>(o.state.replay.acknowledged); });
  page.family("output_state", "gauge", "1 for the state that the output is in.");
  for (const OutputView& output : view.outputs) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(OutputState::count); ++i) {
      const auto state = static_cast<OutputState>(i);
      page.sample("output_state", label("output", output.name) + "," + label("state", name_of(state)),
                  state == output.state.state ? 1 : 0);
    }
  }
  write_clients(page, view);
  write_latency(page, view);
}

}  // namespace

namespace {

void write_scans(Page& page, const PipelineView& view) {
  if (!view.scans_enabled) return;
  const ScanWatchCounters& counters = view.scans.counters;
  page.family("scans", "gauge", "Scans that the watch has in memory, by state.");
  for (std::size_t i = 0; i < counters.scans.size(); ++i) {
    page.sample("scans", label("state", name_of(static_cast<ScanState>(i))), counters.scans[i]);
  }
  page.family("detections_total", "counter", "Findings since the start, by type.");
  for (std::size_t i = 0; i < counters.detections.size(); ++i) {
    page.sample("detections_total", label("type", name_of(static_cast<DetectionType>(i))), counters.detections[i]);
  }
  page.family("scans_untracked_total", "counter", "Scans that found no room (max_scans, max_scans_per_peer).");
  page.sample("scans_untracked_total", "", counters.untracked);
  page.family("scan_watch_outbox", "gauge", "Detections that are not in the journal yet.");
  page.sample("scan_watch_outbox", "", view.scans.outbox);
  page.family("scan_watch_behind", "gauge", "Records stored that the scan watch has not seen.");
  page.sample("scan_watch_behind", "",
              view.journal.end.seq - std::min(view.journal.end.seq, view.scans.position.seq));
  page.family("scan_watch_bytes", "gauge", "Memory of the scan watch, about.");
  page.sample("scan_watch_bytes", "", counters.bytes);
}

}  // namespace

std::string metrics_text(const PipelineView& view, const std::string& version, std::uint64_t reloads_ok,
                         std::uint64_t reloads_failed) {
  Page page;
  write_inputs(page, view);
  write_events(page, view);
  write_journal(page, view);
  write_outputs(page, view);
  write_scans(page, view);
  page.family("config_reloads_total", "counter", "Reloads of the configuration, by result.");
  page.sample("config_reloads_total", "result=\"ok\"", reloads_ok);
  page.sample("config_reloads_total", "result=\"error\"", reloads_failed);
  page.family("build_info", "gauge", "Always 1; the version is the label.");
  page.sample("build_info", label("version", version), 1);
  return page.take();
}

}  // namespace thorlog
