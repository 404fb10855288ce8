#include "admin/event_stream.h"

#include <fmt/format.h>

#include "config/units.h"
#include "thor/stamp.h"
#include "wire/encode_json.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kPumpMs = 100;
constexpr std::size_t kChunk = 256U << 10;  // handed to a client at once
constexpr int kMaxBatchesATurn = 16;        // so that history does not hold up the main loop

template <class Enum>
bool find_named(std::string_view name, Enum last, Enum& found) {
  for (unsigned i = 0; i <= static_cast<unsigned>(last); ++i) {
    if (name_of(static_cast<Enum>(i)) != name || name.empty()) continue;
    found = static_cast<Enum>(i);
    return true;
  }
  return false;
}

// "warning", or ">=warning".
bool add_levels(std::string_view text, std::uint32_t& bits) {
  const bool and_above = text.starts_with(">=");
  if (and_above) text.remove_prefix(2);
  Level level{};
  if (!find_named(text, Level::alert, level)) return false;
  const auto first = static_cast<unsigned>(level);
  const auto last = and_above ? static_cast<unsigned>(Level::alert) : first;
  for (unsigned i = first; i <= last; ++i) bits |= 1U << i;
  return true;
}

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text;
}

Failure wrong(std::string_view parameter, std::string_view value) {
  return fail({Errc::config, fmt::format("{}: '{}' is none of the known values", parameter, value)});
}

}  // namespace

Result<std::int64_t> parse_since(std::string_view text, std::int64_t now) {
  if (const auto ago = parse_duration(text)) return now - ago->count();
  if (const std::int64_t time = iso_time(text, nullptr); time != kNoTime) return time;
  return fail({Errc::config, fmt::format("'{}' is neither a duration (15m, 2h, 7d) nor an RFC 3339 time", text)});
}

Result<EventQuery> EventQuery::from(const HttpRequest& request, std::int64_t now) {
  EventQuery query;
  MatchEntry entry;
  MatchKeys& keys = entry.wanted;
  for (const auto& [name, value] : request.query) {
    if (name == "kind") {
      Kind kind{};
      if (!find_named(value, Kind::audit, kind)) return wrong(name, value);
      keys.kinds |= 1U << static_cast<unsigned>(kind);
    } else if (name == "level") {
      if (!add_levels(value, keys.levels)) return wrong(name, value);
    } else if (name == "module") {
      keys.modules.push_back(value);
    } else if (name == "asset") {
      keys.assets.push_back(lower(value));
    } else if (name == "host") {
      keys.hosts.push_back(lower(value));
    } else if (name == "scan") {
      keys.scan_ids.push_back(value);
    } else if (name == "type") {
      keys.types.push_back(value);
    } else if (name == "input") {
      keys.inputs.push_back(value);
    } else if (name == "fields") {
      query.fields = value == "true";
    } else if (name == "since") {
      auto since = parse_since(value, now);
      if (!since) return fail(std::move(since).error());
      query.since = *since;
    } else {
      return fail({Errc::config, fmt::format("'{}' is no parameter of this page", name)});
    }
  }
  if (keys != MatchKeys{}) query.match.push_back(std::move(entry));
  return query;
}

class EventStreams::Client {
 public:
  Client(Pipeline& pipeline, const EventQuery& query, Matcher matcher, std::shared_ptr<HttpStream> stream)
      : pipeline_(pipeline),
        since_(query.since),
        matcher_(std::move(matcher)),
        stream_(std::move(stream)),
        reader_(pipeline.journal(),
                query.since == 0 ? pipeline.journal().state().end : pipeline.journal().state().first),
        json_(query.fields ? for_each_field : nullptr),
        journal_id_(pipeline.journal().uuid()) {}

  // False: the client has gone.
  bool pump() {
    if (!stream_->open()) return false;
    for (int i = 0; i < kMaxBatchesATurn; ++i) {
      if (!out_.empty() && !flush()) return stream_->open();
      auto batch = reader_.next();
      if (!batch || !*batch) {
        say_live();
        break;
      }
      encode(**batch);
    }
    if (!out_.empty()) flush();
    return stream_->open();
  }

 private:
  // Once: from here on events come as they are stored.
  void say_live() {
    if (!std::exchange(live_, true)) out_.append(": live\n\n");
  }

  void encode(const Batch& batch) {
    const auto assets = pipeline_.tables().assets();
    BatchReader records(batch);
    Record record;
    while (records.next(record)) {
      if (record.event.kind == Kind::life || record.received < since_) continue;
      const Event& event = record.event;
      const std::string_view asset = assets ? assets->find(event.canonical_host, event.host, event.ip) : "";
      const std::string input = pipeline_.journal().name_of(record.input);
      const StoredRecord stored{record, batch.partition(), records.offset(), records.seq(), journal_id_, input, asset,
                                0};
      if (!matcher_.matches(stored)) continue;
      out_.append("data: ");
      json_.append(stored, out_);
      out_.append("\n\n");
    }
  }

  // False: the client takes nothing now; what is there stays.
  bool flush() {
    while (!out_.empty()) {
      const std::size_t size = std::min(out_.size(), kChunk);
      if (!stream_->send(out_.view().substr(0, size))) return false;
      out_.drop_front(size);
    }
    return true;
  }

  Pipeline& pipeline_;
  std::int64_t since_;
  Matcher matcher_;
  std::shared_ptr<HttpStream> stream_;
  JournalReader reader_;
  JsonEncoder json_;
  std::string journal_id_;
  ByteBuffer out_;
  bool live_ = false;
};

EventStreams::EventStreams(Loop& loop, Pipeline& pipeline)
    : pipeline_(pipeline), stored_(loop, [this] { pump(); }), timer_(loop, [this] { pump(); }) {}

EventStreams::~EventStreams() = default;

Status EventStreams::add(const EventQuery& query, std::shared_ptr<HttpStream> client) {
  auto matcher = Matcher::compile(query.match);
  if (!matcher) return fail(std::move(matcher).error());
  clients_.push_back(std::make_unique<Client>(pipeline_, query, *std::move(matcher), std::move(client)));
  any_.store(true, std::memory_order_relaxed);
  if (!timer_.active()) timer_.start(kPumpMs, kPumpMs);
  return ok();
}

void EventStreams::wake() noexcept {
  if (any_.load(std::memory_order_relaxed)) stored_.ring();
}

void EventStreams::pump() {
  clients_.remove_if([](const auto& client) { return !client->pump(); });
  if (!clients_.empty()) return;
  any_.store(false, std::memory_order_relaxed);
  timer_.stop();
}

}  // namespace thorlog
