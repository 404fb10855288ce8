// Lines that are too long for a target (`max_event`): a shortened one is sent in their place, which says how long the
// line was and where it lies whole. It is a line of THOR's text form, so that a receiver still knows its scan, level
// and module. Pure, one thread.
#pragma once

#include <string>

#include "wire/stored_record.h"

namespace thorlog {

class Shortener {
 public:
  // The shortened record, with a raw of at most `most` bytes (1 KiB or more). It lives until the next call; what is
  // not text of the line stays as it was. `stored` is longer than `most`.
  StoredRecord shorten(const StoredRecord& stored, std::size_t most);

 private:
  std::string raw_;
  Record record_;
};

}  // namespace thorlog
