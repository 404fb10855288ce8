// The log thread: takes batches from the workers' rings, gives them to the journal, tells everybody. It is the only
// one that appends. When the journal is full it keeps what it has and stops the inputs until there is room.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "journal/journal.h"
#include "journal/life.h"
#include "loop/loop.h"
#include "pipeline/worker_intake.h"
#include "scanstore/scan_store.h"

namespace thorlog {

// One consistent look at what the log thread has done since the process started.
struct LogSnapshot {
  std::vector<std::uint64_t> stored;              // records by input slot
  std::uint64_t internal = 0;                     // detections, audit and life records
  std::array<std::uint64_t, 8> internal_kinds{};  // the same by Kind
  std::uint64_t total = 0;  // by the journal's own numbers: its end now less its end at the start
};

class LogThread {
 public:
  struct Environment {
    Journal& journal;
    const Clock& clock;
    Pressure& pressure;
    std::vector<WorkerIntake*> intakes;                          // one ring each
    std::function<void(std::size_t)> room_made;                  // rings a worker whose inputs may go on
    std::function<Position(std::string& pinning)> acknowledged;  // lowest cursor of all outputs, and whose it is
    std::function<void(Position)> drop_oldest;                   // outputs that may lose their oldest skip to here
    // At most so many bytes for one append. It is one piece for the journal: one that needed a longer segment of its
    // own would fill a small journal with a segment that can't be removed, because it is the open one.
    std::size_t portion = 16U << 20;
  };
  explicit LogThread(Environment environment);
  ~LogThread();

  void start();
  void ring() noexcept { bell_.ring(); }  // any thread: a ring holds something
  // Stores a record of the daemon's own (detection, audit). Any thread.
  void post_internal(Kind kind, std::string raw);
  void post_detection(DetectionRecord detection);
  // Log time before which nothing will be stored any more: whoever has read the journal to its end after asking has
  // seen every record up to it. Any thread.
  std::int64_t watermark() const noexcept { return watermark_.load(std::memory_order_acquire); }
  // Empties the rings, writes the last life record, ends the thread. The workers must have handed over everything.
  void stop();

  LogSnapshot snapshot() const;  // any thread
  std::uint64_t beats() const noexcept { return loop_.beats(); }

 private:
  struct Internal {
    Kind kind;
    std::string raw;
    bool last = false;  // nothing comes after it: write and end the thread
    std::unique_ptr<DetectionRecord> detection;
  };
  void drain();
  bool take_from_rings();
  void append();
  Status append_portion();
  void append_internal();
  void say_refused(const Error& error);
  void finish();
  void tend();
  std::string life(LifeMoment moment);
  void add_internal(Kind kind, std::string_view raw);
  void add_detection(const DetectionRecord& detection);
  void add_internal(Record& record);
  void publish_books();

  Environment env_;
  Loop loop_;
  Wake bell_;
  Mailbox<Internal> internal_;
  Timer tend_timer_;
  std::thread thread_;

  std::vector<HandOver> taken_;            // from the rings, not yet appended
  std::vector<WorkerIntake*> taken_from_;  // of each of taken_
  std::size_t taken_bytes_ = 0;
  std::vector<BatchRef> own_;  // internal records, not yet appended
  std::array<std::uint64_t, 8> own_kinds_{};
  std::vector<BatchRef> batches_;
  std::uint64_t first_seq_;  // the journal's end when the process started
  std::int64_t next_life_ = 0;

  std::atomic<std::int64_t> watermark_{0};
  LogSnapshot now_;
  mutable std::mutex mutex_;  // guards published_
  LogSnapshot published_;
};

}  // namespace thorlog
