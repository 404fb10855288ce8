// Which members of an object matter, and which fact each of them gives. Internal to the two readers of JSON.
#pragma once

#include <cstdint>
#include <string_view>

#include "thor/json_facts.h"

namespace thorlog {

// What the inner objects are, whose members matter as well.
enum class JsonPlace : std::uint8_t { top, meta, winlog, event, host };

// A member and what it gives: a text, and perhaps the news that it is there. Those that are no plain text are of the
// other kinds.
struct JsonMember {
  enum Kind : std::uint8_t { none, text, object, log_version, version, score };
  std::string_view key;
  std::string_view JsonFacts::*fact = nullptr;
  bool JsonFacts::*seen = nullptr;
  Kind kind = text;
  JsonPlace place = JsonPlace::top;  // of an object
};

// The member with this key in an object at `place`; kind none when nobody asks for it.
const JsonMember& json_member(JsonPlace place, std::string_view key) noexcept;

}  // namespace thorlog
