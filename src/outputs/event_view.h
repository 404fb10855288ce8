// What a webhook's bodies say of an event, as text: each field by name, and a detection's own. Views, one thread.
#pragma once

#include <string>
#include <string_view>

#include "config/body_template.h"
#include "wire/stored_record.h"
#include "wire/text_time.h"

namespace thorlog {

// The id that is the same whatever happens: a detection's key, else "JOURNAL_ID:PARTITION-OFFSET". Letters, digits
// and few marks only, so that it can be a header's value.
std::string event_key(const StoredRecord& stored);

// Which messages are of one sort, for storms: the type of a detection, kind and level of other lines.
std::string event_sort(const StoredRecord& stored);

class EventView {
 public:
  explicit EventView(const StoredRecord& stored) : stored_(stored) {}

  // The bytes of the field; empty: the event has none. They live until the next call. Not for BodyField::event.
  std::string_view text(BodyField field);
  static bool is_number(BodyField field) noexcept {
    return field == BodyField::seq || field == BodyField::score || field == BodyField::parts;
  }
  // One line: "[alert] srv01: Malware file found"; any bytes, `most` of the message.
  std::string title(std::size_t most = 400) const;

 private:
  std::string_view of_detection(std::string_view member) const;
  std::string_view stamp(std::int64_t time);

  const StoredRecord& stored_;
  std::string made_;
  StampCache stamps_;
};

}  // namespace thorlog
