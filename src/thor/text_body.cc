// THOR's text form (domain notes 1.4 to 1.7). Values are neither quoted nor escaped, so only places count: MODULE,
// what follows it, MESSAGE, the first key behind it, and the end of the line.
#include <charconv>
#include <cmath>
#include <cstring>

#include "thor/colons.h"
#include "thor/keys.h"
#include "thor/lex.h"
#include "thor/marks.h"
#include "thor/parse_work.h"
#include "thor/scan_id.h"

namespace thorlog {
namespace {

using lex::from;
using lex::starts_with;

std::string_view word(std::string_view text) noexcept { return text.substr(0, lex::find_ahead<' '>(text)); }

// The key that ends at `colon`, empty when it is none. Nothing before `begin` belongs to it.
std::string_view key_before(const char* begin, const char* colon) noexcept {
  const char* at = colon;
  while (at > begin && lex::is_key(at[-1])) --at;
  if (at == colon || !lex::is_upper(*at) || (at != begin && at[-1] != ' ')) return {};
  return {at, static_cast<std::size_t>(colon - at)};
}

// Reads a line's fields from left to right.
class TextFields {
 public:
  TextFields(ParseWork& work, std::string_view fields) noexcept
      : work_(work), event_(work.event), end_(fields.data() + fields.size()) {
    if (work.context.memory != nullptr) open_ = work.context.memory->open_scan();
  }

  void read(std::string_view fields) {
    const std::string_view rest = module(fields);
    if (rest.data() != nullptr) message(rest);
    choose_scan_id(places_, work_.context, event_);
  }

 private:
  // "MODULE: x[ SCANID: y][ UID: z] MESSAGE: ". Answers with what follows; no data: the line ends before it.
  std::string_view module(std::string_view rest) {
    if (!starts_with(rest, "MODULE:")) return rest;  // "THOR: Info: some text"
    rest = from(rest, 7);
    if (starts_with(rest, " ")) rest = from(rest, 1);
    const std::string_view name = word(rest);
    if (is_whole(name)) event_.module = name;
    rest = from(rest, name.size());
    for (;;) {
      if (starts_with(rest, " MESSAGE: ")) return from(rest, 10);
      if (starts_with(rest, " SCANID: ")) {
        rest = from(rest, 9);
        const std::string_view id = word(rest);
        if (is_whole(id) && is_scan_id_word(id)) places_.after_module = id;
        ++places_.seen;
        rest = from(rest, id.size());
      } else if (starts_with(rest, " UID: ")) {
        rest = from(rest, 6);
        event_.uid = word(rest);
        rest = from(rest, event_.uid.size());
        if (!is_whole(event_.uid)) event_.uid = {};
      } else {
        break;
      }
    }
    // Some other key stands between: the message begins at the first MESSAGE all the same.
    KeyColons colons(rest);
    for (const char* colon = colons.next(); colon != end_; colon = colons.next())
      if (key_before(rest.data(), colon) == "MESSAGE")
        return from(rest, static_cast<std::size_t>(colon - rest.data()) + 2);
    return {};
  }

  // The text of the message up to the first known key, then the fields.
  void message(std::string_view rest) {
    const char* const begin = rest.data();
    KeyColons colons(rest);
    const char* colon = colons.next();
    std::string_view key;
    for (; colon != end_; colon = colons.next()) {
      key = key_before(begin, colon);
      if (key == "SCANID" || (!key.empty() && is_thor_key(key))) break;
    }
    if (colon == end_) {
      event_.message = rest;
      return;
    }
    const char* const stop = key.data() == begin ? begin : key.data() - 1;
    event_.message = {begin, static_cast<std::size_t>(stop - begin)};
    if (key == "SCANID") {
      first_id(colon);
      if (const char* next = behind(places_.after_message, " UID: ")) set_uid(next);
    } else if (key == "UID") {
      set_uid(colon + 2);
      if (const char* next = behind(event_.uid, " SCANID: ")) first_id(next - 2);
    }
    KeyMarks marks({key.data() + 1, static_cast<std::size_t>(end_ - key.data() - 1)});  // from the key on
    for (const char* at = marks.next(); at != end_; at = marks.next()) field(at);
    if (last_id_ != nullptr) {
      const std::string_view id = value(last_id_);
      // A cut that leaves just the open scan's id has taken nothing from it.
      if (id.data() + id.size() == end_ && (is_whole(id) || id == open_) && is_scan_id_word(id)) places_.last = id;
    }
    // Behind a MESSAGE with a key in it; nothing of weight hangs on a UID, so its first place will do.
    if (event_.uid.empty() && first_uid_ != nullptr) set_uid(first_uid_ + 2);
  }

  // SCORE, SCANID and UID among the fields; `at`: their first letter. What stands behind the line's end may be read.
  void field(const char* at) {
    if (std::memcmp(at, "SCORE: ", 7) == 0) {
      if (!std::isnan(event_.score)) return;
      const std::string_view score = value(at + 5);
      if (is_whole(score)) event_.score = number_of(score);
    } else if (std::memcmp(at, "SCANID: ", 8) == 0) {
      last_id_ = at + 6;
      ++places_.seen;
      const std::string_view id = value(at + 6);
      if (!open_.empty() && id == open_ && is_whole(id)) places_.open_elsewhere = true;
    } else if (std::memcmp(at, "UID: ", 5) == 0) {
      if (first_uid_ == nullptr) first_uid_ = at + 3;
    }
  }

  void first_id(const char* colon) {
    const std::string_view id = value(colon);
    if (is_whole(id) && is_scan_id_word(id) && !(id.back() == ':' && is_thor_key(id.substr(0, id.size() - 1))))
      places_.after_message = id;
  }

  void set_uid(const char* at) {
    const std::string_view uid = word({at, static_cast<std::size_t>(end_ > at ? end_ - at : 0)});
    if (is_whole(uid)) event_.uid = uid;
  }

  // What follows `text` if it is `key`, else nullptr.
  const char* behind(std::string_view text, std::string_view key) const noexcept {
    if (text.data() == nullptr) return nullptr;
    const char* at = text.data() + text.size();
    const std::string_view rest(at, static_cast<std::size_t>(end_ - at));
    return starts_with(rest, key) ? at + key.size() : nullptr;
  }

  // The word behind a key's colon.
  std::string_view value(const char* colon) const noexcept {
    const char* const at = colon + 2 < end_ ? colon + 2 : end_;
    return word({at, static_cast<std::size_t>(end_ - at)});
  }

  // The last word of a cut line may have lost its end.
  bool is_whole(std::string_view text) const noexcept {
    return !work_.context.cut || text.data() + text.size() < end_;
  }

  ParseWork& work_;
  Event& event_;
  const char* end_;
  std::string_view open_;
  ScanIdPlaces places_;
  const char* last_id_ = nullptr;
  const char* first_uid_ = nullptr;
};

}  // namespace

double number_of(std::string_view text) noexcept {
  // Scores are small whole numbers; anything else takes the long way.
  if (!text.empty() && text.size() <= 9) {
    unsigned value = 0;
    std::size_t at = 0;
    for (; at < text.size() && lex::is_digit(text[at]); ++at)
      value = value * 10 + static_cast<unsigned>(text[at] - '0');
    if (at == text.size()) return value;
  }
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return error == std::errc() && stop == text.data() + text.size() && std::isfinite(value) ? value : std::nan("");
}

void parse_text_fields(ParseWork& work, std::string_view fields) {
  work.event.format = Format::text;
  TextFields(work, fields).read(fields);
}

void parse_thor_level(ParseWork& work, std::string_view body) {
  const lex::LevelWord level = lex::level_word(body);
  if (level.length != 0 && starts_with(from(body, level.length), ":")) {
    work.event.level = level.level;
    body = from(body, level.length + 1U);
    if (starts_with(body, " ")) body = from(body, 1);
  }
  if (starts_with(body, "MODULE='") || starts_with(body, "MODULE=\"")) {
    parse_keyvalue_fields(work, body);
  } else {
    parse_text_fields(work, body);
  }
}

void parse_thor_body(ParseWork& work, std::string_view body) {
  work.event.kind = Kind::thor;
  body = from(body, 4);  // "THOR"
  if (starts_with(body, " ")) body = from(body, 1);
  body = from(body, 2);  // ": "
  if (starts_with(body, "{")) {
    parse_json_body(work, body, true);
  } else {
    parse_thor_level(work, body);
  }
}

}  // namespace thorlog
