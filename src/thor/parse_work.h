// What the parts of the line parser hand to each other. Internal to src/thor.
#pragma once

#include <string>
#include <string_view>

#include "thor/host_name.h"
#include "thor/json_facts.h"
#include "thor/stamp.h"
#include "thorlog/thor.h"

namespace thorlog {

struct LineParser::Scratch {
  JsonReader json;
  YearOfDay years;
  HostBuffer canonical;
  std::string text;  // one unescaped value (CEF's message)
};

// One line on its way from bytes to event.
struct ParseWork {
  std::string_view raw;
  const Start& start;
  const ParseContext& context;
  Event& event;
  JsonReader& json;
  std::string& text;
};

// Each takes the bytes behind the header and fills what its format says. `body` is a part of work.raw.
void parse_thor_body(ParseWork& work, std::string_view body);          // "THOR: Level: ...", "THOR: {...}"
void parse_thor_level(ParseWork& work, std::string_view body);         // "Level: MODULE: ..."
void parse_text_fields(ParseWork& work, std::string_view fields);      // "MODULE: x MESSAGE: y KEY: value"
void parse_keyvalue_fields(ParseWork& work, std::string_view fields);  // "MODULE='x' MESSAGE='y'"
void parse_cef_body(ParseWork& work, std::string_view body);
void parse_agent_body(ParseWork& work, std::string_view body);  // "[stamp ]TAG: Level: text|{json}"
// `thor_header`: the header says that it is THOR's, whatever the object holds.
void parse_json_body(ParseWork& work, std::string_view body, bool thor_header);
bool parse_windows_json(ParseWork& work, std::string_view body);  // false: it is no Windows event
void parse_rfc3164(ParseWork& work);                              // host, tag, message of any program
void parse_rfc5424(ParseWork& work);
bool parse_snare(ParseWork& work, std::string_view body);  // false: it is none
// After the header fields are known: whether it is evidence of a start or stop of a machine (domain notes 6).
bool is_os_evidence(const Event& event) noexcept;

// "/host", "host/ip" of a header.
void set_host(ParseWork& work, std::string_view token);

// A number as THOR writes scores: digits, perhaps a sign and a fraction; NaN when it is none.
double number_of(std::string_view text) noexcept;

}  // namespace thorlog
