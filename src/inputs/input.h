// An input: where lines come from. Opened (bound) on the main thread before anything else changes, then attached to
// each worker on that worker's thread, and reached from outside only through this class.
//
// The order of its life:  open() .. attach() on each worker .. start() .. update()* .. stop_accepting() .. detach()
// on each worker .. all `done` called .. destroyed, on any thread. An input that was never attached may just be
// destroyed.
//
// The books (Intake::books): an input counts `received`, `bytes` and `refused` of datagrams it refuses itself;
// offer() counts those it takes. `empty`, `connections`, `refused_connections` and `kernel_drops` are the input's to
// count.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/clock.h"
#include "config/settings.h"
#include "inputs/intake.h"
#include "loop/loop.h"
#include "thorlog/result.h"

namespace thorlog {

// What an input may use of a worker. Lives as long as any input that is attached to it.
struct WorkerContext {
  Loop& loop;
  Intake& intake;
  const Clock& clock;
  // Connections of all inputs on this worker; acceptors choose by it. Any thread.
  std::atomic<std::uint32_t> connections{0};
};

struct InputSnapshot {
  std::string listening;                     // "0.0.0.0:514", with the real port where 0 was asked for
  std::uint64_t receive_buffer_asked = 0;    // bytes; 0: not set by us
  std::uint64_t receive_buffer_granted = 0;  // of the socket that got least
  std::uint64_t kernel_drops = 0;
  std::uint64_t connections = 0;  // open now
  std::uint64_t paused = 0;       // sockets that are not read now because downstream is full
  std::array<std::uint64_t, static_cast<std::size_t>(RefuseReason::count)> refused_connections{};
};

class Input {
 public:
  virtual ~Input() = default;

  // Binds, and touches no thread. `all`: the inputs of the same configuration, since "[::]" and "0.0.0.0" on one port
  // share it. Errors: the address is taken, not ours to use, or there is no such passed socket.
  static Result<std::unique_ptr<Input>> open(const InputSettings& settings, std::span<const InputSettings> all,
                                             std::size_t workers);

  // Restartable sources: before the first attach(), the newest origin of each source that the journal knows
  // (Record::origin). They go on behind it.
  virtual bool is_restartable() const noexcept { return false; }
  virtual void resume(std::span<const std::string> /*origins*/) {}

  // Acceptor thread: the one that runs the loop given to start().
  virtual void start(Loop& acceptor) = 0;
  // Limits (max_connections, max_connections_per_peer, allow, rate_limit) apply from now on; nothing is closed.
  virtual void update(const InputSettings& settings) = 0;
  // What waits to be accepted is still taken, then the listening sockets close. Datagram sockets take no new ones.
  virtual void stop_accepting() = 0;

  // Worker's thread. `slot`: which of Intake::books is ours, the same for the whole life.
  virtual void attach(std::size_t worker, WorkerContext& context, std::size_t slot) = 0;
  // Reads what is readable (bounded, and for `kDrainMilliseconds` at most while downstream is full), hands over what
  // is unfinished, closes. `done` is called on the worker's thread, on a later turn of its loop.
  virtual void detach(std::size_t worker, std::function<void()> done) = 0;

  virtual InputSnapshot snapshot() const = 0;  // any thread
};

inline constexpr std::uint64_t kDrainMilliseconds = 2000;

}  // namespace thorlog
