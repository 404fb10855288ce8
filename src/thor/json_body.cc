// What a JSON line is: THOR's (three versions), the Management Center's, a Windows shipper's, or anybody's.
#include <cmath>

#include "thor/lex.h"
#include "thor/parse_work.h"
#include "thor/scan_id.h"
#include "thor/stamp.h"

namespace thorlog {
namespace {

std::string_view first_label(std::string_view host) noexcept { return host.substr(0, host.find('.')); }

// The JSON's host is the asset; the header's may be the machine that sent it on, and its address with it.
void set_json_host(Event& event, std::string_view host) noexcept {
  if (host.empty()) return;
  if (!lex::equal_ignoring_case(first_label(event.host), first_label(host))) event.ip = {};
  event.host = host;
}

void set_time(ParseWork& work, std::string_view stamp) noexcept {
  const std::int64_t time = iso_time(stamp, work.context.zone);
  if (time != kNoTime) work.event.timestamp = time;
}

void set_scan(ParseWork& work, std::string_view id) {
  if (!is_scan_id(id)) return;
  work.event.scan_id = id;
  if (work.context.memory != nullptr) work.context.memory->remember(id);
}

bool is_version_3(const JsonFacts& facts) noexcept {
  return facts.has_meta && facts.log_version != 1 && facts.log_version != 2;
}

bool is_thor(const JsonFacts& facts) noexcept {
  if (facts.has_meta && (facts.has_meta_scan_id || !facts.meta_level.empty() || !facts.meta_module.empty()))
    return true;
  if (facts.has_log_version) return facts.has_level || facts.has_message || facts.has_scanid;
  if (!facts.has_level || !facts.has_module) return false;
  if (facts.has_scanid) return true;
  // Of a broken object the scan id may be behind the break.
  return !facts.valid && !facts.time.empty() && !facts.hostname.empty();
}

Format format_of(const JsonFacts& facts) noexcept {
  const int version = facts.has_log_version                    ? facts.log_version
                      : is_version_3(facts)                    ? 3
                      : facts.version == 2 && facts.has_scanid ? 2
                      : facts.valid                            ? 1
                                                               : 0;
  switch (version) {
    case 1:
      return Format::json1;
    case 2:
      return Format::json2;
    case 3:
      return Format::json3;
    default:
      return Format::none;
  }
}

void fill_thor(ParseWork& work, const JsonFacts& facts) {
  Event& event = work.event;
  event.kind = Kind::thor;
  event.format = format_of(facts);
  event.message = facts.message;
  event.score = facts.score;
  const bool meta = is_version_3(facts);
  event.level = lex::level_named(meta ? facts.meta_level : facts.level);
  event.module = meta ? facts.meta_module : facts.module;
  event.uid = meta ? facts.meta_event_id : facts.uid;
  set_json_host(event, meta ? facts.meta_hostname : facts.hostname);
  set_time(work, meta ? facts.meta_time : facts.time);
  set_scan(work, meta ? facts.meta_scan_id : facts.scanid);
}

void fill_windows(ParseWork& work, const JsonFacts& facts) {
  Event& event = work.event;
  event.kind = Kind::os;
  if (!facts.provider.empty()) event.app_name = facts.provider;
  event.msgid = facts.event_id;
  event.message = facts.windows_message.empty() ? facts.message : facts.windows_message;
  set_json_host(event, facts.computer);
  set_time(work, facts.windows_time);
}

}  // namespace

bool parse_windows_json(ParseWork& work, std::string_view body) {
  const JsonFacts facts = work.json.read(body);
  if (!facts.has_windows || is_thor(facts)) return false;
  if (!facts.valid) work.event.flags |= flag::json_invalid;
  fill_windows(work, facts);
  return true;
}

void parse_json_body(ParseWork& work, std::string_view body, bool thor_header) {
  const JsonFacts facts = work.json.read(body);
  Event& event = work.event;
  if (!facts.valid) event.flags |= flag::json_invalid;
  if (thor_header || is_thor(facts)) {
    fill_thor(work, facts);
  } else if (facts.has_upper) {
    event.kind = Kind::management;
    event.level = lex::level_named(facts.upper_level);
    event.module = facts.upper_module;
    event.message = facts.upper_message;
    set_time(work, facts.upper_time);
  } else if (facts.has_windows) {
    fill_windows(work, facts);
  } else {
    event.kind = Kind::syslog;
    event.message = body;
  }
}

void parse_agent_body(ParseWork& work, std::string_view body) {
  Event& event = work.event;
  event.kind = Kind::agent;
  event.format = Format::agent;
  if (const std::size_t stamp = lex::agent_stamp(body); stamp != 0) {
    // Local time of the endpoint, in no known zone: a header's stamp knows better.
    if (event.timestamp == kNoTime) event.timestamp = agent_time(body.substr(0, stamp), work.context.agent_zone);
    body = lex::from(body, stamp + 1);
  }
  const std::size_t colon = body.find(':');
  if (colon == std::string_view::npos) return;
  event.app_name = body.substr(0, colon);
  if (event.app_name == "THOR_UTIL") event.kind = Kind::management;
  body = lex::from(body, colon + 2);
  const lex::LevelWord level = lex::level_word(body);
  event.level = level.level;
  body = lex::from(body, level.length + 1U);
  if (lex::starts_with(body, " ")) body = lex::from(body, 1);
  event.message = body;
  if (!lex::starts_with(body, "{\"")) return;

  const JsonFacts facts = work.json.read(body);
  if (!facts.valid) event.flags |= flag::json_invalid;
  if (facts.has_message) event.message = facts.message;
  event.module = facts.component;
  event.procid = facts.pid;
  const std::int64_t time = iso_time(facts.time, work.context.agent_zone);
  if (time != kNoTime) event.timestamp = time;
}

}  // namespace thorlog
