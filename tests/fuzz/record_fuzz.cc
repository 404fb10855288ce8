// Records as a hostile disk may hold them: first the bytes as they are, then with a header whose lengths agree, so
// that the attributes behind it are reached. What decodes must encode to something that decodes to the same.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "journal/layout.h"
#include "journal/record_codec.h"

namespace {

using namespace thorlog;

std::size_t touch(std::string_view text) {
  std::size_t sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  return sum;
}

void look_at(const Record& record) {
  const Event& event = record.event;
  std::size_t sum = 0;
  for (const std::string_view text :
       {event.raw, event.host, event.ip, event.app_name, event.procid, event.msgid, event.structured_data,
        event.module, event.message, event.scan_id, event.uid, event.canonical_host, event.group_id, record.peer,
        record.peer_identity, record.origin, record.detection_key}) {
    sum += touch(text);
  }
  for (const Piece& piece : record.pieces) sum += touch(piece.stripped);
  [[maybe_unused]] volatile std::size_t sink = sum;
}

void decode_and_encode(std::span<const std::byte> bytes) {
  const Checksum checksum(7);
  Record record;
  std::vector<Piece> pieces;
  if (!decode_record(bytes, record, pieces)) return;
  look_at(record);
  std::vector<std::byte> again(encoded_bound(record));
  again.resize(encode_record(record, checksum, again.data()));
  Record second;
  std::vector<Piece> second_pieces;
  const bool same = is_record_sound(again, checksum) && decode_record(again, second, second_pieces) &&
                    second.event.raw == record.event.raw && second.event.message == record.event.message &&
                    second.event.canonical_host == record.event.canonical_host && second.peer == record.peer &&
                    second.pieces.size() == record.pieces.size();
  if (!same) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A block of exactly this size: one byte too far is noticed.
  const std::size_t whole = size / 8 * 8;
  const auto block = std::make_unique<std::byte[]>(whole);
  std::memcpy(block.get(), data, whole);
  const std::span<std::byte> bytes(block.get(), whole);
  decode_and_encode(bytes);
  if (whole < sizeof(RecordHeader)) return 0;
  auto header = header_at<RecordHeader>(bytes.data());
  const auto room = static_cast<std::uint32_t>(whole - sizeof header);
  header.bytes = static_cast<std::uint32_t>(whole);
  header.attributes_length = std::min(header.attributes_length % (room + 1), room);
  header.raw_length = room - header.attributes_length;
  std::memcpy(bytes.data(), &header, sizeof header);
  decode_and_encode(bytes);
  return 0;
}
