// An output at work: a thread and loop of its own that reads the journal, matches, hands records to its sink, and
// moves its cursor when the sink says that they have arrived. Nothing it does or suffers touches another output.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/durability.h"
#include "base/file.h"
#include "config/settings.h"
#include "journal/cursor.h"
#include "journal/journal.h"
#include "outputs/dead_letters.h"
#include "outputs/history.h"
#include "outputs/sink.h"
#include "outputs/snapshot.h"
#include "thorlog/identity.h"

namespace thorlog {

// What an output needs of its surroundings. All of it must outlive the runner and be safe to use from any thread.
struct OutputEnvironment {
  Journal& journal;
  FileSystem& files;
  const Clock& clock;
  std::string cursor_folder;                                  // STATE/cursors
  std::string state_folder;                                   // STATE
  std::function<std::shared_ptr<const AssetTable>()> assets;  // the table of now; may be empty, and may give nullptr
  Durability durability = Durability::os;                     // disk: files are synced before their lines count
  std::uint64_t dead_letter_bytes = 256U << 20;               // room for the dead letters of one output
  // Makes the far side in place of kinds.h, for tests of what no real target does at will.
  std::function<Result<std::unique_ptr<Sink>>(const OutputSettings&, const SinkContext&)> make_sink = {};
};

class OutputRunner {
 public:
  // Opens the cursor, compiles the match, makes the sink; touches no network. Errors: config, io.
  static Result<std::unique_ptr<OutputRunner>> open(const OutputSettings& settings, OutputEnvironment environment);
  // Stops at once if nobody did.
  ~OutputRunner();

  void start();  // once

  // The rest may be called from any thread.

  // The journal has something new. Cheap: rings only when the output sleeps.
  void wake() noexcept;
  // A reload: match, limits, target. The cursor stays. Errors: config; then nothing changes.
  Status update(const OutputSettings& settings);
  // A reload that left this output's settings alone: its files are opened anew (as log rotation by others needs it).
  void reopen();
  // The asset table may be another one now.
  void assets_changed() noexcept;
  // Gives up on every record before `to` (a full journal, a removed output): counted as dropped for this reason.
  // Whole batches only: the place is rounded up.
  void drop_before(Position to, DropReason reason);

  // Sends stored records again, beside the live stream (replay_stream.h). Errors: busy (one is running), io.
  Status replay(const ReplayRequest& request);
  void cancel_replay();
  // Another try for dead letters, by their numbers.
  void retry(std::vector<std::uint64_t> letters);

  // What its target has refused for good. Any thread; may outlive the runner.
  std::shared_ptr<DeadLetters> dead_letters() const;

  // What became of the record with this number, as far as is remembered.
  std::optional<Movement> movement_of(std::uint64_t seq) const;

  OutputSnapshot snapshot() const;
  std::uint64_t beats() const noexcept;  // turns of its loop, for the watchdog

  // Sends what is stored by now, as far as the target takes it in time, then waits until the target has it (TCP:
  // until it closed in turn), and saves the cursor. begin_stop() returns at once; stop() also joins the thread.
  void begin_stop(std::chrono::milliseconds within);
  void stop(std::chrono::milliseconds within);

  const std::string& name() const noexcept;

 private:
  class Impl;
  explicit OutputRunner(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace thorlog
