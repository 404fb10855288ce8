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

// All keys with what is around them, numbers, stamps and names of ours: what is not text of the line.
constexpr std::size_t kFixedRoom = 1024;

// Writes members one behind the other, where room was made for all of them.
class Members {
 public:
  explicit Members(char* to) : to_(to) {}
  char* end() const noexcept { return to_; }

  // `key` is `,"key":`. Text that may hold anything.
  template <std::size_t N>
  void text(const char (&key)[N], std::string_view value) noexcept {
    if (value.empty()) return;
    bool valid = true;
    to_ = put_json_string(put_literal(to_, key), value, valid);
  }
  // Text of ours that needs no escaping.
  template <std::size_t N>
  void name(const char (&key)[N], std::string_view value) noexcept {
    if (value.empty()) return;
    to_ = put_literal(to_, key);
    *to_++ = '"';
    to_ = put_text(to_, value);
    *to_++ = '"';
  }
  template <std::size_t N>
  void number(const char (&key)[N], std::uint64_t value) noexcept {
    to_ = put_decimal(put_literal(to_, key), value);
  }
  template <std::size_t N>
  void stamp(const char (&key)[N], StampCache& cache, std::int64_t time) noexcept {
    if (time == kNoTime) return;
    to_ = put_literal(to_, key);
    *to_++ = '"';
    to_ = cache.append_rfc3339_nano(to_, time);
    *to_++ = '"';
  }
  void score(double value) noexcept {
    if (!std::isfinite(value)) return;
    to_ = put_literal(to_, R"(,"score":)");
    to_ = std::to_chars(to_, to_ + 32, value).ptr;
  }
  void flags(std::uint32_t flags) noexcept {
    if ((flags & ((1U << flag::count) - 1)) == 0) return;
    to_ = put_literal(to_, R"(,"flags":)");
    char before = '[';
    for (int bit = 0; bit < flag::count; ++bit) {
      if ((flags >> bit & 1U) == 0) continue;
      *to_++ = before;
      name("", flag_name(bit));
      before = ',';
    }
    *to_++ = ']';
  }
  void id(const StoredRecord& stored, std::string_view first) noexcept {
    if (!first.empty()) {
      to_ = put_literal(to_, R"({"id":)");
      bool valid = true;
      to_ = put_json_string(to_, first, valid);
      return;
    }
    to_ = put_decimal(put_literal(to_, R"({"id":")"), stored.partition);
    *to_++ = '-';
    to_ = put_decimal(to_, stored.offset);
    *to_++ = '"';
  }

 private:
  char* to_;
};

std::size_t length_of_texts(const StoredRecord& stored) noexcept {
  const Record& record = stored.record;
  const Event& event = record.event;
  return stored.journal_id.size() + record.origin.size() + stored.input_name.size() + record.peer.size() +
         record.peer_identity.size() + event.host.size() + event.ip.size() + event.app_name.size() +
         event.procid.size() + event.msgid.size() + stored.asset_or_host().size() + event.scan_id.size() +
         event.group_id.size() + event.module.size() + event.message.size() + event.uid.size();
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

}  // namespace

void JsonEncoder::append(const StoredRecord& stored, ByteBuffer& out) {
  const Record& record = stored.record;
  const Event& event = record.event;
  Members members(out.reserve(kFixedRoom + json_string_room(length_of_texts(stored))));
  const auto [first_journal, first_id] = stored.first_id();
  members.id(stored, first_id);
  members.text(R"(,"journal_id":)", first_id.empty() ? stored.journal_id : first_journal);
  members.number(R"(,"seq":)", stored.seq);
  members.stamp(R"(,"received":)", received_, record.received);
  members.stamp(R"(,"timestamp":)", timestamp_, event.timestamp);
  members.text(R"(,"input":)", stored.input_name);
  members.text(R"(,"peer":)", record.peer);
  members.text(R"(,"peer_identity":)", record.peer_identity);
  members.name(R"(,"kind":)", name_of(event.kind));
  members.name(R"(,"format":)", name_of(event.format));
  if (event.priority < 192) {
    members.name(R"(,"facility":)", kFacilities[event.priority / 8U]);
    members.name(R"(,"severity":)", kSeverities[event.priority % 8U]);
  }
  members.text(R"(,"host":)", event.host);
  members.text(R"(,"ip":)", event.ip);
  members.text(R"(,"app_name":)", event.app_name);
  members.text(R"(,"procid":)", event.procid);
  members.text(R"(,"msgid":)", event.msgid);
  members.text(R"(,"asset":)", stored.asset_or_host());
  members.text(R"(,"scan_id":)", event.scan_id);
  members.text(R"(,"group_id":)", event.group_id);
  members.name(R"(,"level":)", name_of(event.level));
  members.text(R"(,"module":)", event.module);
  members.text(R"(,"message":)", event.message);
  members.score(event.score);
  members.text(R"(,"uid":)", event.uid);
  if (record.parts > 1) members.number(R"(,"parts":)", record.parts);
  members.flags(stored.flags());
  out.commit_to(members.end());
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
