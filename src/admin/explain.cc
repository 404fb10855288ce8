#include "admin/explain.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/json_writer.h"
#include "outputs/match.h"
#include "thorlog/thor.h"
#include "wire/encode_json.h"
#include "wire/text_time.h"

namespace thorlog {
namespace {

// What each flag says, in the order of the bits.
constexpr std::array<std::string_view, flag::count> kDecisions = {
    "joined: it came in several pieces, which were put together",
    "incomplete: it was begun and is proven to be unfinished; the rest never came",
    "truncated: it is known to be cut, and nothing follows",
    "oversize: longer than max_message, so it was kept in pieces",
    "invalid_utf8: its bytes are no UTF-8; they are kept as they came (raw_base64)",
    "ambiguous: it could be read in two ways, so it never drives the scan watch",
    "duplicate_head: a relay repeated its beginning; the copies were taken off",
    "lossy_possible: the relay that cut it may have lost bytes at the cuts",
    "gap: bytes are known to be missing inside",
    "orphan: a continuation whose head was not found",
    "split: one of several records that came in one frame",
    "host_truncated: its host name was cut by a relay",
    "unterminated: its connection ended, or idled, inside the line",
    "json_invalid: it should be JSON, and isn't",
    "replayed: sent again, or older than a day when it came",
    "clock_skew: its own stamp and the time of receipt differ by more than a day"};

std::string time_text(std::int64_t time) {
  StampCache stamps;
  char text[kMaxStampLength];
  return {text, stamps.append_rfc3339_nano(text, time)};
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

void write_pieces(JsonWriter& out, const Record& record) {
  out.key("pieces").begin_array();
  for (const Piece& piece : record.pieces) {
    out.begin_object().member("bytes", piece.length).member("delay_ms", piece.delay_ms);
    if (!piece.stripped.empty()) {
      out.member("stripped", piece.stripped).member("stripped_hex", hex(piece.stripped));
    }
    out.end_object();
  }
  out.end_array();
}

void write_decisions(JsonWriter& out, const Record& record) {
  out.key("decisions").begin_array();
  for (std::size_t bit = 0; bit < kDecisions.size(); ++bit) {
    if ((record.event.flags >> bit & 1U) != 0) out.value(kDecisions[bit]);
  }
  if (record.event.flags == 0) out.value("none was needed: it came whole and was stored as it came");
  out.end_array();
}

struct Fate {
  std::string state;
  std::string text;
  std::int64_t not_before = 0;
  std::int64_t not_after = 0;
};

Fate fate_of_settled(const std::optional<Movement>& movement) {
  if (!movement) {
    return {"settled", "its cursor passed it before this start of thorlogd: acknowledged, or dropped and counted", 0,
            0};
  }
  Fate fate{"acknowledged", "the target has it", movement->first, movement->last};
  if (movement->dropped == 0) return fate;
  const std::string reason(name_of(movement->reason));
  if (movement->acknowledged == 0) {
    fate.state = "dropped";
    fate.text = "given up: " + reason;
  } else {
    fate.state = "settled";
    fate.text =
        fmt::format("of the {} records settled with it, {} were given up ({}); which of them is not remembered",
                    movement->to - movement->from, movement->dropped, reason);
  }
  return fate;
}

Fate fate_of(Pipeline& pipeline, const OutputView& output, const OutputSettings* settings,
             const StoredRecord& record) {
  const OutputSnapshot& state = output.state;
  if (record.seq < state.books.start_seq) {
    return {"before", fmt::format("the output began later, with record {}", state.books.start_seq), 0, 0};
  }
  if (const auto letters = pipeline.dead_letters(output.name); letters && letters->has(record.seq)) {
    const auto letter = letters->read(record.seq);
    if (!letter) return {"parked", "among the dead letters; its file can't be read", 0, 0};
    return {"parked", letter->head.reason + (letter->head.answer.empty() ? "" : ": " + letter->head.answer),
            letter->head.parked, letter->head.parked};
  }
  const auto matcher = settings == nullptr ? Matcher() : Matcher::compile(settings->match);
  const bool wanted = matcher && matcher->matches(record);
  const bool pending = record.seq >= state.position.seq;
  if (!wanted) {
    return {"filtered",
            pending ? "the output's match leaves it out; its cursor has not passed it yet"
                    : "the output's match (of now) leaves it out",
            0, 0};
  }
  if (!pending) return fate_of_settled(pipeline.movement_of(output.name, record.seq));
  std::string text = fmt::format("{} records before it wait too; the output is {}", record.seq - state.position.seq,
                                 name_of(state.state));
  if (state.state == OutputState::retrying || state.state == OutputState::holding) text += ": " + state.last_error;
  return {"pending", text, 0, 0};
}

void write_outputs(JsonWriter& out, Pipeline& pipeline, const StoredRecord& record) {
  const PipelineView view = pipeline.view();
  out.key("outputs").begin_array();
  for (const OutputView& output : view.outputs) {
    const OutputSettings* settings = nullptr;
    for (const OutputSettings& each : pipeline.settings().outputs) {
      if (each.name == output.name) settings = &each;
    }
    const Fate fate = fate_of(pipeline, output, settings, record);
    out.begin_object().member("output", output.name).member("state", fate.state).member("text", fate.text);
    if (fate.not_before != 0) out.member("not_before", time_text(fate.not_before));
    if (fate.not_after != 0) out.member("not_after", time_text(fate.not_after));
    out.end_object();
  }
  out.end_array();
}

std::string life_of(Pipeline& pipeline, const Batch& batch, const BatchReader& at, const Record& record) {
  const auto assets = pipeline.tables().assets();
  const Event& event = record.event;
  const std::string journal_id = pipeline.journal().uuid();
  const std::string input = pipeline.journal().name_of(record.input);
  const StoredRecord stored{.record = record,
                            .partition = batch.partition(),
                            .offset = at.offset(),
                            .seq = at.seq(),
                            .journal_id = journal_id,
                            .input_name = input,
                            .asset = assets ? assets->find(event.canonical_host, event.host, event.ip) : ""};
  ByteBuffer event_json;
  JsonEncoder(for_each_field).append(stored, event_json);
  JsonWriter out;
  out.begin_object().member("id", fmt::format("{}-{}", stored.partition, stored.offset)).member("seq", stored.seq);
  out.member("journal_id", journal_id).member("received", time_text(record.received));
  out.member("stored", time_text(batch.stored())).member("input", input).member("peer", record.peer);
  if (!record.peer_identity.empty()) out.member("peer_identity", record.peer_identity);
  if (!record.origin.empty()) out.member("origin", record.origin);
  out.member("stream", record.stream).member("frame", record.frame).member("parts", record.parts);
  write_pieces(out, record);
  write_decisions(out, record);
  out.key("tags").begin_object().member("kind", name_of(event.kind)).member("format", name_of(event.format));
  out.member("level", name_of(event.level)).member("asset", stored.asset_or_host());
  out.member("scan_id", event.scan_id).member("group_id", event.group_id).member("module", event.module).end_object();
  write_outputs(out, pipeline, stored);
  out.key("event").raw(event_json.view()).end_object();
  return out.take();
}

}  // namespace

HttpResponse explain(Pipeline& pipeline, std::string_view id) {
  std::uint16_t partition = 0;
  std::uint64_t offset = 0;
  const std::size_t dash = std::min(id.find('-'), id.size());
  const char* const end = id.data() + id.size();
  const bool sound = dash + 1 < id.size() &&
                     std::from_chars(id.data(), id.data() + dash, partition).ptr == id.data() + dash &&
                     std::from_chars(id.data() + dash + 1, end, offset).ptr == end;
  if (!sound) return HttpResponse::problem(400, "an event's id is PARTITION-OFFSET, as in its JSON: 0-123456");
  const auto gone = [&] {
    return HttpResponse::problem(404, fmt::format("there is no event {}: it was removed when every output had it and "
                                                  "`journal.retain` was over, or never was",
                                                  id));
  };
  if (partition != 0) return gone();
  JournalReader reader(pipeline.journal(), pipeline.journal().place_before(offset));
  for (;;) {
    auto batch = reader.next();
    if (!batch) return HttpResponse::problem(500, batch.error().message());
    if (!*batch || (*batch)->base_offset() > offset) return gone();
    if ((*batch)->end_offset() <= offset) continue;
    BatchReader records(**batch);
    Record record;
    while (records.next(record)) {
      if (records.offset() == offset) {
        return HttpResponse::json(life_of(pipeline, **batch, records, record) + "\n");
      }
    }
    return gone();
  }
}

}  // namespace thorlog
