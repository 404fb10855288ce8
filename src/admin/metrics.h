// The Prometheus page (text format 0.0.4): names as in the contract, all prefixed thorlogd_. Pure.
#pragma once

#include <string>

#include "pipeline/pipeline.h"

namespace thorlog {

std::string metrics_text(const PipelineView& view, const std::string& version, std::uint64_t reloads_ok,
                         std::uint64_t reloads_failed);

}  // namespace thorlog
