#include "outputs/webhook_people.h"

#include <algorithm>

#include "base/json_writer.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostText = 2900;  // Slack takes 3000 characters in a block
constexpr std::size_t kMostFacts = 1900;
constexpr std::size_t kCharacter = 6;  // room for the rest of one, and for the dots

std::string_view color_of(Level level) noexcept {
  switch (level) {
    case Level::alert:
    case Level::error:
      return "#c0182b";
    case Level::warning:
      return "#e8820c";
    case Level::notice:
      return "#2f6fd0";
    default:
      return "#8a8f98";
  }
}

std::string_view style_of(Level level) noexcept {
  if (level == Level::alert || level == Level::error) return "attention";
  return level == Level::warning ? "warning" : "default";
}

// Plain text is never read as markup.
void plain_text(JsonWriter& out, std::string_view text, std::size_t most) {
  out.begin_object().member("type", "plain_text").member("text", slack_escaped(text, most)).member("emoji", false);
  out.end_object();
}

void text_run(JsonWriter& out, std::string_view text, bool strong) {
  out.begin_object().member("type", "RichTextBlock").key("inlines").begin_array().begin_object();
  out.member("type", "TextRun").member("text", text);
  if (strong) out.member("weight", "Bolder");
  if (!strong) out.member("size", "Small").member("isSubtle", true);
  out.end_object().end_array().end_object();
}

}  // namespace

std::string slack_escaped(std::string_view text, std::size_t most) {
  std::string out;
  out.reserve(std::min(text.size(), most) + 16);
  for (const char c : text) {
    const std::string_view as = c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string_view(&c, 1);
    const bool begins = (static_cast<unsigned char>(c) & 0xC0U) != 0x80;  // never cut inside a character
    if (begins && out.size() + as.size() + kCharacter > most) return out + "...";
    out += as;
  }
  return out;
}

std::string slack_piece(const PeopleText& message) {
  JsonWriter out;
  out.begin_object().member("color", color_of(message.level)).key("blocks").begin_array();
  out.begin_object().member("type", "section").key("text");
  plain_text(out, message.text, kMostText);
  out.end_object();
  if (!message.facts.empty()) {
    out.begin_object().member("type", "context").key("elements").begin_array();
    plain_text(out, message.facts, kMostFacts);
    out.end_array().end_object();
  }
  return out.end_array().end_object().take();
}

std::string slack_body(std::string_view title, std::string_view joined_pieces) {
  JsonWriter out;
  out.begin_object().member("text", slack_escaped(title, kMostText)).key("attachments").begin_array();
  out.raw(joined_pieces);
  return out.end_array().end_object().take();
}

std::string teams_piece(const PeopleText& message) {
  JsonWriter out;
  out.begin_object().member("type", "Container").member("style", style_of(message.level)).key("items").begin_array();
  text_run(out, message.text, true);
  if (!message.facts.empty()) text_run(out, message.facts, false);
  return out.end_array().end_object().take();
}

std::string teams_body(std::string_view joined_pieces) {
  JsonWriter out;
  out.begin_object().member("type", "message").key("attachments").begin_array().begin_object();
  out.member("contentType", "application/vnd.microsoft.card.adaptive").key("content").begin_object();
  out.member("$schema", "http://adaptivecards.io/schemas/adaptive-card.json").member("type", "AdaptiveCard");
  out.member("version", "1.4").key("body").begin_array().raw(joined_pieces).end_array();
  return out.end_object().end_object().end_array().end_object().take();
}

}  // namespace thorlog
