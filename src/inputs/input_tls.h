// The TLS of an input, from its settings.
#pragma once

#include <span>

#include "config/settings.h"
#include "loop/tls.h"

namespace thorlog {

// Null: the input is plain. Errors name the input, the key and the file.
Result<SharedTls> make_input_tls(const InputSettings& settings);

// Whether the certificates of all inputs can be used, before anything is started or changed.
Status check_input_tls(std::span<const InputSettings> inputs);

}  // namespace thorlog
