#include "thor/json_keys.h"

#include <span>

namespace thorlog {
namespace {

using Facts = JsonFacts;
using Member = JsonMember;

// One table for each length of key, so that a key is compared with the few that it can be.
constexpr Member kThree[] = {{"uid", &Facts::uid}, {"pid", &Facts::pid}};
constexpr Member kFour[] = {{"time", &Facts::time},
                            {"meta", nullptr, &Facts::has_meta, Member::object, JsonPlace::meta},
                            {"type", &Facts::type},
                            {"TIME", &Facts::upper_time},
                            {"host", nullptr, nullptr, Member::object, JsonPlace::host}};
constexpr Member kFive[] = {{"level", &Facts::level, &Facts::has_level},
                            {"score", nullptr, nullptr, Member::score},
                            {"LEVEL", &Facts::upper_level, &Facts::has_upper},
                            {"event", nullptr, nullptr, Member::object, JsonPlace::event}};
constexpr Member kSix[] = {{"module", &Facts::module, &Facts::has_module},
                           {"scanid", &Facts::scanid, &Facts::has_scanid},
                           {"MODULE", &Facts::upper_module},
                           {"winlog", nullptr, &Facts::has_windows, Member::object, JsonPlace::winlog}};
constexpr Member kSeven[] = {{"message", &Facts::message, &Facts::has_message},
                             {"version", nullptr, nullptr, Member::version},
                             {"MESSAGE", &Facts::upper_message},
                             {"Message", &Facts::windows_message},
                             {"EventID", &Facts::event_id, &Facts::has_windows}};
constexpr Member kEight[] = {{"hostname", &Facts::hostname}, {"Hostname", &Facts::computer}};
constexpr Member kNine[] = {{"component", &Facts::component}, {"EventTime", &Facts::windows_time}};
constexpr Member kTen[] = {{"SourceName", &Facts::provider}, {"@timestamp", &Facts::windows_time}};
constexpr Member kEleven[] = {{"log_version", nullptr, &Facts::has_log_version, Member::log_version}};

constexpr Member kMeta[] = {
    {"time", &Facts::meta_time},         {"level", &Facts::meta_level},
    {"module", &Facts::meta_module},     {"scan_id", &Facts::meta_scan_id, &Facts::has_meta_scan_id},
    {"event_id", &Facts::meta_event_id}, {"hostname", &Facts::meta_hostname}};
constexpr Member kWinlog[] = {
    {"event_id", &Facts::event_id}, {"provider_name", &Facts::provider}, {"computer_name", &Facts::computer}};
// Winlogbeat tells some of it twice; both agree.
constexpr Member kEvent[] = {{"code", &Facts::event_id}, {"provider", &Facts::provider}};
constexpr Member kHost[] = {{"name", &Facts::computer}};

constexpr Member kNone = {{}, nullptr, nullptr, Member::none};

std::span<const Member> of_length(std::size_t length) noexcept {
  switch (length) {
    case 3:
      return kThree;
    case 4:
      return kFour;
    case 5:
      return kFive;
    case 6:
      return kSix;
    case 7:
      return kSeven;
    case 8:
      return kEight;
    case 9:
      return kNine;
    case 10:
      return kTen;
    case 11:
      return kEleven;
    default:
      return {};
  }
}

}  // namespace

const JsonMember& json_member(JsonPlace place, std::string_view key) noexcept {
  std::span<const Member> members;
  switch (place) {
    case JsonPlace::top:
      members = of_length(key.size());
      break;
    case JsonPlace::meta:
      members = kMeta;
      break;
    case JsonPlace::winlog:
      members = kWinlog;
      break;
    case JsonPlace::event:
      members = kEvent;
      break;
    case JsonPlace::host:
      members = kHost;
      break;
  }
  for (const Member& member : members)
    if (member.key == key) return member;
  return kNone;
}

}  // namespace thorlog
