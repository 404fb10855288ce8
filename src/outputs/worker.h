// The part of an OutputRunner that lives on its thread: reads, matches, writes, settles. See runner.h.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "journal/cursor.h"
#include "journal/journal.h"
#include "loop/loop.h"
#include "outputs/history.h"
#include "outputs/ledger.h"
#include "outputs/match.h"
#include "outputs/replay_stream.h"
#include "outputs/runner.h"
#include "outputs/shorten.h"
#include "outputs/sink.h"

namespace thorlog {

class OutputWorker final : private SinkHost {
 public:
  OutputWorker(Loop& loop, OutputEnvironment environment, OutputSettings settings, Matcher matcher,
               std::unique_ptr<Cursor> cursor, std::shared_ptr<DeadLetters> letters);
  ~OutputWorker();
  // Before the loop runs.
  Status make_first_sink();

  // On the loop's thread.
  void start();
  void turn();  // as much work as one turn of the loop should do
  void update(OutputSettings settings, Matcher matcher);
  void reopen();
  void assets_changed();
  void drop_before(Position to, DropReason reason);
  Status replay(const ReplayRequest& request);
  void cancel_replay();
  void retry(const std::vector<std::uint64_t>& letters);
  void stop(std::chrono::milliseconds within);  // ends in loop.stop()

  // Any thread.
  void wake() noexcept;
  OutputSnapshot snapshot() const;
  const OutputHistory& history() const noexcept { return history_; }

 private:
  void sink_ready() noexcept override;
  void reached(Token token) noexcept override;
  void delivered(Token token) noexcept override;
  void rewind() noexcept override;
  bool park(std::uint64_t seq, std::string_view reason, std::string_view answer) noexcept override;
  SinkContext sink_context();
  Result<std::unique_ptr<Sink>> new_sink(const OutputSettings& settings);

  bool feed();
  bool next_batch();
  bool feed_batch();
  bool next_record();
  Taken hand_over(bool late);
  void end_batch();
  void mark_half_batch();
  std::string_view input_name(std::uint16_t number);
  std::string_view asset_of(const Event& event);

  // worker_parking.cc
  void find_parked();
  bool is_parked(std::uint64_t seq) const noexcept { return !parked_.empty() && parked_.contains(seq); }
  std::uint64_t parked_before(std::uint64_t seq) const;
  std::uint64_t handed_and_parked_before(std::uint64_t seq) const;
  Status park_stored(const StoredRecord& record, bool handed, std::string_view reason, std::string_view answer);
  Status park_from_journal(std::uint64_t seq, std::string_view reason, std::string_view answer);
  Taken park_unsent(const StoredRecord& record, std::string_view reason, std::string_view why);
  bool is_too_long(const Event& event) const noexcept;
  Taken hand_over_shortened(const StoredRecord& record);
  Position place_before(std::uint64_t seq) const;
  StoredRecord stored_record(const Batch& batch, const BatchReader& at, const Record& record);

  void drop_upto(Position to, DropReason reason, std::uint64_t filtered);
  // worker_replay.cc
  ReplayStream::Environment replay_environment();
  void feed_replay();

  void settle_front();
  void settle_free();
  void do_rewind();
  void save(bool now);
  void tick();
  void publish();
  bool sleep();

  void look_at_needs(const OutputSettings& settings);
  void replace_sink(OutputSettings settings);
  void install_sink();
  void close_when_drained();
  void finish();
  void let_go_of_sink();

  Loop& loop_;
  OutputEnvironment env_;
  OutputSettings settings_;
  Matcher matcher_;
  std::string journal_id_;
  std::unique_ptr<Cursor> cursor_;
  std::shared_ptr<DeadLetters> letters_;
  // Numbers from the cursor on that lie among the dead letters; true: the sink had been given them before.
  std::map<std::uint64_t, bool> parked_;
  Shortener shortener_;
  JournalReader reader_;
  std::unique_ptr<Sink> sink_;
  Wake wake_;
  Timer tick_;
  Timer deadline_;
  Timer park_again_;
  Timer replay_timer_;

  // What is being read.
  BatchRef batch_;
  std::optional<BatchReader> records_;
  Record record_;
  bool held_ = false;          // record_ was read, and not taken yet
  std::uint64_t skip_before_;  // numbers below are behind us
  Tally tally_;                // of the batch so far
  std::int64_t now_ = 0;       // wall clock at the begin of the turn
  bool drained_ = false;       // at the journal's end

  Ledger ledger_;
  OutputHistory history_;
  ReplayStream replay_;
  LatencyHistogram latency_;
  bool rewind_wanted_ = false;
  std::string park_error_;     // the last one
  bool park_refused_ = false;  // the record in hand can't be parked: tried again by park_again_

  // Lookups of the last record, since neighbours are alike.
  std::vector<std::string> input_names_;
  std::shared_ptr<const AssetTable> assets_;
  bool wants_asset_ = true;
  bool wants_fields_ = true;  // the match or the sink looks at more than the line itself

  std::array<std::uint64_t, 5> settled_at_tick_{};  // totals of the last seconds, for the rate
  std::size_t ticks_ = 0;
  double rate_ = 0;

  std::optional<OutputSettings> replacement_;  // the old sink is closing; this is what follows
  bool stopping_ = false;
  bool closing_ = false;
  bool finished_ = false;
  std::uint64_t drain_until_ = 0;
  std::chrono::milliseconds stop_within_{};

  std::atomic<bool> asleep_{false};
  std::uint64_t errors_seen_ = 0;
  mutable std::mutex mutex_;  // guards published_
  OutputSnapshot published_;
};

}  // namespace thorlog
