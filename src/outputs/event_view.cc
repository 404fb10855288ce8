#include "outputs/event_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "outputs/match_detection.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostKey = 128;

bool is_key(std::string_view text) noexcept {
  return !text.empty() && text.size() <= kMostKey && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
           c == '.' || c == ':';
  });
}

std::string_view key_of(const StoredRecord& stored) noexcept {
  const Record& record = stored.record;
  if (record.event.kind != Kind::detection) return {};
  return !record.detection_key.empty() ? record.detection_key : detection_member(record.event.raw, "key");
}

}  // namespace

std::string event_key(const StoredRecord& stored) {
  const std::string_view key = key_of(stored);
  std::string made =
      is_key(key) ? std::string(key) : fmt::format("{}:{}-{}", stored.journal_id, stored.partition, stored.offset);
  // Who asks for it again wants it to arrive again.
  if ((stored.extra_flags & flag::replayed) != 0) made += ":replayed";
  return made;
}

std::string event_sort(const StoredRecord& stored) {
  const Event& event = stored.record.event;
  if (event.kind != Kind::detection) return fmt::format("{} {}", name_of(event.kind), name_of(event.level));
  return fmt::format("detection {}", detection_type(event.raw).substr(0, 40));
}

std::string_view EventView::of_detection(std::string_view member) const {
  const Event& event = stored_.record.event;
  return event.kind == Kind::detection ? detection_member(event.raw, member) : std::string_view{};
}

std::string_view EventView::stamp(std::int64_t time) {
  if (time == kNoTime) return {};
  made_.resize(kMaxStampLength);
  made_.resize(static_cast<std::size_t>(stamps_.append_rfc3339_nano(made_.data(), time) - made_.data()));
  return made_;
}

std::string_view EventView::text(BodyField field) {
  const Record& record = stored_.record;
  const Event& event = record.event;
  switch (field) {
    case BodyField::id:
      return made_ = fmt::format("{}-{}", stored_.partition, stored_.offset);
    case BodyField::journal_id:
      return stored_.journal_id;
    case BodyField::seq:
      return made_ = std::to_string(stored_.seq);
    case BodyField::received:
      return stamp(record.received);
    case BodyField::timestamp:
      return stamp(event.timestamp);
    case BodyField::input:
      return stored_.input_name;
    case BodyField::peer:
      return record.peer;
    case BodyField::kind:
      return name_of(event.kind);
    case BodyField::format:
      return name_of(event.format);
    case BodyField::host:
      return event.host;
    case BodyField::ip:
      return event.ip;
    case BodyField::app_name:
      return event.app_name;
    case BodyField::asset:
      return stored_.asset_or_host();
    case BodyField::scan_id:
      return event.scan_id;
    case BodyField::group_id:
      return event.group_id;
    case BodyField::level:
      return name_of(event.level);
    case BodyField::module:
      return event.module;
    case BodyField::message:
      return event.message;
    case BodyField::score:
      return std::isfinite(event.score) ? std::string_view(made_ = fmt::format("{}", event.score))
                                        : std::string_view{};
    case BodyField::uid:
      return event.uid;
    case BodyField::parts:
      return made_ = std::to_string(record.parts);
    case BodyField::raw:
      return event.raw;
    case BodyField::type:
      return event.kind == Kind::detection ? detection_type(event.raw) : std::string_view{};
    case BodyField::cause:
      return of_detection("cause");
    case BodyField::confidence:
      return of_detection("confidence");
    case BodyField::summary:
      return event.kind == Kind::detection ? event.message : std::string_view{};
    case BodyField::key:
      return key_of(stored_);
    case BodyField::title:
      return made_ = title();
    case BodyField::event:
    case BodyField::count:
      break;
  }
  return {};
}

std::string EventView::title(std::size_t most) const {
  const Event& event = stored_.record.event;
  const std::string_view level = event.level == Level::none ? name_of(event.kind) : name_of(event.level);
  const std::string_view what = event.message.empty() ? event.raw : event.message;
  return fmt::format("[{}] {}: {}", level, stored_.asset_or_host().substr(0, 80), what.substr(0, most));
}

}  // namespace thorlog
