// The far side of an output: takes records one by one and says when they have arrived. Its runner reads, matches and
// keeps the books. A sink never has to keep what it has sent: after rewind() the runner brings it again.
// Everything here belongs to the output's own thread, so a sink may block for a moment without disturbing anybody
// else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/durability.h"
#include "config/settings.h"
#include "journal/batch.h"
#include "loop/loop.h"
#include "outputs/snapshot.h"
#include "wire/stored_record.h"

namespace thorlog {

using Token = std::uint64_t;  // counts up; names everything written before its mark()

enum class Taken : std::uint8_t {
  yes,
  not_now,   // nothing was taken: bring the same record again once ready() says so
  oversize,  // can't be sent to this target as it is configured: the runner parks it
};

// What a sink tells its runner. None of these calls back into the sink.
class SinkHost {
 public:
  // ready() has become true.
  virtual void sink_ready() noexcept = 0;
  // Everything up to the mark has arrived at the target, as far as can be seen (for the latency).
  virtual void reached(Token token) noexcept = 0;
  // Everything up to the mark is safe with the target: the cursor may pass it.
  virtual void delivered(Token token) noexcept = 0;
  // All that was not delivered is to be written again, in order; marks that are open are void.
  virtual void rewind() noexcept = 0;
  // The record with this number (StoredRecord::seq), which was written and is not delivered yet, can never be
  // delivered to this target. True: it lies synced among the dead letters; the next delivered() may pass it, and it
  // counts as dropped{parked} and not as acknowledged. False: there is no room for it, or the disk refuses: hold, and
  // ask again later. May block for a sync. `reason`: a word or two of ours; `answer`: what the target said.
  virtual bool park(std::uint64_t seq, std::string_view reason, std::string_view answer) noexcept = 0;

 protected:
  ~SinkHost() = default;
};

// What the sink knows about itself; the runner copies it into the snapshot.
struct SinkStatus {
  OutputState state = OutputState::connecting;  // streaming also while idle: the runner knows the difference
  std::array<std::uint64_t, kRetryReasons> retries{};
  std::uint64_t possibly_lost_bytes = 0;
  std::uint64_t repeated_bytes = 0;
  std::string target;
  std::string last_error;
  std::int64_t last_error_at = 0;
  std::uint64_t error_count = 0;  // goes up with each error, so that the runner sees a new one
  std::shared_ptr<const SinkFigures> figures;
};

struct SinkContext {
  Loop& loop;
  SinkHost& host;
  const Clock& clock;
  std::string name;  // of the output
  Durability durability = Durability::os;
};

class Sink {
 public:
  virtual ~Sink() = default;

  // Begins: connects, opens. Once, on the loop's thread.
  virtual void start() = 0;
  virtual bool ready() const noexcept = 0;
  // The records that follow lie in this batch: for a sink that hands out their bytes and keeps a reference.
  virtual void begin_batch(const BatchRef& /*batch*/) {}
  // Takes the record's bytes (views needn't stay valid).
  virtual Taken write(const StoredRecord& record) = 0;
  // Everything written so far, and not marked before, has this name.
  virtual void mark(Token token) = 0;
  // True: each record is answered for, so a mark is wanted also where the sink takes no more in the middle of a
  // batch.
  virtual bool wants_early_marks() const noexcept { return false; }
  // Sends what was gathered: nothing more will be written for now.
  virtual void flush() = 0;
  // No more writes. Brings what was written to its end and calls `done`, perhaps at once. The runner keeps the time
  // and destroys the sink when it runs out.
  virtual void close(std::function<void()> done) = 0;
  // A reload that left the sink's own settings as they were: files are opened anew.
  virtual void reopen() {}

  virtual const SinkStatus& status() const noexcept = 0;
};

}  // namespace thorlog
