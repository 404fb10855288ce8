#include "outputs/shorten.h"

#include <fmt/format.h>

#include <algorithm>

namespace thorlog {
namespace {

constexpr std::size_t kMostField = 120;  // of a name that goes into the reference

bool is_json(Format format) noexcept {
  return format == Format::json1 || format == Format::json2 || format == Format::json3;
}

// At most `most` bytes, not cut inside a character.
std::string_view front_of(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && most - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end);
}

// What a receiver must find again, behind the cut. A value of a field can't hold a blank and a key of its own here:
// scan ids are one word.
std::string reference(const StoredRecord& stored, std::string_view kept) {
  const Event& event = stored.record.event;
  std::string text;
  if (!event.scan_id.empty() && event.scan_id.size() <= kMostField &&
      kept.find(event.scan_id) == std::string_view::npos)
    text += fmt::format(" SCANID: {}", event.scan_id);
  text += fmt::format(" SHORTENED_FROM: {} DEAD_LETTER: {}-{}", event.raw.size(), stored.partition, stored.offset);
  return text;
}

// The begin of the line up to where its JSON begins: the syslog header, as it came.
std::string_view header_of(std::string_view raw) noexcept {
  const std::size_t brace = raw.substr(0, 512).find('{');
  return brace == std::string_view::npos ? std::string_view{} : raw.substr(0, brace);
}

// A JSON document that is cut is none, so its facts are said as THOR says them in text.
std::string text_of_json(const StoredRecord& stored, std::size_t most) {
  const Event& event = stored.record.event;
  std::string level(event.level == Level::none ? "info" : name_of(event.level));
  level[0] = static_cast<char>(level[0] - 'a' + 'A');
  std::string head(header_of(event.raw));
  if (head.find("THOR:") == std::string::npos) head += "THOR: ";
  head += fmt::format("{}: MODULE: {} MESSAGE: ", level, front_of(event.module, kMostField));
  head += front_of(event.message, most);
  return head;
}

}  // namespace

StoredRecord Shortener::shorten(const StoredRecord& stored, std::size_t most) {
  const Event& event = stored.record.event;
  std::string whole = is_json(event.format) ? text_of_json(stored, most) : std::string(front_of(event.raw, most));
  const std::string longest = reference(stored, {});
  raw_ = front_of(whole, most - std::min(most, longest.size()));
  raw_ += reference(stored, raw_);

  record_ = stored.record;
  Event& shorter = record_.event;
  shorter.raw = raw_;
  shorter.flags |= flag::truncated;
  if (is_json(event.format)) shorter.format = Format::text;
  // Views of the old line that could be as long as it was.
  shorter.message = front_of(event.message, most / 4);
  shorter.structured_data = event.structured_data.size() > most / 4 ? std::string_view{} : event.structured_data;
  return {.record = record_,
          .partition = stored.partition,
          .offset = stored.offset,
          .seq = stored.seq,
          .journal_id = stored.journal_id,
          .input_name = stored.input_name,
          .asset = stored.asset,
          .extra_flags = stored.extra_flags,
          .made = true};
}

}  // namespace thorlog
