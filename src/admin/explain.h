// The life of one line: how it came, of what it was made, what was decided about it, and where each output stands
// with it. Main loop's thread.
#pragma once

#include <string_view>

#include "admin/http.h"
#include "pipeline/pipeline.h"

namespace thorlog {

// `id`: "PARTITION-OFFSET". 400: it is no id; 404: no such record, or it was removed.
HttpResponse explain(Pipeline& pipeline, std::string_view id);

}  // namespace thorlog
