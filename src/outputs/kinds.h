// The table of output kinds: one pair of files for each, one line in kinds.cc. Any thread.
#pragma once

#include <memory>

#include "outputs/sink.h"

namespace thorlog {

// Makes the sink; touches no network yet. Errors: a kind that isn't built in, a folder that can't be opened.
Result<std::unique_ptr<Sink>> make_sink(const OutputSettings& settings, const SinkContext& context);

// What can be found wrong without a loop: a kind that is not built yet, a folder that cannot be made.
Status check_sink(const OutputSettings& settings);

// True when the sink looks at the asset of a record.
bool needs_asset(const OutputSettings& settings);

// True when the sink looks at more of a record than the line, its kind, level, flags, input and moment of receipt.
bool needs_fields(const OutputSettings& settings);

// True when both need the same sink: only match, limits and names of the rules differ.
bool same_sink(const OutputSettings& a, const OutputSettings& b);

}  // namespace thorlog
