// The line parser on any line, also a cut one, and its fields. What the event says must be readable, an id must be
// one.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "thorlog/frame.h"
#include "thorlog/thor.h"

namespace {

volatile unsigned sink = 0;

void touch(std::string_view text) {
  unsigned sum = 0;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  sink = sink + sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static thorlog::LineParser parser;
  static thorlog::ScanMemory memory;
  if ((data[0] & 8U) != 0) memory = thorlog::ScanMemory();
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t length = bytes.size();
  bytes.append(thorlog::kReadAhead, ':');
  bytes.shrink_to_fit();
  const std::string_view raw(bytes.data(), length);

  thorlog::ParseContext context;
  context.received = 1'759'924'800'000'000'000;
  context.cut = (data[0] & 1U) != 0;
  context.short_hostname = (data[0] & 2U) == 0;
  context.memory = (data[0] & 4U) != 0 ? &memory : nullptr;
  context.peer_host = "10.0.0.7";
  thorlog::Event event;
  parser.parse(raw, thorlog::test_start(raw), context, event);

  for (const std::string_view text :
       {event.host, event.ip, event.app_name, event.procid, event.msgid, event.structured_data, event.module,
        event.message, event.scan_id, event.uid, event.canonical_host})
    touch(text);
  if (event.raw != raw || event.scan_id.size() > 128 || event.canonical_host.empty()) std::abort();
  for (const char c : event.scan_id)
    if (static_cast<unsigned char>(c) < 0x20) std::abort();
  thorlog::for_each_field(event, [](std::string_view key, std::string_view value, bool) {
    touch(key);
    touch(value);
  });
  return 0;
}
