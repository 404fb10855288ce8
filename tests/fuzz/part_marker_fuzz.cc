// Markers in any bytes; any bytes in parts and back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "wire/part_marker.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  thorlog::PartMarker marker;
  if (thorlog::find_part_marker(text, marker)) {
    if (marker.payload_at > text.size() || marker.at >= marker.element_end || marker.number > marker.of) std::abort();
    std::string decoded;
    thorlog::decode_part(text.substr(marker.payload_at), decoded);
  }
  const std::string_view header =
      data[0] % 2 != 0 ? "<190>Oct  8 11:37:54 arch " : "<190>1 2026-03-02T08:00:00Z arch THOR 4711 - ";
  std::string joined;
  bool sound = true;
  const bool given = thorlog::split_into_parts(header, text, 250 + data[0], {}, [&](std::string_view part) {
    sound = sound && thorlog::find_part_marker(part, marker) && part.size() <= std::size_t{250} + data[0];
    if (sound) thorlog::decode_part(part.substr(marker.payload_at), joined);
  });
  if (given && (!sound || joined != text)) std::abort();
  return 0;
}
