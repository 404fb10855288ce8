// A RELP client that says anything, in any pieces, while the journal takes its time: no answer for a line comes
// twice, none before its record is durable, and in the end all lines that were given are answered or the connection
// is over.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "inputs/relp_session.h"

namespace {

using thorlog::Frame;
using thorlog::RelpSession;

constexpr std::size_t kMaxMessage = 64;

std::size_t acknowledgements(RelpSession& session) {
  std::size_t count = 0;
  const std::string_view text = session.outgoing().view();
  for (std::size_t at = text.find(" rsp 6 200 OK\n"); at != std::string_view::npos;
       at = text.find(" rsp 6 200 OK\n", at + 1))
    ++count;
  session.outgoing().clear();
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  RelpSession session(kMaxMessage);
  const std::size_t step = 1 + data[0] % 61;
  std::uint32_t dice = data[1];
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::uint64_t emitted = 0, durable = 0, held = 0;
  std::size_t frames = 0, answered = 0;
  for (std::size_t at = 0; at < wire.size() && !session.ends(); at += step) {
    std::string readable(wire.substr(at, step));
    const std::size_t length = readable.size();
    readable.append(thorlog::kReadAhead, '\n');
    session.feed(std::string_view(readable).substr(0, length));
    for (Frame frame; session.next(frame);) {
      if (frame.bytes.empty() || frame.bytes.size() > kMaxMessage) std::abort();
      ++frames;
      dice = dice * 1'664'525 + 1'013'904'223;
      const bool left = (dice >> 24) % 3 != 0;
      if (left) ++emitted;
      if (!left) ++held;
      session.offered(left, emitted);
    }
    if ((dice >> 16) % 4 == 0) {  // what was held leaves
      emitted += held > 0 ? 1 : 0;
      held = 0;
    }
    if (held == 0) session.settled(emitted);
    if ((dice >> 20) % 2 == 0) durable = emitted;
    session.acknowledge(durable);
    answered += acknowledgements(session);
    if (answered > frames + session.empty_frames()) std::abort();
  }
  const bool over = session.ends() && !session.waits();
  session.settled(++emitted);
  session.acknowledge(emitted);
  if (session.waits()) std::abort();
  answered += acknowledgements(session);
  if (!over && answered > frames + session.empty_frames()) std::abort();
  session.say_goodbye();
  return 0;
}
