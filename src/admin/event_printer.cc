#include "admin/event_printer.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "base/table.h"
#include "wire/escape.h"

namespace thorlog {
namespace {

using simdjson::dom::element;

constexpr std::size_t kAssetWidth = 16;
constexpr std::size_t kLevelWidth = 7;
constexpr std::size_t kModuleWidth = 14;

std::string_view text_at(const element& from, std::string_view key) {
  std::string_view value;
  return from[key].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

std::string cell(std::string_view text, std::size_t width) {
  std::string out = shortened(printable(text), width);
  out.append(width - std::min(width, display_width(out)), ' ');
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return out;
}

Colour colour_of(std::string_view level) {
  if (level == "alert") return Colour::red;
  if (level == "warning" || level == "error") return Colour::yellow;
  return level == "notice" ? Colour::none : Colour::dim;
}

// " [S-KybbdhFvHhc] joined 3, truncated"
std::string tail_of(const element& event) {
  std::string out;
  if (const std::string_view scan = text_at(event, "scan_id"); !scan.empty())
    out += fmt::format(" [{}]", printable(scan));
  std::uint64_t parts = 0;
  const bool has_parts = event["parts"].get(parts) == simdjson::SUCCESS;
  simdjson::dom::array flags;
  if (event["flags"].get(flags) != simdjson::SUCCESS) return out;
  std::string separator = " ";
  for (const element flag : flags) {
    const std::string_view name = flag.get_string().value_unsafe();
    out += separator + std::string(name);
    if (name == "joined" && has_parts) out += fmt::format(" {}", parts);
    separator = ", ";
  }
  return out;
}

}  // namespace

struct EventPrinter::Parser {
  simdjson::dom::parser json;
};

EventPrinter::EventPrinter(Options options) : options_(options), parser_(std::make_unique<Parser>()) {}
EventPrinter::~EventPrinter() = default;

std::string printable(std::string_view text) {
  ByteBuffer out;
  append_terminal(out, text);
  return std::string(out.view());
}

std::string EventPrinter::line(std::string_view event_json) {
  element event;
  if (parser_->json.parse(event_json.data(), event_json.size()).get(event) != simdjson::SUCCESS) {
    return printable(event_json);
  }
  const std::string_view received = text_at(event, "received");
  const std::string_view asset = text_at(event, "asset");
  const std::string_view level = text_at(event, "level");
  std::string_view where = text_at(event, "module");
  if (where.empty()) where = text_at(event, "app_name");
  if (where.empty()) where = text_at(event, "kind");
  std::string_view what = text_at(event, "message");
  if (what.empty()) what = text_at(event, "raw");

  const std::string time(received.size() >= 19 ? received.substr(11, 8) : received);
  const std::string tail = tail_of(event);
  const std::size_t before = 8 + 2 + kAssetWidth + 2 + kLevelWidth + 2 + kModuleWidth + 2;
  std::string message = printable(what);
  if (options_.width != 0) {
    const std::size_t taken = before + display_width(tail);
    message = shortened(message, options_.width > taken + 20 ? options_.width - taken : 20);
  }
  return fmt::format("{}  {}  {}  {}  {}{}", coloured(time, Colour::dim, options_.colours), cell(asset, kAssetWidth),
                     coloured(cell(upper(level), kLevelWidth), colour_of(level), options_.colours),
                     cell(where, kModuleWidth), message, coloured(tail, Colour::dim, options_.colours));
}

}  // namespace thorlog
