#include "wire/encode_json.h"

#include <array>
#include <charconv>
#include <cmath>

#include "wire/digits.h"
#include "wire/encode_json_text.h"

namespace thorlog {
namespace {

constexpr std::array<std::string_view, 24> kFacilities = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7"};
constexpr std::array<std::string_view, 8> kSeverities = {"emerg",   "alert",  "crit", "err",
                                                         "warning", "notice", "info", "debug"};

// `,"key":` for each; text that may hold anything.
void member(ByteBuffer& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.append(key);
  append_json_string(out, value);
}

// Text of our own that needs no escaping.
void tame_member(ByteBuffer& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  char* to = out.reserve(key.size() + value.size() + 2);
  std::memcpy(to, key.data(), key.size());
  to += key.size();
  *to++ = '"';
  std::memcpy(to, value.data(), value.size());
  to += value.size();
  *to++ = '"';
  out.commit_to(to);
}

void number_member(ByteBuffer& out, std::string_view key, std::uint64_t value) {
  out.append(key);
  out.commit_to(put_decimal(out.reserve(kMaxDigits), value));
}

void stamp_member(ByteBuffer& out, std::string_view key, StampCache& cache, std::int64_t time) {
  if (time == kNoTime) return;
  out.append(key);
  char* to = out.reserve(kMaxStampLength + 2);
  *to++ = '"';
  to = cache.append_rfc3339_nano(to, time);
  *to++ = '"';
  out.commit_to(to);
}

void score_member(ByteBuffer& out, double score) {
  if (!std::isfinite(score)) return;
  out.append(R"(,"score":)");
  char* const to = out.reserve(32);
  out.commit_to(std::to_chars(to, to + 32, score).ptr);
}

void flags_member(ByteBuffer& out, std::uint32_t flags) {
  if ((flags & ((1U << flag::count) - 1)) == 0) return;
  char before = '[';
  out.append(R"(,"flags":)");
  for (int bit = 0; bit < flag::count; ++bit) {
    if ((flags >> bit & 1U) == 0) continue;
    out.push_back(before);
    tame_member(out, "", flag_name(bit));
    before = ',';
  }
  out.push_back(']');
}

bool detection_member(ByteBuffer& out, const Event& event) {
  if (event.kind != Kind::detection || !event.raw.starts_with('{')) return false;
  const std::size_t before = out.size();
  out.append(R"(,"detection":)");
  if (append_json_value(out, event.raw)) return true;
  out.truncate(before);
  return false;
}

void raw_member(ByteBuffer& out, std::string_view raw) {
  out.append(R"(,"raw":)");
  if (append_json_string(out, raw)) return;
  out.append(R"(,"raw_base64":")");
  append_base64(out, raw);
  out.push_back('"');
}

void id_member(ByteBuffer& out, const StoredRecord& stored) {
  out.append(R"({"id":")");
  char* to = out.reserve(2 * kMaxDigits + 2);
  to = put_decimal(to, stored.partition);
  *to++ = '-';
  to = put_decimal(to, stored.offset);
  *to++ = '"';
  out.commit_to(to);
}

}  // namespace

void JsonEncoder::append(const StoredRecord& stored, ByteBuffer& out) {
  const Record& record = stored.record;
  const Event& event = record.event;
  id_member(out, stored);
  member(out, R"(,"journal_id":)", stored.journal_id);
  number_member(out, R"(,"seq":)", stored.seq);
  stamp_member(out, R"(,"received":)", received_, record.received);
  stamp_member(out, R"(,"timestamp":)", timestamp_, event.timestamp);
  member(out, R"(,"input":)", stored.input_name);
  member(out, R"(,"peer":)", record.peer);
  member(out, R"(,"peer_identity":)", record.peer_identity);
  tame_member(out, R"(,"kind":)", name_of(event.kind));
  tame_member(out, R"(,"format":)", name_of(event.format));
  if (event.priority < 192) {
    tame_member(out, R"(,"facility":)", kFacilities[event.priority / 8U]);
    tame_member(out, R"(,"severity":)", kSeverities[event.priority % 8U]);
  }
  member(out, R"(,"host":)", event.host);
  member(out, R"(,"ip":)", event.ip);
  member(out, R"(,"app_name":)", event.app_name);
  member(out, R"(,"procid":)", event.procid);
  member(out, R"(,"msgid":)", event.msgid);
  member(out, R"(,"asset":)", stored.asset_or_host());
  member(out, R"(,"scan_id":)", event.scan_id);
  member(out, R"(,"group_id":)", event.group_id);
  tame_member(out, R"(,"level":)", name_of(event.level));
  member(out, R"(,"module":)", event.module);
  member(out, R"(,"message":)", event.message);
  score_member(out, event.score);
  member(out, R"(,"uid":)", event.uid);
  if (record.parts > 1) number_member(out, R"(,"parts":)", record.parts);
  flags_member(out, stored.flags());
  if (fields_ != nullptr) append_fields(event, out);
  const bool is_detection = detection_member(out, event);
  raw_member(out, is_detection && !event.message.empty() ? event.message : event.raw);
  out.push_back('}');
}

void JsonEncoder::append_fields(const Event& event, ByteBuffer& out) const {
  char before = '{';
  const std::size_t start = out.size();
  out.append(R"(,"fields":)");
  const auto sink = [&out, &before](std::string_view key, std::string_view value, bool is_json) {
    out.push_back(before);
    before = ',';
    append_json_string(out, key);
    out.push_back(':');
    // Values that call themselves JSON come out of the line, so they are looked at again.
    if (!is_json || !append_json_value(out, value)) append_json_string(out, value);
  };
  fields_(event, std::cref(sink));
  if (before == '{') return out.truncate(start);
  out.push_back('}');
}

}  // namespace thorlog
