// What inputs hand their frames to: one Intake for each worker, implemented by the pipeline. Everything here belongs
// to the worker's thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "thorlog/budget.h"
#include "thorlog/event.h"
#include "thorlog/frame.h"

namespace thorlog {

// Why an input did not take a frame (or a connection). The names are labels of input_refused_total and of the laws.
enum class RefuseReason : std::uint8_t {
  journal_full,
  journal_failed,
  rate_limit,
  not_allowed,
  too_many,
  tls,
  count
};
std::string_view name_of(RefuseReason reason) noexcept;

// The books of one input on one worker, in frames. received = emitted + joined + held + refused holds at the end of
// each turn of the worker's loop; each term is counted where it happens, never computed from the others.
struct InputBooks {
  std::uint64_t received = 0;  // frames that were not empty
  std::uint64_t bytes = 0;     // of these frames
  std::uint64_t emitted = 0;   // records made of them and handed to the log thread
  std::uint64_t joined = 0;
  std::uint64_t held = 0;  // waiting in the reassembly now
  std::array<std::uint64_t, static_cast<std::size_t>(RefuseReason::count)> refused{};  // frames
  std::uint64_t empty = 0;  // empty frames, outside the law
  std::uint64_t incomplete = 0;
  std::uint64_t connections = 0;          // open now
  std::uint64_t refused_connections = 0;  // outside the law: no frame was seen
  std::uint64_t kernel_drops = 0;         // datagrams that the kernel dropped (a gauge read from the socket, summed)
};

// One peer's stream of frames: a connection, or all datagrams of one peer's address.
struct StreamInfo {
  std::size_t input = 0;           // index of the input in the running settings
  std::string_view peer;           // "ip:port", "[ip]:port" or a path; copied
  std::string_view peer_address;   // without the port; copied
  std::string_view peer_identity;  // from the certificate; copied
  bool datagrams = false;
};

// A record that another thorlogd made whole, and that a trusted transport brought: no framing, no reassembly, and
// what it says of itself stands. Views.
struct WholeRecord {
  std::string_view raw;       // kReadAhead readable bytes behind it
  std::int64_t received = 0;  // there, wall ns
  std::string_view peer;      // of the other thorlogd; empty: ours
  std::uint32_t stream = 0;   // names the connection over which it came to the other thorlogd; 0: it did not say
  Kind kind = Kind::syslog;   // detection and audit are taken as they are; of any other the line itself tells
  Level level = Level::none;  // of these
  std::string_view host;      // likewise
  std::string_view scan_id;   // empty: what the line says
  std::string_view group_id;  // empty: by our tables
  std::uint32_t flags = 0;
  std::uint16_t parts = 1;
  std::string_view origin;  // Record::origin
};

class Intake {
 public:
  class Stream;  // opaque

  virtual ~Intake() = default;

  virtual Stream* open(const StreamInfo& info) = 0;
  // Emits what is held of it.
  virtual void close(Stream* stream) = 0;
  // Datagrams of this peer come from another port now. Called before the first of them is offered.
  virtual void change_port(Stream* /*stream*/, std::uint16_t /*port*/) {}

  // Frames of this stream are about to be read: fetches meanwhile what offer() looks at. Only for speed.
  virtual void expect(const Stream* /*stream*/) const noexcept {}
  // Takes one frame, whatever it holds; the bytes are copied where needed. now: steady ns, received: wall ns.
  // more_buffered: another frame of this stream is already in the read buffer.
  virtual void offer(Stream* stream, const Frame& frame, std::int64_t now, std::int64_t received,
                     bool more_buffered) = 0;

  // Restartable sources. Called before each offer(): where the source is when the frame is through. Records get as
  // their origin the last place up to which all has left the reassembly.
  virtual void set_origin(Stream* /*stream*/, std::string_view /*origin*/) {}
  // Frames of this stream that wait in the reassembly.
  virtual std::uint64_t held(const Stream* /*stream*/) const { return 0; }
  // Counts as received and emitted at once.
  virtual void take(Stream* stream, const WholeRecord& record) = 0;
  // The frame that was offered last became a record of its own at once, whatever else is held of its stream.
  virtual bool newest_left(const Stream* /*stream*/) const { return false; }
  // Of the records of this input that this worker has emitted (books().emitted), how many are as durable as
  // configured. Says so some time after it is true; to be asked each second or so.
  virtual std::uint64_t durable(std::size_t /*input*/) { return 0; }

  // False: downstream is full. Streams stop reading until the function given to when_room() is called; offer() still
  // takes what was already read (it is bounded by one read buffer for each connection).
  virtual bool has_room() const noexcept = 0;
  // True: the journal itself is full or failed (not just the ring for a moment): datagrams are refused, with this
  // reason.
  virtual bool must_refuse(RefuseReason& reason) const noexcept = 0;
  // Called once for each change from full to room. Inputs register once; kept for the life of the worker.
  virtual void when_room(std::function<void()> resume) = 0;

  // To count refusals, empty frames, connections. Moves when inputs are added: not to be kept.
  virtual InputBooks& books(std::size_t input) = 0;
  virtual MemoryBudget& budget() = 0;  // framers take from it
};

}  // namespace thorlog
