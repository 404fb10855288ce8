// The tables of identity on any text, and looking things up in what came of it.
#include <cstdint>
#include <string_view>

#include "thorlog/identity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto assets = thorlog::AssetTable::parse(text, "assets.csv")) (void)(*assets)->find(text, text, text);
  if (const auto groups = thorlog::GroupTable::parse(text, "groups.csv")) (void)(*groups)->find(text);
  return 0;
}
