#include "journal/record_codec.h"

#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "journal/layout.h"

namespace thorlog {
namespace {

// Types of attributes. Stored: add at the end, never renumber.
enum Attribute : std::uint8_t {
  kViews16 = 1,  // mask u32 of text fields, then for each bit from the lowest: offset u16, length u16 into raw
  kViews32 = 2,  // the same with u32
  kText = 3,     // bytes of one text field that does not lie in raw; `detail` is its number
  kTimestamp = 4,
  kScore = 5,
  kPeer = 6,
  kPeerIdentity = 7,
  kPlace = 8,  // stream u32, frame u32
  kOrigin = 9,
  kDetectionKey = 10,
  kPieces = 11,  // for each: length u32, delay u32, stripped length u32, stripped bytes
};

// The text fields by their stored number: add at the end, never reorder.
constexpr std::array<std::string_view Event::*, 12> kTextFields = {&Event::host,           &Event::ip,
                                                                   &Event::app_name,       &Event::procid,
                                                                   &Event::msgid,          &Event::structured_data,
                                                                   &Event::module,         &Event::message,
                                                                   &Event::scan_id,        &Event::uid,
                                                                   &Event::canonical_host, &Event::group_id};

// type u8, detail u8, length u16; 0xffff says that the length follows as u32.
constexpr std::uint32_t kLongLength = 0xffff;
constexpr std::size_t kAttributeHeader = 4;
constexpr std::size_t kLongAttributeHeader = 8;

template <class T>
T load(const std::byte* at) noexcept {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

template <class T>
std::byte* store(std::byte* at, T value) noexcept {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

std::byte* put_bytes(std::byte* at, std::string_view bytes) noexcept {
  if (!bytes.empty()) std::memcpy(at, bytes.data(), bytes.size());  // memcpy wants no null pointer, even for nothing
  return at + bytes.size();
}

std::byte* put_header(std::byte* at, Attribute type, std::size_t detail, std::size_t length) noexcept {
  const auto head = static_cast<std::uint32_t>(type | (detail << 8));
  if (length < kLongLength) return store(at, head | static_cast<std::uint32_t>(length << 16));
  at = store(at, head | (kLongLength << 16));
  return store(at, static_cast<std::uint32_t>(length));
}

std::byte* put_text(std::byte* at, Attribute type, std::size_t detail, std::string_view text) noexcept {
  return put_bytes(put_header(at, type, detail, text.size()), text);
}

bool lies_in(std::string_view text, std::string_view raw) noexcept {
  const auto text_at = reinterpret_cast<std::uintptr_t>(text.data());
  const auto raw_at = reinterpret_cast<std::uintptr_t>(raw.data());
  return text_at >= raw_at && text_at + text.size() <= raw_at + raw.size();
}

// Each text field as a view when it lies in raw; the numbers of the others are collected.
template <class Number>
class ViewWriter {
 public:
  ViewWriter(std::byte* at, std::string_view raw) noexcept : begin_(at), at_(at + kAttributeHeader + 4), raw_(raw) {}

  void add(std::uint32_t bit, std::string_view text) noexcept {
    if (text.empty()) return;
    if (!lies_in(text, raw_)) {
      others_ |= bit;
      return;
    }
    mask_ |= bit;
    at_ = store(at_, static_cast<Number>(text.data() - raw_.data()));
    at_ = store(at_, static_cast<Number>(text.size()));
  }

  std::byte* finish(Attribute type, std::uint32_t& others) noexcept {
    others = others_;
    if (mask_ == 0) return begin_;
    store(put_header(begin_, type, 0, static_cast<std::size_t>(at_ - begin_) - kAttributeHeader), mask_);
    return at_;
  }

 private:
  std::byte* const begin_;
  std::byte* at_;
  const std::string_view raw_;
  std::uint32_t mask_ = 0;
  std::uint32_t others_ = 0;
};

template <class Number, std::size_t... I>
std::byte* put_views(std::byte* at, const Event& event, Attribute type, std::uint32_t& others,
                     std::index_sequence<I...> /*unrolled*/) noexcept {
  ViewWriter<Number> views(at, event.raw);
  (views.add(1U << I, event.*kTextFields[I]), ...);
  return views.finish(type, others);
}

std::byte* put_text_fields(std::byte* at, const Event& event) noexcept {
  std::uint32_t others = 0;
  constexpr auto kAll = std::make_index_sequence<kTextFields.size()>();
  at = event.raw.size() <= 0xffff ? put_views<std::uint16_t>(at, event, kViews16, others, kAll)
                                  : put_views<std::uint32_t>(at, event, kViews32, others, kAll);
  for (; others != 0; others &= others - 1) {
    const auto field = static_cast<std::size_t>(std::countr_zero(others));
    at = put_text(at, kText, field, event.*kTextFields[field]);
  }
  return at;
}

std::size_t pieces_length(std::span<const Piece> pieces) noexcept {
  std::size_t length = 0;
  for (const Piece& piece : pieces) length += 12 + piece.stripped.size();
  return length;
}

std::byte* put_pieces(std::byte* at, std::span<const Piece> pieces) noexcept {
  at = put_header(at, kPieces, 0, pieces_length(pieces));
  for (const Piece& piece : pieces) {
    at = store(at, piece.length);
    at = store(at, piece.delay_ms);
    at = store(at, static_cast<std::uint32_t>(piece.stripped.size()));
    at = put_bytes(at, piece.stripped);
  }
  return at;
}

std::byte* put_attributes(std::byte* at, const Record& record) noexcept {
  at = put_text_fields(at, record.event);
  if (record.event.timestamp != kNoTime) at = store(put_header(at, kTimestamp, 0, 8), record.event.timestamp);
  if (record.event.has_score()) at = store(put_header(at, kScore, 0, 8), record.event.score);
  if (!record.peer.empty()) at = put_text(at, kPeer, 0, record.peer);
  if (!record.peer_identity.empty()) at = put_text(at, kPeerIdentity, 0, record.peer_identity);
  if (record.stream != 0 || record.frame != 0)
    at = store(store(put_header(at, kPlace, 0, 8), record.stream), record.frame);
  if (!record.origin.empty()) at = put_text(at, kOrigin, 0, record.origin);
  if (!record.detection_key.empty()) at = put_text(at, kDetectionKey, 0, record.detection_key);
  if (!record.pieces.empty()) at = put_pieces(at, record.pieces);
  return at;
}

// A RecordHeader but for its checksum, in words of eight bytes as the checksum reads them: it would have to wait for
// narrower stores (36 ns for each record).
void put_record_header(std::byte* at, const Record& record, std::size_t bytes, std::size_t attributes) noexcept {
  const Event& event = record.event;
  const auto at_bit = [](std::uint64_t value, unsigned bit) { return value << bit; };
  at = store(at, bytes | at_bit(event.raw.size(), 32));
  at = store(at, attributes | at_bit(static_cast<std::uint8_t>(event.kind), 32) |
                     at_bit(static_cast<std::uint8_t>(event.format), 40) |
                     at_bit(static_cast<std::uint8_t>(event.level), 48) | at_bit(event.priority, 56));
  at = store(at, event.flags | at_bit(record.input, 32) | at_bit(record.parts, 48));
  store(at, record.received);
}
static_assert(offsetof(RecordHeader, raw_length) == 4 && offsetof(RecordHeader, attributes_length) == 8 &&
              offsetof(RecordHeader, kind) == 12 && offsetof(RecordHeader, priority) == 15 &&
              offsetof(RecordHeader, flags) == 16 && offsetof(RecordHeader, input) == 20 &&
              offsetof(RecordHeader, parts) == 22 && offsetof(RecordHeader, received) == 24);

template <class Number>
bool get_views(const std::byte* at, std::size_t length, Event& event) noexcept {
  if (length < 4) return false;
  const std::byte* const end = at + length;
  std::uint32_t mask = load<std::uint32_t>(at);
  at += 4;
  for (; mask != 0; mask &= mask - 1, at += 2 * sizeof(Number)) {
    if (static_cast<std::size_t>(end - at) < 2 * sizeof(Number)) return false;
    const auto field = static_cast<std::size_t>(std::countr_zero(mask));
    const std::size_t offset = load<Number>(at);
    const std::size_t size = load<Number>(at + sizeof(Number));
    if (offset > event.raw.size() || size > event.raw.size() - offset) return false;
    if (field < kTextFields.size()) event.*kTextFields[field] = {event.raw.data() + offset, size};
  }
  return true;
}

bool get_pieces(const std::byte* at, std::size_t length, std::vector<Piece>& pieces) {
  while (length > 0) {
    if (length < 12) return false;
    const std::size_t stripped = load<std::uint32_t>(at + 8);
    if (stripped > length - 12) return false;
    pieces.push_back(
        {load<std::uint32_t>(at), load<std::uint32_t>(at + 4), {reinterpret_cast<const char*>(at + 12), stripped}});
    at += 12 + stripped;
    length -= 12 + stripped;
  }
  return true;
}

bool get_attribute(std::uint32_t head, const std::byte* at, std::size_t length, Record& record,
                   std::vector<Piece>& pieces) {
  const std::string_view text{reinterpret_cast<const char*>(at), length};
  switch (head & 0xff) {
    case kViews16:
      return get_views<std::uint16_t>(at, length, record.event);
    case kViews32:
      return get_views<std::uint32_t>(at, length, record.event);
    case kText:
      if (const std::size_t field = (head >> 8) & 0xff; field < kTextFields.size())
        record.event.*kTextFields[field] = text;
      return true;
    case kTimestamp:
      if (length != 8) return false;
      record.event.timestamp = load<std::int64_t>(at);
      return true;
    case kScore:
      if (length != 8) return false;
      record.event.score = load<double>(at);
      return true;
    case kPlace:
      if (length != 8) return false;
      record.stream = load<std::uint32_t>(at);
      record.frame = load<std::uint32_t>(at + 4);
      return true;
    case kPeer:
      record.peer = text;
      return true;
    case kPeerIdentity:
      record.peer_identity = text;
      return true;
    case kOrigin:
      record.origin = text;
      return true;
    case kDetectionKey:
      record.detection_key = text;
      return true;
    case kPieces:
      return get_pieces(at, length, pieces);
    default:
      return true;  // of a later version
  }
}

bool get_attributes(const std::byte* at, std::size_t left, Record& record, std::vector<Piece>& pieces) {
  while (left > 0) {
    if (left < kAttributeHeader) return false;
    const auto head = load<std::uint32_t>(at);
    std::size_t length = head >> 16;
    std::size_t used = kAttributeHeader;
    if (length == kLongLength) {
      if (left < kLongAttributeHeader) return false;
      length = load<std::uint32_t>(at + kAttributeHeader);
      used = kLongAttributeHeader;
    }
    if (length > left - used) return false;
    if (!get_attribute(head, at + used, length, record, pieces)) return false;
    at += used + length;
    left -= used + length;
  }
  return true;
}

// A value that this version does not know reads as the plainest one.
template <class Enum>
Enum known(std::uint8_t value, Enum last) noexcept {
  return value <= static_cast<std::uint8_t>(last) ? static_cast<Enum>(value) : Enum{};
}

// A new field must be encoded, decoded and cleared below.
static_assert(sizeof(Event) == 232 && sizeof(Record) == 344);

// Field by field: `record = Record{}` becomes a string instruction that takes as long as all the rest of decoding.
template <std::size_t... I>
void clear(Record& record, std::index_sequence<I...> /*unrolled*/) noexcept {
  ((record.event.*kTextFields[I] = {}), ...);
  record.event.timestamp = kNoTime;
  record.event.score = std::numeric_limits<double>::quiet_NaN();
  record.peer = {};
  record.peer_identity = {};
  record.stream = 0;
  record.frame = 0;
  record.origin = {};
  record.detection_key = {};
  record.pieces = {};
}

}  // namespace

std::size_t encoded_bound(const Record& record) noexcept {
  constexpr std::size_t kFixed = sizeof(RecordHeader) + 8 /* padding */ + kAttributeHeader + 4 +
                                 kTextFields.size() * 8 /* views */ + 3 * (kAttributeHeader + 8) +
                                 (kTextFields.size() + 5) * kLongAttributeHeader;
  std::size_t bound = kFixed + record.event.raw.size() + record.peer.size() + record.peer_identity.size() +
                      record.origin.size() + record.detection_key.size() + pieces_length(record.pieces);
  for (const auto field : kTextFields) bound += (record.event.*field).size();
  return round_up(bound, 8);
}

std::size_t encode_record(const Record& record, const Checksum& checksum, std::byte* to) noexcept {
  const Event& event = record.event;
  std::byte* const attributes = to + sizeof(RecordHeader);
  std::byte* const raw = put_attributes(attributes, record);
  std::byte* const end = put_bytes(raw, event.raw);
  store(end, std::uint64_t{0});  // the padding, and a few bytes behind it
  const std::size_t bytes = round_up(static_cast<std::size_t>(end - to), 8);
  put_record_header(to, record, bytes, static_cast<std::size_t>(raw - attributes));
  store(to + offsetof(RecordHeader, checksum), checksum.of_record(to, bytes));
  return bytes;
}

std::size_t record_length(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < sizeof(RecordHeader)) return 0;
  const auto header = header_at<RecordHeader>(bytes.data());
  const std::uint64_t used = sizeof(RecordHeader) + std::uint64_t{header.attributes_length} + header.raw_length;
  if (header.bytes != round_up(used, 8) || header.bytes > bytes.size()) return 0;
  return header.bytes;
}

bool is_record_sound(std::span<const std::byte> bytes, const Checksum& checksum) noexcept {
  return header_at<RecordHeader>(bytes.data()).checksum == checksum.of_record(bytes.data(), bytes.size());
}

bool decode_line(std::span<const std::byte> bytes, Record& record) noexcept {
  if (record_length(bytes) != bytes.size() || bytes.empty()) return false;
  const auto header = header_at<RecordHeader>(bytes.data());
  const std::byte* const attributes = bytes.data() + sizeof(RecordHeader);
  record.event.raw = {reinterpret_cast<const char*>(attributes + header.attributes_length), header.raw_length};
  record.event.kind = known(header.kind, Kind::life);
  record.event.format = known(header.format, Format::agent);
  record.event.level = known(header.level, Level::alert);
  record.event.priority = header.priority <= 191 ? header.priority : kNoPriority;
  record.event.flags = header.flags;
  record.input = header.input;
  record.parts = header.parts;
  record.received = header.received;
  return true;
}

bool decode_record(std::span<const std::byte> bytes, Record& record, std::vector<Piece>& pieces) {
  clear(record, std::make_index_sequence<kTextFields.size()>());
  if (!decode_line(bytes, record)) return false;
  pieces.clear();
  const std::byte* const attributes = bytes.data() + sizeof(RecordHeader);
  const auto length = load<std::uint32_t>(bytes.data() + offsetof(RecordHeader, attributes_length));
  if (!get_attributes(attributes, length, record, pieces)) return false;
  record.pieces = pieces;
  return true;
}

}  // namespace thorlog
