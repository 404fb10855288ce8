// The configuration loader with any bytes: it ends, it does not crash, and it either gives settings or says why not.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/load.h"
#include "config/report.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // References read files that the fuzzer names: keep it away from them.
  if (text.find("file") != std::string_view::npos && text.find('/') != std::string_view::npos) return 0;
  const auto loaded = thorlog::load_settings_text(text, "fuzz.yaml");
  if (loaded) {
    if (thorlog::check_report(*loaded).empty()) std::abort();
  } else if (loaded.errors().empty()) {
    std::abort();
  }
  return 0;
}
