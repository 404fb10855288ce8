// The keys of JsonFacts, found by their length and bytes. Internal.
#pragma once

#include <cstdint>
#include <string_view>

namespace thorlog {

enum class JsonKey : std::uint8_t {
  other, time, hostname, level, module, message, scanid, uid, type, component, pid, meta, log_version, version, score,
  upper_level, upper_message, upper_module, upper_time, winlog, event, host, timestamp, nx_event_id, nx_source,
  nx_hostname, nx_channel, nx_message, nx_time
};

inline JsonKey json_key(std::string_view key) noexcept {
  switch (key.size()) {
    case 3: return key == "uid" ? JsonKey::uid : key == "pid" ? JsonKey::pid : JsonKey::other;
    case 4:
      switch (key[0]) {
        case 't': return key == "time" ? JsonKey::time : key == "type" ? JsonKey::type : JsonKey::other;
        case 'm': return key == "meta" ? JsonKey::meta : JsonKey::other;
        case 'T': return key == "TIME" ? JsonKey::upper_time : JsonKey::other;
        case 'h': return key == "host" ? JsonKey::host : JsonKey::other;
        default: return JsonKey::other;
      }
    case 5:
      switch (key[0]) {
        case 'l': return key == "level" ? JsonKey::level : JsonKey::other;
        case 's': return key == "score" ? JsonKey::score : JsonKey::other;
        case 'L': return key == "LEVEL" ? JsonKey::upper_level : JsonKey::other;
        case 'e': return key == "event" ? JsonKey::event : JsonKey::other;
        default: return JsonKey::other;
      }
    case 6:
      switch (key[0]) {
        case 'm': return key == "module" ? JsonKey::module : JsonKey::other;
        case 's': return key == "scanid" ? JsonKey::scanid : JsonKey::other;
        case 'M': return key == "MODULE" ? JsonKey::upper_module : JsonKey::other;
        case 'w': return key == "winlog" ? JsonKey::winlog : JsonKey::other;
        default: return JsonKey::other;
      }
    case 7:
      switch (key[0]) {
        case 'm': return key == "message" ? JsonKey::message : JsonKey::other;
        case 'v': return key == "version" ? JsonKey::version : JsonKey::other;
        case 'M': return key == "MESSAGE" ? JsonKey::upper_message : key == "Message" ? JsonKey::nx_message : JsonKey::other;
        case 'E': return key == "EventID" ? JsonKey::nx_event_id : JsonKey::other;
        case 'C': return key == "Channel" ? JsonKey::nx_channel : JsonKey::other;
        default: return JsonKey::other;
      }
    case 8:
      return key == "hostname" ? JsonKey::hostname : key == "Hostname" ? JsonKey::nx_hostname : JsonKey::other;
    case 9:
      return key == "component" ? JsonKey::component : key == "EventTime" ? JsonKey::nx_time : JsonKey::other;
    case 10:
      return key == "SourceName" ? JsonKey::nx_source : key == "@timestamp" ? JsonKey::timestamp : JsonKey::other;
    case 11: return key == "log_version" ? JsonKey::log_version : JsonKey::other;
    default: return JsonKey::other;
  }
}

}  // namespace thorlog
