// Lines that are too long for a target leave as numbered parts (wire/part_marker.h). One thread. Not for the hot
// path: only lines above max_length come here.
#pragma once

#include <string>

#include "config/settings.h"
#include "wire/encode_line.h"
#include "wire/part_marker.h"

namespace thorlog {

class PartMaker {
 public:
  explicit PartMaker(const OutputSettings& settings);

  // Calls sink(message) for each part, in order; none is longer than `most` and none has a control character. False:
  // `most` is too little for this line; nothing was given.
  template <class Sink>
  bool split(const StoredRecord& record, std::size_t most, Sink&& sink) {
    prepare(record);
    return split_into_parts(header_, line_.view(), most, random_id(), std::forward<Sink>(sink));
  }

 private:
  void prepare(const StoredRecord& record);
  static PartSplitter::Id random_id();

  OutputFormat format_;
  LineEncoder encoder_;         // of the line as it would go out whole, in exact bytes
  LineEncoder header_encoder_;  // of a line with the header that the parts get
  ByteBuffer line_;
  std::string header_;
};

}  // namespace thorlog
