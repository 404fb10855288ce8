// The tcp, tls and relp inputs: one acceptor, connections spread over the workers.
#pragma once

#include <memory>
#include <span>

#include "inputs/input.h"

namespace thorlog {

Result<std::unique_ptr<Input>> open_tcp_input(const InputSettings& settings, std::span<const InputSettings> all,
                                              std::size_t workers);

}  // namespace thorlog
