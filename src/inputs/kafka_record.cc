#include "inputs/kafka_record.h"

#include <xxhash.h>

#include <charconv>
#include <chrono>

namespace thorlog {
namespace {

constexpr std::string_view kPrefix = "kafka:";
constexpr std::size_t kMaxHeader = 4096;  // of one value that is looked at
constexpr std::size_t kMaxId = 64;

template <class T>
bool read_number(std::string_view text, T& to) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size();
}

std::uint32_t read_flags(std::string_view names) noexcept {
  std::uint32_t flags = 0;
  while (!names.empty()) {
    const std::string_view name = names.substr(0, names.find(','));
    for (int bit = 0; bit < flag::count; ++bit) {
      if (flag_name(bit) == name) flags |= 1U << bit;
    }
    names.remove_prefix(std::min(names.size(), name.size() + 1));
  }
  return flags;
}

Kind read_kind(std::string_view name) noexcept {
  if (name == name_of(Kind::detection)) return Kind::detection;
  if (name == name_of(Kind::audit)) return Kind::audit;
  return Kind::syslog;
}

Level read_level(std::string_view name) noexcept {
  for (int i = 1; i <= static_cast<int>(Level::alert); ++i) {
    if (name_of(static_cast<Level>(i)) == name) return static_cast<Level>(i);
  }
  return Level::none;
}

bool is_id(std::string_view text) noexcept {
  if (text.empty() || text.size() > kMaxId) return false;
  for (const char c : text) {
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == '-')) return false;
  }
  return true;
}

struct Names {  // what becomes part of the origin
  bool is_event = false;
  std::string_view journal_id, id;
  std::string_view stream;
};

void take_header(std::string_view name, std::string_view value, Names& names, WholeRecord& record) {
  if (name == "thorlog-event") names.is_event = value == "1";
  if (name == "journal_id") names.journal_id = value;
  if (name == "id") names.id = value;
  if (name == "received") {
    if (const std::int64_t at = read_utc_stamp(value); at != kNoTime) record.received = at;
  }
  if (name == "peer") record.peer = value;
  if (name == "stream") names.stream = value;
  if (name == "kind") record.kind = read_kind(value);
  if (name == "level") record.level = read_level(value);
  if (name == "asset") record.host = value;
  if (name == "scan_id") record.scan_id = value;
  if (name == "group_id") record.group_id = value;
  if (name == "flags") record.flags = read_flags(value);
  if (name == "parts") read_number(value, record.parts);
}

// Each thorlogd counts its connections from one, in each of its lives: with its journal and the peer's port the
// number names one connection among all of theirs.
std::uint32_t stream_name(const Names& names, std::string_view peer) {
  std::string text;
  text.append(names.journal_id).append("/").append(peer).append("/").append(names.stream);
  const auto name = static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
  return name == 0 ? 1 : name;
}

}  // namespace

bool read_whole_record(const rd_kafka_message_t& message, std::string_view raw, std::int64_t now, WholeRecord& record,
                       std::string& origin) {
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return false;
  record = {};
  record.raw = raw;
  record.received = now;
  Names names;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  for (std::size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    if (value == nullptr || size > kMaxHeader) continue;
    take_header(name, {static_cast<const char*>(value), size}, names, record);
  }
  if (!names.is_event) return false;
  if (is_id(names.journal_id) && is_id(names.id))
    origin.append(";").append(names.journal_id).append("/").append(names.id);
  record.origin = origin;
  if (!names.stream.empty()) record.stream = stream_name(names, record.peer);
  return true;
}

void write_origin(std::string& origin, std::int32_t partition, std::int64_t offset) {
  origin.assign(kPrefix);
  char digits[24];
  origin.append(digits, std::to_chars(digits, digits + sizeof digits, partition).ptr);
  origin.push_back(':');
  origin.append(digits, std::to_chars(digits, digits + sizeof digits, offset).ptr);
}

bool read_origin(std::string_view origin, std::int32_t& partition, std::int64_t& offset) {
  if (!origin.starts_with(kPrefix)) return false;
  origin.remove_prefix(kPrefix.size());
  const std::size_t colon = origin.find(':');
  if (colon == std::string_view::npos) return false;
  return read_number(origin.substr(0, colon), partition) && read_number(origin.substr(colon + 1), offset);
}

std::int64_t read_utc_stamp(std::string_view text) noexcept {
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd.dddddddddZ";
  if (text.size() != kShape.size()) return kNoTime;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool fits = kShape[i] == 'd' ? text[i] >= '0' && text[i] <= '9' : text[i] == kShape[i];
    if (!fits) return kNoTime;
  }
  const auto number = [text](std::size_t at, std::size_t length) {
    int value = 0;
    for (const char c : text.substr(at, length)) value = value * 10 + (c - '0');
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!day.ok() || number(0, 4) < 1970 || number(0, 4) > 2200 || hour > 23 || minute > 59 || second > 60)
    return kNoTime;
  const std::int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  return ((days * 24 + hour) * 60 + minute) * 60'000'000'000 + second * 1'000'000'000LL + number(20, 9);
}

}  // namespace thorlog
