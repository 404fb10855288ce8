#include "outputs/kafka_headers.h"

#include <array>
#include <charconv>
#include <cmath>

#include "thorlog/result.h"
#include "wire/digits.h"

namespace thorlog {
namespace {

constexpr std::uint32_t kKnownFlags = (1U << flag::count) - 1;

enum Name : std::uint8_t {
  kEvent,
  kJournalId,
  kId,
  kReceived,
  kPeer,
  kStream,
  kKind,
  kScanId,
  kGroupId,
  kAsset,
  kLevel,
  kModule,
  kScore,
  kParts,
  kFlags,
  kNames
};
constexpr std::array<std::string_view, kNames> kTexts = {
    "thorlog-event", "journal_id", "id",    "received", "peer",  "stream", "kind", "scan_id",
    "group_id",      "asset",      "level", "module",   "score", "parts",  "flags"};
static_assert(kNames <= KafkaHeaderPool::kMostHeaders);

// The headers of one record; their texts are views, or stand in here.
class Gathered {
 public:
  void add(Name name, std::string_view value) { headers_[count_++] = {name, value}; }
  void add_known(Name name, std::string_view value) {
    if (!value.empty()) add(name, value);
  }
  void add_number(Name name, std::uint64_t value) { end_text(name, put_decimal(end_, value)); }
  // Where a text may be written, of at most kLongest bytes; end_text() takes it.
  static constexpr std::size_t kLongest = flag::count * 24;
  char* begin_text() noexcept { return end_; }
  void end_text(Name name, char* end) {
    add(name, {end_, static_cast<std::size_t>(end - end_)});
    end_ = end;
  }
  std::span<const KafkaHeaderPool::Header> all() const noexcept { return {headers_.data(), count_}; }

 private:
  std::array<KafkaHeaderPool::Header, kNames> headers_;
  std::size_t count_ = 0;
  std::array<char, kLongest + 8 * 32> texts_;
  char* end_ = texts_.data();
};

void add_id(Gathered& headers, const StoredRecord& stored) {
  if (const auto [journal_id, id] = stored.first_id(); !id.empty()) {
    headers.add(kJournalId, journal_id);
    headers.add(kId, id);
    return;
  }
  headers.add(kJournalId, stored.journal_id);
  char* end = put_decimal(headers.begin_text(), stored.partition);
  *end++ = '-';
  headers.end_text(kId, put_decimal(end, stored.offset));
}

void add_score(Gathered& headers, double score) {
  if (!std::isfinite(score)) return;
  char* text = headers.begin_text();
  headers.end_text(kScore, std::to_chars(text, text + 32, score).ptr);
}

void add_flags(Gathered& headers, std::uint32_t flags) {
  if ((flags & kKnownFlags) == 0) return;
  char* const text = headers.begin_text();
  char* end = text;
  for (int bit = 0; bit < flag::count; ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    if (end != text) *end++ = ',';
    end = put_text(end, flag_name(bit));
  }
  headers.end_text(kFlags, end);
}

}  // namespace

KafkaHeaders::KafkaHeaders() : pool_(kTexts) {}

KafkaHeaders::List KafkaHeaders::make(const StoredRecord& stored) {
  const Record& record = stored.record;
  const Event& event = record.event;
  Gathered headers;
  headers.add(kEvent, "1");
  add_id(headers, stored);
  headers.end_text(kReceived, received_.append_rfc3339_nano(headers.begin_text(), record.received));
  headers.add_known(kPeer, record.peer);
  if (record.stream != 0) headers.add_number(kStream, record.stream);
  // What the line itself says is found again by reading it; our own records are no lines.
  if (event.kind == Kind::detection || event.kind == Kind::audit) headers.add(kKind, name_of(event.kind));
  headers.add_known(kScanId, event.scan_id);
  headers.add_known(kGroupId, event.group_id);
  headers.add_known(kAsset, stored.asset_or_host());
  headers.add_known(kLevel, name_of(event.level));
  headers.add_known(kModule, event.module);
  add_score(headers, event.score);
  if (record.parts > 1) headers.add_number(kParts, record.parts);
  add_flags(headers, stored.flags());
  return pool_.make(headers.all());
}

}  // namespace thorlog
