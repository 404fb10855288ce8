// What an output sends beside its live stream: a replay of old records, and dead letters that get another try. It
// uses the output's own sink while the live stream has nothing to send, is limited in rate, flags what it sends
// `replayed`, and keeps a cursor and counters of its own, outside the output's books. Belongs to the output's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "journal/journal.h"
#include "outputs/dead_letters.h"
#include "outputs/replay.h"
#include "outputs/sink.h"

namespace thorlog {

class ReplayStream {
 public:
  struct Environment {
    Journal& journal;
    FileSystem& files;
    const Clock& clock;
    std::string folder;  // STATE/replays
    std::string output;
    std::shared_ptr<DeadLetters> letters;
    // Fills in the names of inputs and assets.
    std::function<void(StoredRecord&)> name;
    // True when the output's match wants it.
    std::function<bool(const StoredRecord&)> wants;
  };
  explicit ReplayStream(Environment environment);
  ~ReplayStream();

  // Takes up what an earlier life left unfinished. `live_seq`: where the live stream begins.
  void load(std::uint64_t live_seq);
  // Replays what lies before `end`: what follows comes by the live stream. Errors: busy (one is running), io.
  Status start(const ReplayRequest& request, std::uint64_t end_seq);
  void cancel();
  // Another try for the dead letters with these numbers.
  void retry(const std::vector<std::uint64_t>& numbers);

  // Has something to send, or waits for what it has sent.
  bool active() const noexcept { return progress_.state == ReplayState::running || letters_waiting() != 0; }
  // Writes what the rate allows to the sink, which is ready. True: something was written and is to be marked.
  bool feed(Sink& sink);
  void marked(Token token);
  void delivered(Token token);
  void rewind();
  // True when it was one of its own: then it is dealt with.
  bool park(std::uint64_t seq, std::string_view reason, std::string_view answer);

  void tick();  // each second: saves its cursor
  ReplayProgress progress() const;

 private:
  struct Mark {
    Token token = 0;
    Position end;
    std::uint64_t records = 0;
  };
  struct Try {  // of a dead letter
    Token token = 0;
    bool refused = false;
  };
  std::size_t letters_waiting() const noexcept { return letters_to_send_.size() + tries_.size(); }
  void refill();
  bool feed_letters(Sink& sink);
  bool feed_records(Sink& sink);
  bool next_batch();
  bool is_asked_for(const StoredRecord& record) const;
  Taken write(Sink& sink, StoredRecord& record);
  void refused(std::string_view answer);
  void finish_if_through();
  void end(ReplayState how);
  void save();
  std::string file_name() const { return env_.output + ".json"; }

  Environment env_;
  std::string journal_id_;
  ReplayProgress progress_;
  std::uint64_t until_seq_ = 0;  // behind the last record that can be asked for
  bool unsaved_ = false;

  std::unique_ptr<JournalReader> reader_;
  BatchRef batch_;
  std::optional<BatchReader> records_;
  Record record_;
  bool held_ = false;  // record_ was read and not taken yet
  Position written_;   // behind the last record that was looked at
  std::uint64_t unmarked_ = 0;
  bool through_ = false;  // everything was read
  std::deque<Mark> marks_;

  std::deque<std::uint64_t> letters_to_send_;
  std::map<std::uint64_t, Try> tries_;  // under way, by number

  double allowance_ = 0;  // records that may be sent now
  std::int64_t refilled_at_ = 0;
};

}  // namespace thorlog
