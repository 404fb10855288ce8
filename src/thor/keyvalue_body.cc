// THOR's KEY='value' form, with either quote (domain notes 1.9). How a quote inside a value is written is not
// documented, so a value ends at a quote that the line's end or another KEY= and the same quote follows.
#include "thor/keyvalue.h"

#include <cmath>
#include <cstring>

#include "thor/keys.h"
#include "thor/lex.h"
#include "thor/parse_work.h"
#include "thor/scan_id.h"

namespace thorlog {
namespace {

// "KEY=" and the quote at the beginning of `text`: the key's length, 0 else.
std::size_t key_length(std::string_view text, char quote) noexcept {
  if (text.empty() || !(lex::is_letter(text[0]))) return 0;
  std::size_t at = 1;
  while (at < text.size() && at < kLongestKey && (lex::is_key(text[at]) || lex::is_lower(text[at]))) ++at;
  return at + 1 < text.size() && text[at] == '=' && text[at + 1] == quote ? at : 0;
}

}  // namespace

bool KeyValuePairs::next(Pair& pair) noexcept {
  std::size_t key = key_length(rest_, quote_);
  if (key == 0) return false;
  pair.key = rest_.substr(0, key);
  const std::string_view text = lex::from(rest_, key + 2);
  std::size_t at = 0;
  for (;; ++at) {
    const void* quote = at < text.size() ? std::memchr(text.data() + at, quote_, text.size() - at) : nullptr;
    if (quote == nullptr) {
      pair.value = text;
      pair.closed = false;
      pair.last = true;
      rest_ = {};
      return true;
    }
    at = static_cast<std::size_t>(static_cast<const char*>(quote) - text.data());
    if (at + 1 == text.size()) break;
    if (text[at + 1] == ' ' && key_length(text.substr(at + 2), quote_) != 0) break;
  }
  pair.value = text.substr(0, at);
  pair.closed = true;
  pair.last = at + 1 == text.size();
  rest_ = lex::from(text, at + 2);
  return true;
}

void parse_keyvalue_fields(ParseWork& work, std::string_view fields) {
  Event& event = work.event;
  event.format = Format::keyvalue;
  const std::string_view open =
      work.context.memory != nullptr ? work.context.memory->open_scan() : std::string_view();
  ScanIdPlaces places;
  enum { begin, module, message, rest } phase = begin;  // what the pair before was
  KeyValuePairs pairs(fields);
  for (KeyValuePairs::Pair pair; pairs.next(pair);) {
    const bool whole = pair.closed && !(pair.last && work.context.cut);
    if (pair.key == "MODULE" && phase == begin) {
      if (whole) event.module = pair.value;
      phase = module;
    } else if (pair.key == "MESSAGE" && phase <= module) {
      event.message = pair.value;
      phase = message;
    } else if (pair.key == "SCANID") {
      ++places.seen;
      // A quote in it is the end of some other value.
      if (!whole || !is_scan_id(pair.value) || pair.value.find(pairs.quote()) != std::string_view::npos) continue;
      if (phase == module) places.after_module = pair.value;
      if (phase == message && places.after_message.empty()) places.after_message = pair.value;
      if (pair.last) places.last = pair.value;
      if (!open.empty() && pair.value == open) places.open_elsewhere = true;
    } else if (pair.key == "UID") {
      if (whole && event.uid.empty()) event.uid = pair.value;
    } else {
      if (phase == message) phase = rest;
      if (pair.key == "SCORE" && whole && std::isnan(event.score)) event.score = number_of(pair.value);
    }
  }
  choose_scan_id(places, work.context, event);
}

}  // namespace thorlog
