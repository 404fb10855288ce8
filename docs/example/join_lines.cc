// Reads a log with cut THOR lines from standard input, puts the lines back together and prints what each one is.
// Shows how framing, reassembly and parsing fit; see README.md beside this file for how to build it.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

#include "thorlog/framing.h"
#include "thorlog/reassembly.h"
#include "thorlog/thor.h"

namespace {

std::int64_t nanoseconds_now() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

class Printer : public thorlog::LineSink {
 public:
  void on_line(const thorlog::Line& line) override {
    thorlog::ParseContext context;
    context.received = line.received;
    context.cut = line.cut;
    context.memory = line.memory;
    thorlog::Event event;
    parser_.parse(line.raw, line.start, context, event);
    const auto show = [](std::string_view text) { return text.empty() ? std::string("-") : std::string(text); };
    std::cout << show(thorlog::name_of(event.kind)) << '\t' << show(event.canonical_host) << '\t'
              << show(event.scan_id) << '\t' << show(thorlog::name_of(event.level)) << '\t' << show(event.module)
              << '\t' << line.parts << '\t' << line.raw.size() << '\n';
  }

 private:
  thorlog::LineParser parser_;
};

}  // namespace

int main() {
  thorlog::MemoryBudget budget(64U << 20);
  thorlog::Reassembler reassembler({}, budget);
  thorlog::StreamOptions options;
  options.peer_address = "127.0.0.1";
  thorlog::Reassembler::Stream* stream = reassembler.open_stream(options);
  thorlog::StreamFramer framer(thorlog::Framing::lf, 4U << 20);
  Printer printer;

  thorlog::Frame frame;
  std::string bytes(65536 + thorlog::kReadAhead, '\0');
  while (const std::size_t got = std::fread(bytes.data(), 1, 65536, stdin)) {
    framer.feed({bytes.data(), got});
    while (framer.next(frame)) {
      const std::int64_t now = nanoseconds_now();
      reassembler.offer(stream, frame, now, now, !frame.following.empty(), printer);
    }
  }
  if (framer.finish(frame)) {
    const std::int64_t now = nanoseconds_now();
    reassembler.offer(stream, frame, now, now, false, printer);
  }
  reassembler.close_stream(stream, printer);
}
