// Messages for people: what Slack and Teams show of an event or of a summary. Pure.
#pragma once

#include <string>
#include <string_view>

#include "thorlog/event.h"

namespace thorlog {

// All text was made harmless before (for_eyes()).
struct PeopleText {
  std::string text;   // what happened
  std::string facts;  // what is known beside it, one line
  Level level = Level::none;
};

// `&`, `<` and `>` as Slack wants them: no mention, no link can be made of an event's text. Longer than
// `most` bytes is cut, with dots.
std::string slack_escaped(std::string_view text, std::size_t most);
std::string slack_piece(const PeopleText& message);                              // an attachment
std::string slack_body(std::string_view title, std::string_view joined_pieces);  // pieces with commas between them
std::string teams_piece(const PeopleText& message);                              // an element of an adaptive card
std::string teams_body(std::string_view joined_pieces);

}  // namespace thorlog
