// Life records (specs.md 3, rule 5): the log thread stores one at start, each minute and at stop, so that the scan
// watch can tell a silent scan from our own deafness. They reach no output.
#pragma once

#include <cstdint>
#include <string>

#include "journal/journal.h"
#include "thorlog/record.h"

namespace thorlog {

enum class LifeMoment : std::uint8_t { start, beat, stop };

// The raw line: {"event":"life","moment":"start","life":"<16 hex>","boot":"<uuid>","wall":<ns>,"log_time":<ns>}
std::string life_line(LifeMoment moment, const Journal& journal, const Clock& clock);
// A record around a line, which must live as long: kind life, input "internal".
Record life_record(std::string_view line, const Clock& clock);

}  // namespace thorlog
