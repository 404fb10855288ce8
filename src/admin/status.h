// The status page as JSON: inputs, outputs, journal, rates, what is unhealthy and why. Pure.
#pragma once

#include <string>
#include <vector>

#include "pipeline/pipeline.h"

namespace thorlog {

// What is wrong now, a sentence each; empty: healthy.
std::vector<std::string> problems_of(const PipelineView& view);

// Rates are records a second, in the order of the view; may be shorter.
std::string status_json(const PipelineView& view, const std::string& version, const std::string& journal_id,
                        const std::vector<double>& input_rates, const std::vector<double>& output_rates);

}  // namespace thorlog
