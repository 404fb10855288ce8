// The udp input: a group of sockets, one for each worker.
#pragma once

#include <memory>
#include <span>

#include "inputs/input.h"

namespace thorlog {

Result<std::unique_ptr<Input>> open_udp_input(const InputSettings& settings, std::span<const InputSettings> all,
                                              std::size_t workers);

}  // namespace thorlog
