// Reassembly: frames of many streams in, whole lines out. A line that can't have been cut leaves in the same call;
// one that may have been cut waits for its pieces, at most `timeout`. Rules R1 to R9 of the specs, section 2. Pure:
// time comes with each call, memory from a budget. One Reassembler for each worker thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/budget.h"
#include "thorlog/frame.h"
#include "thorlog/record.h"
#include "thorlog/thor.h"

namespace thorlog {

struct ReassemblyOptions {
  std::size_t max_message = 16U << 20;   // of a joined line, bytes
  std::int64_t timeout = 2'000'000'000;  // ns since the last piece; three times that in all
  std::vector<std::uint32_t> cut_sizes;  // configured, besides the known ones
  bool learn = true;
  bool multiline = true;
};

// How a line reached us; what decides whether it can have been cut.
struct StreamOptions {
  std::string_view peer_address;  // without port, "10.0.0.7": the token relays put before a continuation. Copied
  bool datagrams = false;         // one record for each frame; the stream is a peer's address
  bool split = false;             // a datagram may hold several complete headers
  bool trusted = false;           // trust: thorlogd: part markers are honoured
  void* owner = nullptr;          // the caller's own stream object, handed back with each Line
};

// One whole line. Everything is valid during the call only.
struct Line {
  std::string_view raw;
  Start start;  // of raw
  std::uint32_t flags = 0;
  std::uint16_t parts = 1;
  std::uint32_t frames = 1;       // frames this line used up: all but one count as joined in the input's books
  void* owner = nullptr;          // StreamOptions::owner of its stream; a line may leave during another stream's call
  std::span<const Piece> pieces;  // empty when it came whole
  std::int64_t received = 0;      // wall clock of the first byte
  std::uint32_t frame = 0;        // number of its first frame within the stream
  bool cut = false;               // the end is missing or may be missing: see ParseContext::cut
  ScanMemory* memory = nullptr;   // of its stream and header host; null for what belongs to no host (orphans)
};

// May not call the Reassembler but for held() and counters(), which are right about the line that leaves.
class LineSink {
 public:
  virtual ~LineSink() = default;
  virtual void on_line(const Line& line) = 0;
};

class Reassembler {
 public:
  class Stream;  // opaque; owned by the Reassembler until closed

  // The books, in frames. At any instant, also inside on_line():
  //   frames that offer() answered for = lines emitted + joined + held.
  struct Counters {
    std::uint64_t joined = 0;      // since the start: became part of another record (later pieces, repeated heads)
    std::uint64_t held = 0;        // waiting now, first pieces and later ones
    std::uint64_t incomplete = 0;  // lines that left flagged incomplete
    std::uint64_t evicted = 0;     // lines that left early because the budget was full
  };

  Reassembler(ReassemblyOptions options, MemoryBudget& budget);
  ~Reassembler();

  Stream* open_stream(const StreamOptions& options);
  // Emits what the stream holds (flag::unterminated) and forgets it.
  void close_stream(Stream* stream, LineSink& sink);

  // Frames of this stream will be offered soon: fetches meanwhile what offer() looks at. Only for speed, where the
  // streams are too many for the caches.
  static void expect(const Stream* stream) noexcept;
  // Offers one frame that is not empty. now: monotonic ns; received: wall clock ns; more_buffered: the caller will
  // offer the complete frames within frame.following before this turn ends, so R7 may wait for them. Emits zero or
  // more lines in the order of R9, on the calling thread. Answers how many frames the books count it as: one, or the
  // number of records that a datagram was split into.
  std::uint32_t offer(Stream* stream, const Frame& frame, std::int64_t now, std::int64_t received, bool more_buffered,
                      LineSink& sink);

  // Emits what has waited long enough. next_due(): the monotonic time of the next one, kNoTime when nothing waits.
  void release_due(std::int64_t now, LineSink& sink);
  std::int64_t next_due() const noexcept;

  // Emits everything held: clean stop, or the input was removed. stream nullptr: all streams.
  void flush(Stream* stream, LineSink& sink);

  // Frames held now by this stream, for the input's books.
  std::uint64_t held(const Stream* stream) const noexcept;
  const Counters& counters() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace thorlog
