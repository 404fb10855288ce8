// What "stored" means: `os` survives the death of the daemon, `disk` that of the machine.
#pragma once

#include <cstdint>

namespace thorlog {

enum class Durability : std::uint8_t { os, disk };

}  // namespace thorlog
