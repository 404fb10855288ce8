// Plays a run of the fleet simulator (../shared/fleet) through framing, reassembly and the line parser with a virtual
// clock: no daemon, no sockets, a second instead of half a minute. Writes events as the file output does, so far as
// `fleet.py check` looks at them.
//
//   replay_fleet RUN [--trusted] [--split] [--stats] > events.jsonl
#include <simdjson.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "thorlog/framing.h"
#include "thorlog/identity.h"
#include "thorlog/reassembly.h"
#include "thorlog/thor.h"

namespace thorlog {
namespace {

constexpr std::int64_t kEpoch = 1'772'438'400'000'000'000;  // 2026-03-02T08:00:00Z, the simulator's default
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kUndecided = 200'000'000;

std::string from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    int value = 0;
    if (c >= 'A' && c <= 'Z')
      value = c - 'A';
    else if (c >= 'a' && c <= 'z')
      value = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      value = c - '0' + 52;
    else if (c == '+')
      value = 62;
    else if (c == '/')
      value = 63;
    else
      break;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    if (++count % 4 == 1) continue;
    out += static_cast<char>(bits >> (6 - 2 * ((count - 1) % 4)) & 0xFF);
  }
  return out;
}

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

std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Origin {
  std::string peer;
  Reassembler::Stream* stream = nullptr;
  std::unique_ptr<StreamFramer> framer;  // of a connection
  std::int64_t undecided_since = 0;
};

class Replay : public LineSink {
 public:
  Replay(const std::string& folder, bool trusted, bool split)
      : trusted_(trusted), split_(split), budget_(256U << 20), reassembler_(options(), budget_) {
    if (auto table = AssetTable::parse(read_all(folder + "/assets.csv"), "assets.csv")) assets_ = *table;
  }

  void row(simdjson::dom::element row) {
    const double seconds = row["t"].get_double();
    advance(static_cast<std::int64_t>(seconds * 1e9));
    const std::string_view via = row["via"].get_string();
    if (via == "file") return;
    const std::string from(row["from"].get_string().value());
    const std::string data = from_base64(row["data"].get_string().value());
    if (via == "udp") {
      datagram(origin("udp " + from, from, true), data);
      return;
    }
    const std::string name(row["connection"].get_string().value());
    Origin& connection = origin("tcp " + name, from, false);
    if (!data.empty()) feed(connection, data);
    bool end = false;
    if (row["end"].get_bool().get(end) == simdjson::SUCCESS && end) {
      close(connection);
      origins_.erase("tcp " + name);
    }
  }

  void finish() {
    advance(now_ + 30 * kSecond);
    for (auto& [name, origin] : origins_) close(origin);
    origins_.clear();
    const auto& counters = reassembler_.counters();
    std::fprintf(stderr, "frames %llu, lines %llu, joined %llu, held %llu, incomplete %llu, evicted %llu\n",
                 static_cast<unsigned long long>(received_), static_cast<unsigned long long>(lines_),
                 static_cast<unsigned long long>(counters.joined), static_cast<unsigned long long>(counters.held),
                 static_cast<unsigned long long>(counters.incomplete),
                 static_cast<unsigned long long>(counters.evicted));
    if (received_ != lines_ + counters.joined || counters.held != 0)
      std::fprintf(stderr, "the books do not balance\n");
  }

 private:
  static ReassemblyOptions options() {
    ReassemblyOptions options;
    options.max_message = 4U << 20;
    options.cut_sizes = {4096};
    return options;
  }

  Origin& origin(const std::string& key, const std::string& from, bool datagrams) {
    Origin& origin = origins_[key];
    if (origin.stream != nullptr) return origin;
    origin.peer = from;
    StreamOptions options;
    options.peer_address = from;
    options.datagrams = datagrams;
    options.split = split_;
    options.trusted = trusted_;
    options.owner = &origin;
    origin.stream = reassembler_.open_stream(options);
    if (!datagrams) origin.framer = std::make_unique<StreamFramer>(Framing::automatic, 4U << 20);
    return origin;
  }

  void datagram(Origin& origin, const std::string& data) {
    std::string buffer = data + std::string(kReadAhead, '\0');
    Frame frame;
    frame.bytes = strip_trailer(std::string_view(buffer).substr(0, data.size()));
    if (!frame.bytes.empty()) offer(origin, frame);
  }

  void feed(Origin& origin, const std::string& data) {
    std::string buffer = data + std::string(kReadAhead, '\0');
    origin.framer->feed(std::string_view(buffer).substr(0, data.size()));
    Frame frame;
    while (origin.framer->next(frame)) offer(origin, frame);
    origin.undecided_since = now_;
  }

  void close(Origin& origin) {
    Frame frame;
    while (origin.framer && origin.framer->finish(frame)) offer(origin, frame);
    reassembler_.close_stream(origin.stream, *this);
  }

  void offer(Origin& origin, const Frame& frame) {
    received_ += reassembler_.offer(origin.stream, frame, now_, kEpoch + now_, true, *this);
  }

  void advance(std::int64_t until) {
    for (auto& [name, origin] : origins_)
      if (origin.framer && origin.framer->undecided() && origin.undecided_since + kUndecided <= until) {
        origin.framer->decide_now();
        feed(origin, "");
      }
    while (reassembler_.next_due() != kNoTime && reassembler_.next_due() <= until) {
      now_ = std::max(now_, reassembler_.next_due());
      reassembler_.release_due(now_, *this);
    }
    now_ = std::max(now_, until);
  }

  void on_line(const Line& line) override {
    const Origin& origin = *static_cast<const Origin*>(line.owner);
    ParseContext context;
    context.received = line.received;
    context.cut = line.cut;
    context.memory = line.memory;
    context.peer_host = origin.peer;
    parser_.parse(line.raw, line.start, context, event_);
    write(line, origin, event_);
    event_ = Event();
  }

  void write(const Line& line, const Origin& origin, const Event& event) {
    const std::uint32_t flags = event.flags | line.flags;
    std::string out = "{";
    put_text(out, "id", "0-" + std::to_string(++lines_));
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

  bool trusted_, split_;
  MemoryBudget budget_;
  Reassembler reassembler_;
  LineParser parser_;
  Event event_;
  std::shared_ptr<const AssetTable> assets_;
  std::map<std::string, Origin> origins_;
  std::int64_t now_ = 0;
  std::uint64_t received_ = 0, lines_ = 0;
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
  std::ifstream timeline(folder + "/timeline.jsonl");
  simdjson::dom::parser parser;
  std::string text;
  while (std::getline(timeline, text)) {
    simdjson::dom::element row;
    if (parser.parse(text).get(row) != simdjson::SUCCESS) return 2;
    replay.row(row);
  }
  replay.finish();
  return 0;
}
