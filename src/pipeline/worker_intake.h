// The intake of one worker: frames in, through reassembly, parser and tags, into batches for the log thread.
// Everything but snapshot() and the consumer's end of the ring belongs to the worker's thread.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "inputs/intake.h"
#include "journal/batch.h"
#include "pipeline/ring.h"
#include "pipeline/tables.h"
#include "thorlog/reassembly.h"
#include "thorlog/thor.h"

namespace thorlog {

// What the worker must know of an input to read its lines. Replaced as a whole on reload.
struct InputRules {
  std::uint16_t number = 0;  // of the input's name in the journal
  std::shared_ptr<const TimeZone> zone, agent_zone;
  bool trusted = false;
  bool split = false;
  bool short_hostname = true;

  // What the parser is to know of a line that was received then.
  ParseContext context(std::int64_t received) const noexcept {
    ParseContext made;
    made.received = received;
    made.zone = zone.get();
    made.agent_zone = agent_zone.get();
    made.short_hostname = short_hostname;
    return made;
  }
};

// What one worker has counted; taken at the end of a turn of its loop, so that the books in it balance.
struct WorkerSnapshot {
  std::vector<InputBooks> inputs;  // by slot
  std::array<std::uint64_t, 8> kinds{};
  std::array<std::uint64_t, flag::count> flags{};
  std::size_t budget_used = 0;
};

// How full the way down is. Written by the log thread, read by all workers.
struct Pressure {
  std::atomic<bool> full{false};    // the journal has no room
  std::atomic<bool> failed{false};  // the journal can't be written
};

// A full batch on its way to the log thread; all its records came by one input.
struct HandOver {
  BatchRef batch;
  std::size_t slot = 0;
  std::uint64_t emitted = 0;  // by this input on this worker, this batch included
};
using BatchRing = Ring<HandOver, 64>;

class Intake::Stream {
 public:
  // What each line asks stands together: among many streams all of it comes from memory.
  std::size_t input = 0;
  Reassembler::Stream* pieces = nullptr;
  std::uint64_t held = 0;     // frames held when the books were last brought up to date
  std::uint32_t offered = 0;  // frames
  std::uint32_t taken = 0;    // whole records
  std::uint32_t number = 0;
  bool offering = false;
  bool newest_left = false;
  std::uint32_t sender = 0;  // sender_hash(peer)
  std::string peer, address, identity;
  std::string origin;  // where the source is
  std::string passed;  // up to where nothing is held
};

class WorkerIntake final : public Intake, private LineSink {
 public:
  struct Environment {
    const Clock& clock;
    const LabelTables& tables;
    const Pressure& pressure;
    std::uint64_t checksum_seed;
    BatchPool& pool;
    std::atomic<std::uint32_t>& stream_numbers;
    ReassemblyOptions reassembly;
    std::size_t budget;
    std::function<void()> ring_bell;                      // tells the log thread that the ring holds something
    std::function<std::uint64_t()> synced_seq = nullptr;  // records before it are as durable as configured
    bool hints = false;                                   // the scan watch wants them
  };
  explicit WorkerIntake(Environment environment);
  ~WorkerIntake() override;

  // The rules of the input in this slot; slots only grow.
  void set_rules(std::size_t slot, const InputRules& rules);

  // Before the loop sleeps: hands over the batch, releases what waited long enough, publishes the snapshot.
  void end_turn();
  // Monotonic time when end_turn() must run again even if nothing comes in; kNoTime: never.
  std::int64_t next_due() const noexcept { return reassembler_.next_due(); }
  // Everything held leaves, everything is handed over: the input stops, or the daemon does.
  void flush_all();
  // True when nothing waits for a place in the ring.
  bool handed_over() const noexcept { return waiting_.empty() && (!open_.batch || open_.batch->empty()); }
  // The log thread made room: fills the ring, lets the inputs go on.
  void room_made();

  BatchRing& ring() noexcept { return ring_; }
  // Log thread: a batch from the ring stands in the journal now, and ends there.
  void note_stored(const HandOver& batch, std::uint64_t end_seq);
  WorkerSnapshot snapshot() const;  // any thread

  Stream* open(const StreamInfo& info) override;
  void close(Stream* stream) override;
  void change_port(Stream* stream, std::uint16_t port) override;
  void expect(const Stream* stream) const noexcept override { Reassembler::expect(stream->pieces); }
  void offer(Stream* stream, const Frame& frame, std::int64_t now, std::int64_t received,
             bool more_buffered) override;
  void set_origin(Stream* stream, std::string_view origin) override;
  std::uint64_t held(const Stream* stream) const override;
  void take(Stream* stream, const WholeRecord& record) override;
  bool newest_left(const Stream* stream) const override { return stream->newest_left; }
  std::uint64_t durable(std::size_t input) override;
  bool has_room() const noexcept override;
  bool must_refuse(RefuseReason& reason) const noexcept override;
  void when_room(std::function<void()> resume) override { resume_.push_back(std::move(resume)); }
  InputBooks& books(std::size_t input) override { return now_.inputs[input]; }
  MemoryBudget& budget() override { return budget_; }

 private:
  void on_line(const Line& line) override;
  void fill(const Line& line, const Stream& stream, Record& record);
  void settle_held(Stream& stream);
  void count(const Record& record, std::size_t slot);
  static std::string_view origin_of(const Line& line, Stream& stream, bool nothing_held);
  void store(const Record& record, std::size_t slot, std::uint32_t sender);
  bool add(const Record& record, std::uint32_t sender);
  void close_batch();
  void hand_over();
  bool push_waiting();
  std::size_t queued_bytes() const noexcept;
  void resume_if_room();

  Environment env_;
  MemoryBudget budget_;
  Reassembler reassembler_;
  LineParser parser_;
  Record record_;  // of the line that passes; kept, because making one takes longer than filling it
  std::vector<InputRules> rules_;
  std::shared_ptr<const GroupTable> groups_;
  std::uint64_t tables_version_ = 0;

  HandOver open_;                 // the batch being filled
  std::deque<HandOver> waiting_;  // full batches for which the ring has no place; bounded by what inputs had read
  BatchRing ring_;
  // The producer's view of the bytes in the ring: the size of what was pushed last, and how much of it was seen to be
  // gone.
  mutable std::array<std::size_t, 2 * BatchRing::capacity()> sizes_{};
  mutable std::size_t pushed_ = 0, gone_ = 0, queued_bytes_ = 0;
  mutable bool paused_ = false;  // somebody was told that there is no room, and waits for resume_
  std::vector<std::function<void()>> resume_;

  // How far the records of an input are stored: the newest place, and the one that is waited for to be durable.
  struct Stored {
    std::uint64_t durable = 0;
    std::uint64_t emitted = 0, end_seq = 0;                  // newest
    std::uint64_t waiting_emitted = 0, waiting_end_seq = 0;  // 0: none
  };
  std::mutex stored_mutex_;  // guards stored_
  std::vector<Stored> stored_;

  WorkerSnapshot now_;
  mutable std::mutex mutex_;  // guards published_
  WorkerSnapshot published_;
};

}  // namespace thorlog
