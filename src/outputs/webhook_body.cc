#include "outputs/webhook_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"
#include "outputs/event_view.h"
#include "outputs/webhook_people.h"
#include "thorlog/thor.h"
#include "wire/encode_json_text.h"
#include "wire/escape.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostTitle = 250;
constexpr std::size_t kMostText = 2500;  // Slack takes 3000 characters in a block, escapes counted
constexpr std::size_t kMostFact = 120;
constexpr std::size_t kMostInString = 4000;  // of a field inside a template's string
constexpr std::size_t kKeepBuffer = 1U << 20;
constexpr std::string_view kCut = "\xE2\x80\xA6";  // an ellipsis

// The facts beside the text, in this order, where there are any.
constexpr std::pair<std::string_view, BodyField> kFacts[] = {
    {"type", BodyField::type},      {"cause", BodyField::cause},       {"confidence", BodyField::confidence},
    {"asset", BodyField::asset},    {"host", BodyField::host},         {"scan", BodyField::scan_id},
    {"group", BodyField::group_id}, {"module", BodyField::module},     {"score", BodyField::score},
    {"time", BodyField::timestamp}, {"received", BodyField::received}, {"event", BodyField::id}};

std::string facts_of(EventView& view) {
  std::string facts;
  for (const auto& [label, field] : kFacts) {
    const std::string value = for_eyes(view.text(field), kMostFact);
    if (!value.empty()) facts += fmt::format("{}{}: {}", facts.empty() ? "" : " | ", label, value);
  }
  return facts;
}

std::string join(const WebhookPost& post) {
  std::string joined;
  for (const WebhookEvent& event : post) {
    if (!joined.empty()) joined += ',';
    joined += event.piece;
  }
  return joined;
}

std::string summary_title(const Storms::Summary& summary) {
  return fmt::format("{} more of: {}", summary.seqs.size(), for_eyes(summary.sort, kMostTitle));
}

std::string summary_json(const Storms::Summary& summary) {
  JsonWriter out;
  out.begin_object().key("summary").begin_object().member("sort", summary.sort).member("count", summary.seqs.size());
  out.member("first_seq", summary.seqs.front()).member("last_seq", summary.seqs.back());
  out.member("seconds", static_cast<double>(summary.ended - summary.began) * 1e-9).key("first").begin_array();
  for (const std::string& title : summary.first) out.value(title);
  return out.end_array().end_object().end_object().take();
}

PeopleText summary_text(const Storms::Summary& summary) {
  PeopleText message;
  message.text = summary_title(summary) + ". The first:";
  for (const std::string& title : summary.first) message.text += "\n" + title;
  message.facts =
      fmt::format("within {:.0f} s | events seq {} to {}", static_cast<double>(summary.ended - summary.began) * 1e-9,
                  summary.seqs.front(), summary.seqs.back());
  message.level = Level::warning;
  return message;
}

}  // namespace

std::string for_eyes(std::string_view text, std::size_t limit) {
  ByteBuffer out;
  append_terminal(out, text.substr(0, limit + 1));  // it never becomes shorter
  const std::string_view clean = out.view();
  if (clean.size() <= limit && text.size() <= limit) return std::string(clean);
  std::size_t end = std::min(limit - kCut.size(), clean.size());
  while (end > 0 && (static_cast<unsigned char>(clean[end]) & 0xC0U) == 0x80) --end;
  return std::string(clean.substr(0, end)) + std::string(kCut);
}

WebhookBody::WebhookBody(const OutputSettings& settings)
    : form_(settings.message_template == "json"    ? Form::json
            : settings.message_template == "slack" ? Form::slack
            : settings.message_template == "teams" ? Form::teams
                                                   : Form::file),
      is_list_(settings.batch > 1),
      wants_titles_(settings.message_template == "slack"),
      json_(settings.fields ? for_each_field : nullptr) {}

Result<WebhookBody> WebhookBody::make(const OutputSettings& settings) {
  WebhookBody made(settings);
  if (made.form_ != Form::file) return made;
  auto file = read_body_template(settings.message_template);
  if (!file) return fail(std::move(file).error());
  made.template_ = *std::move(file);
  return made;
}

WebhookEvent WebhookBody::piece(const StoredRecord& stored) {
  WebhookEvent event;
  event.seqs = {stored.seq};
  event.key = event_key(stored);
  if (wants_titles_) event.title = title(stored);
  switch (form_) {
    case Form::json:
      buffer_.clear();
      buffer_.release_above(kKeepBuffer);
      json_.append(stored, buffer_);
      event.piece = buffer_.view();
      break;
    case Form::slack:
    case Form::teams: {
      EventView view(stored);
      const Event& line = stored.record.event;
      PeopleText message;
      message.text = for_eyes(view.title(kMostText), kMostText);
      message.facts = facts_of(view);
      message.level = line.level;
      event.piece = form_ == Form::slack ? slack_piece(message) : teams_piece(message);
      break;
    }
    case Form::file:
      fill_template(stored, event.piece);
      break;
  }
  return event;
}

std::string WebhookBody::title(const StoredRecord& stored) const {
  return for_eyes(EventView(stored).title(), kMostTitle);
}

WebhookEvent WebhookBody::piece(const Storms::Summary& summary) const {
  WebhookEvent event;
  event.number = summary.number;
  event.seqs = summary.seqs;
  event.title = summary_title(summary);
  event.key = fmt::format("{}:summary-{}", summary.key, summary.seqs.size());
  event.piece = form_ == Form::slack   ? slack_piece(summary_text(summary))
                : form_ == Form::teams ? teams_piece(summary_text(summary))
                                       : summary_json(summary);
  return event;
}

std::string WebhookBody::body(const WebhookPost& post) const {
  switch (form_) {
    case Form::slack: {
      const std::string& first = post.front().title;
      return slack_body(post.size() == 1 ? first : fmt::format("{} events, the first: {}", post.size(), first),
                        join(post));
    }
    case Form::teams:
      return teams_body(join(post));
    case Form::json:
      return is_list_ ? "[" + join(post) + "]" : post.front().piece;
    case Form::file:
      break;
  }
  return post.front().piece;
}

void WebhookBody::fill_template(const StoredRecord& stored, std::string& out) {
  EventView view(stored);
  for (const BodyTemplate::Piece& piece : template_.pieces()) {
    out += piece.text;
    if (piece.field == BodyField::count) break;
    buffer_.clear();
    buffer_.release_above(kKeepBuffer);
    if (piece.field == BodyField::event) {
      json_.append(stored, buffer_);
      out += buffer_.view();
      continue;
    }
    const std::string_view value = view.text(piece.field);
    if (piece.in_string) {
      append_json_escaped(out, for_eyes(value, kMostInString));
    } else if (value.empty()) {
      out += "null";
    } else if (EventView::is_number(piece.field)) {
      out += value;
    } else {
      append_json_string(buffer_, value);
      out += buffer_.view();
    }
  }
}

}  // namespace thorlog
