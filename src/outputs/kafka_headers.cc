#include "outputs/kafka_headers.h"

#include <array>
#include <charconv>
#include <cmath>

#include "thorlog/result.h"
#include "wire/digits.h"

namespace thorlog {
namespace {

constexpr std::size_t kUsualCount = 10;
constexpr std::uint32_t kKnownFlags = (1U << flag::count) - 1;

class Adder {
 public:
  explicit Adder(rd_kafka_headers_t& headers) : headers_(headers) {}

  template <std::size_t N>
  void add(const char (&name)[N], std::string_view value) {
    // Fails only without memory for it.
    THORLOG_ASSERT(rd_kafka_header_add(&headers_, name, N - 1, value.data(), static_cast<ssize_t>(value.size())) ==
                   RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  template <std::size_t N>
  void add_known(const char (&name)[N], std::string_view value) {
    if (!value.empty()) add(name, value);
  }
  template <std::size_t N>
  void add_number(const char (&name)[N], std::uint64_t value) {
    std::array<char, kMaxDigits> text;
    add(name, {text.data(), static_cast<std::size_t>(put_decimal(text.data(), value) - text.data())});
  }

 private:
  rd_kafka_headers_t& headers_;
};

std::string_view text_between(const char* from, const char* to) {
  return {from, static_cast<std::size_t>(to - from)};
}

void add_id(Adder& headers, const StoredRecord& stored) {
  if (const auto [journal_id, id] = stored.first_id(); !id.empty()) {
    headers.add("journal_id", journal_id);
    headers.add("id", id);
    return;
  }
  headers.add("journal_id", stored.journal_id);
  std::array<char, 2 * kMaxDigits + 1> text;
  char* end = put_decimal(text.data(), stored.partition);
  *end++ = '-';
  headers.add("id", text_between(text.data(), put_decimal(end, stored.offset)));
}

void add_score(Adder& headers, double score) {
  if (!std::isfinite(score)) return;
  std::array<char, 32> text;
  headers.add("score", text_between(text.data(), std::to_chars(text.data(), text.data() + text.size(), score).ptr));
}

void add_flags(Adder& headers, std::uint32_t flags) {
  if ((flags & kKnownFlags) == 0) return;
  std::array<char, flag::count * 24> text;
  char* end = text.data();
  for (int bit = 0; bit < flag::count; ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    if (end != text.data()) *end++ = ',';
    end = put_text(end, flag_name(bit));
  }
  headers.add("flags", text_between(text.data(), end));
}

}  // namespace

rd_kafka_headers_t* KafkaHeaders::make(const StoredRecord& stored) {
  const Record& record = stored.record;
  const Event& event = record.event;
  rd_kafka_headers_t* made = rd_kafka_headers_new(kUsualCount);
  Adder headers(*made);
  headers.add("thorlog-event", "1");
  add_id(headers, stored);
  std::array<char, kMaxStampLength> stamp;
  headers.add("received", text_between(stamp.data(), received_.append_rfc3339_nano(stamp.data(), record.received)));
  headers.add_known("peer", record.peer);
  if (record.stream != 0) headers.add_number("stream", record.stream);
  // What the line itself says is found again by reading it; our own records are no lines.
  if (event.kind == Kind::detection || event.kind == Kind::audit) headers.add("kind", name_of(event.kind));
  headers.add_known("scan_id", event.scan_id);
  headers.add_known("group_id", event.group_id);
  headers.add_known("asset", stored.asset_or_host());
  headers.add_known("level", name_of(event.level));
  headers.add_known("module", event.module);
  add_score(headers, event.score);
  if (record.parts > 1) headers.add_number("parts", record.parts);
  add_flags(headers, stored.flags());
  return made;
}

}  // namespace thorlog
