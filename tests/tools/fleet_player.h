// Plays a run of the fleet simulator through framing, reassembly and the line parser with a virtual clock: no daemon,
// no sockets. What becomes of an event is up to who derives from it. For test tools only.
#pragma once

#include <simdjson.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include "thorlog/framing.h"
#include "thorlog/reassembly.h"
#include "thorlog/thor.h"

namespace thorlog {

inline constexpr std::int64_t kEpoch = 1'772'438'400'000'000'000;  // 2026-03-02T08:00:00Z, the simulator's default
inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kUndecided = 200'000'000;

inline std::string from_base64(std::string_view text) {
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

inline std::string read_all(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Origin {
  std::string peer;  // address
  std::string name;  // peer with a port: one for each connection or socket
  std::uint32_t number = 0;
  Reassembler::Stream* stream = nullptr;
  std::unique_ptr<StreamFramer> framer;  // of a connection
  std::int64_t undecided_since = 0;
};

class FleetPlayer : public LineSink {
 public:
  FleetPlayer(bool trusted, bool split)
      : trusted_(trusted), split_(split), budget_(256U << 20), reassembler_(options(), budget_) {}

  // False: a row that is none.
  bool play(const std::string& timeline) {
    std::ifstream rows(timeline);
    simdjson::dom::parser parser;
    std::string text;
    while (std::getline(rows, text)) {
      simdjson::dom::element row_of;
      if (parser.parse(text).get(row_of) != simdjson::SUCCESS) return false;
      row(row_of);
    }
    finish();
    return true;
  }

 protected:
  virtual void on_event(const Line& line, const Origin& origin, const Event& event) = 0;
  virtual void on_time() {}
  std::int64_t now() const noexcept { return now_; }
  std::uint64_t lines_ = 0;

 private:
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
    origin.number = ++streams_;
    origin.name = from + ":" + std::to_string(10000 + origin.number);
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
    on_time();
  }

  void on_line(const Line& line) override {
    const Origin& origin = *static_cast<const Origin*>(line.owner);
    ParseContext context;
    context.received = line.received;
    context.cut = line.cut;
    context.memory = line.memory;
    context.peer_host = origin.peer;
    parser_.parse(line.raw, line.start, context, event_);
    ++lines_;
    on_event(line, origin, event_);
    event_ = Event();
  }

  bool trusted_, split_;
  MemoryBudget budget_;
  Reassembler reassembler_;
  LineParser parser_;
  Event event_;
  std::map<std::string, Origin> origins_;
  std::int64_t now_ = 0;
  std::uint64_t received_ = 0;
  std::uint32_t streams_ = 0;
};

}  // namespace thorlog
