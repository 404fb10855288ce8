// From a line and its start to an event: the header, then the body by the rule that began it.
#include <simdjson.h>

#include "thor/host_name.h"
#include "thor/keys.h"
#include "thor/lex.h"
#include "thor/parse_work.h"
#include "thor/stamp.h"

namespace thorlog {
namespace {

std::string_view part(std::string_view raw, std::uint16_t at, std::uint16_t length) noexcept {
  // A Start that belongs to another line must not make us read elsewhere.
  return std::size_t{at} + length <= raw.size() ? raw.substr(at, length) : std::string_view();
}

std::int64_t header_time(std::string_view stamp, const ParseContext& context, YearOfDay& years) noexcept {
  if (stamp.empty()) return kNoTime;
  return lex::is_digit(stamp[0]) ? iso_time(stamp, context.zone)
                                 : bsd_time(stamp, context.received, context.zone, years);
}

// The token was cut by a relay that took HOST/IP for a tag: it has the length of the cut, and its address, if any is
// left, is not the one that the relay saw.
void mark_cut_host(ParseWork& work, std::string_view token) noexcept {
  if (work.start.extra_length == 0 || token.size() != kRsyslogTag) return;
  const std::string_view sender = part(work.raw, work.start.extra_at, work.start.extra_length);
  Event& event = work.event;
  if (!event.ip.empty() && event.ip == sender) return;
  event.flags |= flag::host_truncated;
  event.ip = {};
}

// "Jun Oct 25 21:01:51 host THOR: " is a misprint that can be read; anything longer before the stamp, or no stamp,
// may be a value that quotes THOR.
bool is_doubtful(const ParseWork& work) noexcept {
  const Start& start = work.start;
  if (start.stamp_length == 0 || start.host_length == 0) return true;
  std::size_t at = work.raw.find('>');
  at = start.priority != kNoPriority && at != std::string_view::npos ? at + 1 : 0;
  if (start.stamp_at < at || start.stamp_at - at > 9) return true;
  for (; at < start.stamp_at; ++at)
    if (!lex::is_letter(work.raw[at]) && work.raw[at] != ' ') return true;
  return false;
}

// What THOR prints on a console (H14): no stamp, no host, no "THOR:"; only a known key makes it likely.
bool parse_console(ParseWork& work) {
  const std::string_view raw = work.raw;
  const lex::LevelWord level = lex::level_word(raw);
  if (level.length == 0 || !lex::starts_with(lex::from(raw, level.length), " ")) return false;
  const std::string_view body = lex::from(raw, level.length + 1U);
  if (!lex::starts_with(body, "End Time:")) {
    ParseContext context = work.context;
    context.memory = nullptr;
    Event trial;
    trial.raw = raw;
    ParseWork attempt{raw, work.start, context, trial, work.json, work.text};
    parse_text_fields(attempt, body);
    if (trial.message.size() == body.size()) return false;
    work.event.score = trial.score;
    work.event.message = trial.message;
  } else {
    work.event.message = body;
  }
  work.event.kind = Kind::thor;
  work.event.format = Format::text;
  work.event.level = level.level;
  work.event.flags |= flag::ambiguous;
  return true;
}

// "5,2,1;Linux version 3.5" (/dev/kmsg)
bool parse_kmsg(ParseWork& work) noexcept {
  const std::string_view raw = work.raw;
  const std::size_t semicolon = raw.substr(0, 64).find(';');
  if (semicolon == std::string_view::npos || !lex::starts_with(lex::from(raw, semicolon + 1), "Linux version "))
    return false;
  for (std::size_t n = 0; n < semicolon; ++n)
    if (!lex::is_digit(raw[n]) && raw[n] != ',' && raw[n] != '-') return false;
  work.event.kind = Kind::os;
  work.event.app_name = "kernel";
  work.event.message = lex::from(raw, semicolon + 1);
  return true;
}

// No rule says that a message begins here: a continuation, another program's line, or THOR's console.
void parse_other(ParseWork& work) {
  const std::string_view raw = work.raw;
  if (work.start.priority == kNoPriority && work.start.stamp_length == 0 && !raw.empty()) {
    if (parse_console(work) || (lex::is_digit(raw[0]) && parse_kmsg(work))) return;
    if (const std::size_t stamp = lex::agent_stamp(raw); stamp != 0) {
      work.event.timestamp = agent_time(raw.substr(0, stamp), work.context.agent_zone);
      // The agent's installer writes its own log, without a tag.
      if (lex::starts_with(lex::from(raw, stamp), " installer ")) {
        work.event.kind = Kind::agent;
        work.event.format = Format::agent;
      }
      work.event.message = lex::from(raw, stamp + 1);
      return;
    }
  }
  parse_rfc3164(work);
}

void parse_body(ParseWork& work) {
  const std::string_view body = lex::from(work.raw, work.start.body_at);
  switch (work.start.rule) {
    case StartRule::s1b:
      parse_thor_body(work, body);
      if (is_doubtful(work)) work.event.flags |= flag::ambiguous;
      break;
    case StartRule::s1:
    case StartRule::s2:
      parse_thor_body(work, body);
      break;
    case StartRule::s3:
      parse_cef_body(work, body);
      break;
    case StartRule::s4:
      parse_agent_body(work, body);
      break;
    case StartRule::s5:
      parse_rfc3164(work);
      break;
    case StartRule::s6:
      parse_rfc5424(work);
      break;
    case StartRule::s7:
      parse_json_body(work, body, false);
      break;
    case StartRule::none:
      parse_other(work);
      break;
  }
}

// Field by field: `event = Event()` makes one beside it and copies that (30 ns).
void clear(Event& event) noexcept {
  static_assert(sizeof(Event) == 232, "a new field must be cleared here");
  event.kind = Kind::syslog;
  event.format = Format::none;
  event.level = Level::none;
  event.flags = 0;
  event.score = std::numeric_limits<double>::quiet_NaN();
  // One by one: in a chain each would be read back from where the one before it is still being written.
  for (std::string_view Event::*field :
       {&Event::host, &Event::ip, &Event::app_name, &Event::procid, &Event::msgid, &Event::structured_data,
        &Event::module, &Event::message, &Event::scan_id, &Event::uid, &Event::group_id})
    event.*field = {};
}

// More than a day late is a replay of old lines, as far as one line can tell (domain notes 5.5, 10).
void compare_clocks(Event& event, std::int64_t received) noexcept {
  if (event.timestamp == kNoTime) return;
  const std::int64_t ahead = event.timestamp - received;
  if (ahead > kDay) event.flags |= flag::clock_skew;
  if (ahead < -kDay) event.flags |= flag::clock_skew | flag::replayed;
}

}  // namespace

void set_host(ParseWork& work, std::string_view token) {
  const HostParts parts = split_host(token);
  work.event.host = parts.host;
  work.event.ip = parts.ip;
}

LineParser::LineParser() : scratch_(std::make_unique<Scratch>()) {}
LineParser::~LineParser() = default;

void LineParser::parse(std::string_view raw, const Start& start, const ParseContext& context, Event& event) {
  clear(event);
  event.raw = raw;
  event.priority = start.priority;
  ParseWork work{raw, start, context, event, scratch_->json, scratch_->text};

  const std::string_view stamp = part(raw, start.stamp_at, start.stamp_length);
  event.timestamp = header_time(stamp, context, scratch_->years);
  const std::string_view token = part(raw, start.host_at, start.host_length);
  if (!token.empty() && token != "-") {
    set_host(work, token);
    mark_cut_host(work, token);
  }
  if (start.body_at <= raw.size()) parse_body(work);

  std::string_view name = event.host.empty() ? event.ip : event.host;
  if (name.empty()) name = context.peer_host;
  event.canonical_host = canonical_host(name, context.short_hostname, scratch_->canonical);
  compare_clocks(event, context.received);
  if (!lex::is_ascii_ahead(raw) && !simdjson::validate_utf8(raw)) event.flags |= flag::invalid_utf8;
}

}  // namespace thorlog
