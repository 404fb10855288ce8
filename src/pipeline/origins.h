// Where the restartable sources of an input were when the journal's newest records were made. At the start, main
// thread.
#pragma once

#include <string>
#include <vector>

#include "journal/journal.h"

namespace thorlog {

// The newest origin of each source of this input ("kafka:3:1200", without what stands behind ';'). Reads the journal
// backwards, so far that all sources which were heard lately are found; at most some seconds of work.
std::vector<std::string> newest_origins(Journal& journal, std::uint16_t input);

}  // namespace thorlog
