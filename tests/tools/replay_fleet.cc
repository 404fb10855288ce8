// Plays a run of the fleet simulator (../shared/fleet) through framing, reassembly and the line parser with a virtual
// clock: no daemon, no sockets, a second instead of half a minute. Writes events as the file output does, so far as
// `fleet.py check` looks at them.
//
//   replay_fleet RUN [--trusted] [--split] [--stats] > events.jsonl
#include <simdjson.h>

#include <cstring>
#include <iostream>
#include <string>

#include "fleet_player.h"
#include "thorlog/identity.h"
#include "thorlog/line_flags.h"

namespace thorlog {
namespace {

std::string to_base64(std::string_view bytes) {
  static constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += at + i <= bytes.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

void put_text(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  if (out.size() > 1) out += ',';
  out.append("\"").append(key).append("\":\"");
  for (const char c : value) {
    char code[8];
    if (static_cast<unsigned char>(c) < 0x20) {
      std::snprintf(code, sizeof(code), "\\u%04x", static_cast<unsigned>(c));
      out += code;
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

class Replay : public FleetPlayer {
 public:
  Replay(const std::string& folder, bool trusted, bool split) : FleetPlayer(trusted, split) {
    if (auto table = AssetTable::parse(read_all(folder + "/assets.csv"), "assets.csv")) assets_ = *table;
  }

 private:
  void on_event(const Line& line, const Origin& origin, const Event& event) override {
    const std::uint32_t flags = flags_of(event.flags, line.flags);
    std::string out = "{";
    put_text(out, "id", "0-" + std::to_string(lines_));
    put_text(out, "received", "2026-03-02T08:00:00Z");
    put_text(out, "peer", origin.peer + ":1");
    put_text(out, "kind", name_of(event.kind));
    put_text(out, "format", name_of(event.format));
    std::string_view asset = assets_ ? assets_->find(event.canonical_host, event.host, event.ip) : std::string_view();
    put_text(out, "asset", asset.empty() ? event.canonical_host : asset);
    put_text(out, "scan_id", event.scan_id);
    if (event.scan_id.substr(0, 8) == "IR-2026-") put_text(out, "group_id", "incident-2026");
    put_text(out, "level", name_of(event.level));
    put_text(out, "module", event.module);
    put_text(out, "message",
             simdjson::validate_utf8(event.message.data(), event.message.size()) ? event.message : "");
    put_text(out, "uid", event.uid);
    if (line.parts > 1) out += ",\"parts\":" + std::to_string(line.parts);
    std::string names;
    for (int bit = 0; bit < flag::count; ++bit)
      if ((flags >> bit & 1) != 0)
        names.append(names.empty() ? "" : ",").append("\"").append(flag_name(bit)).append("\"");
    if (!names.empty()) out += ",\"flags\":[" + names + "]";
    if (simdjson::validate_utf8(line.raw.data(), line.raw.size())) {
      put_text(out, "raw", line.raw);
    } else {
      out += ",\"raw\":\"\"";
      put_text(out, "raw_base64", to_base64(line.raw));
    }
    std::cout << out << "}\n";
  }

  std::shared_ptr<const AssetTable> assets_;
};

}  // namespace
}  // namespace thorlog

int main(int argc, char** argv) {
  std::string folder;
  bool trusted = false, split = false;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--trusted") == 0)
      trusted = true;
    else if (std::strcmp(argv[i], "--split") == 0)
      split = true;
    else
      folder = argv[i];
  }
  if (folder.empty()) {
    std::fprintf(stderr, "usage: replay_fleet RUN [--trusted] [--split] > events.jsonl\n");
    return 2;
  }
  thorlog::Replay replay(folder, trusted, split);
  return replay.play(folder + "/timeline.jsonl") ? 0 : 2;
}
