#include "journal/life.h"

#include <fmt/format.h>

#include "journal/layout.h"

namespace thorlog {
namespace {

std::string_view name_of(LifeMoment moment) {
  switch (moment) {
    case LifeMoment::start:
      return "start";
    case LifeMoment::beat:
      return "beat";
    case LifeMoment::stop:
      return "stop";
  }
  return "beat";
}

}  // namespace

std::string life_line(LifeMoment moment, const Journal& journal, const Clock& clock) {
  return fmt::format(R"({{"event":"life","moment":"{}","life":"{:016x}","boot":"{}","wall":{},"log_time":{}}})",
                     name_of(moment), journal.life(), to_text(boot_id()), clock.wall(), journal.log_time());
}

Record life_record(std::string_view line, const Clock& clock) {
  Record record;
  record.event.raw = line;
  record.event.kind = Kind::life;
  record.event.message = line;
  record.event.timestamp = clock.wall();
  record.received = clock.wall();
  return record;
}

}  // namespace thorlog
