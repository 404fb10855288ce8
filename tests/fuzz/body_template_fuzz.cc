// Any bytes as a template of a webhook; what is taken must be JSON once its fields have values.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/byte_buffer.h"
#include "config/body_template.h"
#include "wire/encode_json_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto made = thorlog::BodyTemplate::parse(std::string(reinterpret_cast<const char*>(data), size));
  if (!made) return 0;
  std::string body;
  for (const auto& piece : made->pieces()) {
    body += piece.text;
    if (piece.field == thorlog::BodyField::count) break;
    body += piece.in_string ? "a\\\"b" : "{\"x\":\"}\"}";
  }
  thorlog::ByteBuffer out;
  if (!thorlog::append_json_value(out, body)) std::abort();
  return 0;
}
