// A template file of a webhook: JSON with fields of the event in it, as {host}. Where a field stands decides how it
// is written, so that no event can break out of its place:
//   "text": "On {host}: {message}"   inside a string: made harmless for eyes, cut to a bound, escaped
//   "score": {score}                 in place of a value: the exact value, a string, a number or null
// Inside a string "{{" is one "{". Anything else is JSON as it stands and must be valid. Pure; the result is a value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

// What a template can ask for. Names are those of the JSON event; `event` is all of it; `type cause confidence
// summary key` are of a detection; `title` is one line for people.
enum class BodyField : std::uint8_t {
  event,
  id,
  journal_id,
  seq,
  received,
  timestamp,
  input,
  peer,
  kind,
  format,
  host,
  ip,
  app_name,
  asset,
  scan_id,
  group_id,
  level,
  module,
  message,
  score,
  uid,
  parts,
  raw,
  type,
  cause,
  confidence,
  summary,
  key,
  title,
  count
};
std::string_view name_of(BodyField field) noexcept;

class BodyTemplate {
 public:
  static constexpr std::size_t kMaxBytes = 64U << 10;
  static constexpr std::size_t kMaxFields = 256;
  static constexpr std::size_t kMaxLong = 4;  // fields in place of a value that can be as long as a line
  static constexpr int kMaxDepth = 32;

  // Errors, config: "line 3: unknown field 'hots': did you mean 'host'?"
  static Result<BodyTemplate> parse(std::string text);

  struct Piece {
    std::string text;                    // goes out as it stands, before the field
    BodyField field = BodyField::count;  // count: none, the last piece
    bool in_string = false;
  };
  std::span<const Piece> pieces() const noexcept { return pieces_; }

 private:
  std::vector<Piece> pieces_;
};

// Reads and parses the file.
Result<BodyTemplate> read_body_template(const std::string& path);

}  // namespace thorlog
