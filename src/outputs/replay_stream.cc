#include "outputs/replay_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "journal/names.h"
#include "thorlog/event.h"

namespace thorlog {
namespace {

constexpr std::size_t kMostRecordsATurn = 2000;
constexpr std::size_t kMostReadATurn = 8U << 20;  // of records that nobody asked for, too: the live stream goes first
constexpr std::uint64_t kLetterRate = 1000;       // a second, while no replay runs
constexpr std::size_t kMostFile = 64U << 10;

bool same_name(std::string_view a, std::string_view lower) noexcept {
  return a.size() == lower.size() && std::equal(a.begin(), a.end(), lower.begin(), [](char x, char y) {
           return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
         });
}

// `record` is what the letter decodes to.
StoredRecord of_letter(const Letter& letter, const Record& record) noexcept {
  const std::string& id = letter.head.id;  // "PARTITION-OFFSET"
  const std::size_t dash = std::min(id.find('-'), id.size());
  std::uint16_t partition = 0;
  std::uint64_t offset = 0;
  std::from_chars(id.data(), id.data() + dash, partition);
  if (dash < id.size()) std::from_chars(id.data() + dash + 1, id.data() + id.size(), offset);
  return {.record = record,
          .partition = partition,
          .offset = offset,
          .seq = letter.head.seq,
          .journal_id = letter.head.journal_id,
          .input_name = letter.head.input,
          .asset = {}};
}

}  // namespace

ReplayStream::ReplayStream(Environment environment)
    : env_(std::move(environment)), journal_id_(env_.journal.uuid()) {}

ReplayStream::~ReplayStream() = default;

// ---- begin and end

void ReplayStream::load(std::uint64_t live_seq) {
  const std::string path = env_.folder + "/" + file_name();
  if (!env_.files.exists(path)) return;
  auto text = read_file(env_.files, path, kMostFile);
  auto saved = text ? parse_replay(*text) : std::nullopt;
  if (!saved) {
    log(Severity::error, "output " + env_.output, path + " can't be read: the replay that it was for does not go on");
    return;
  }
  progress_ = *std::move(saved);
  until_seq_ = std::min(progress_.end_seq, live_seq);  // a crash may have put the live stream back
  rewind();
  log(Severity::notice, "output " + env_.output,
      fmt::format("the replay goes on at record {} of {}", progress_.position.seq, progress_.end_seq));
}

Status ReplayStream::start(const ReplayRequest& request, std::uint64_t end_seq) {
  if (progress_.state == ReplayState::running) {
    return fail({Errc::busy, "output " + env_.output + " is replaying already: cancel that, or wait for it", 0});
  }
  const TimeRangePlaces places = env_.journal.places_of(request.since, request.until);
  const ReplayProgress before = progress_;
  progress_ = {};
  progress_.letters_delivered = before.letters_delivered;
  progress_.letters_refused = before.letters_refused;
  progress_.state = ReplayState::running;
  progress_.request = request;
  progress_.position = places.from;
  progress_.first_seq = places.from.seq;
  progress_.end_seq = until_seq_ = std::max(places.from.seq, std::min(end_seq, places.end_seq));
  progress_.started = env_.clock.wall();
  allowance_ = 0;
  refilled_at_ = env_.clock.steady();
  rewind();
  log(Severity::notice, "output " + env_.output,
      fmt::format("a replay begins: records {} to {}, at most {} a second", progress_.first_seq, progress_.end_seq,
                  request.rate));
  if (auto made = env_.files.make_folder(env_.folder); !made) return made;
  save();
  finish_if_through();
  return ok();
}

void ReplayStream::cancel() {
  letters_to_send_.clear();
  if (progress_.state == ReplayState::running) end(ReplayState::cancelled);
}

void ReplayStream::end(ReplayState how) {
  progress_.state = how;
  progress_.ended = env_.clock.wall();
  reader_.reset();
  records_.reset();
  batch_ = {};
  held_ = false;
  marks_.clear();
  unmarked_ = 0;
  log(Severity::notice, "output " + env_.output,
      fmt::format("the replay is {}: {} records acknowledged, {} refused", name_of(how), progress_.acknowledged,
                  progress_.refused));
  const std::string path = env_.folder + "/" + file_name();
  if (auto removed = env_.files.remove(path, FaultPoint::none); !removed) {
    log(Severity::warning, "output " + env_.output, removed.error().message());
  }
}

void ReplayStream::finish_if_through() {
  if (progress_.state != ReplayState::running || !marks_.empty() || unmarked_ != 0 || held_) return;
  if (through_ || progress_.position.seq >= until_seq_) end(ReplayState::done);
}

void ReplayStream::save() {
  unsaved_ = false;
  if (auto saved = replace_file(env_.files, env_.folder, file_name(), replay_json(progress_)); !saved) {
    log_limited(Severity::warning, "replay", "output " + env_.output,
                saved.error().message() + "; after a crash the replay begins again at an older place");
  }
}

void ReplayStream::tick() {
  if (progress_.state == ReplayState::running && unsaved_) save();
}

ReplayProgress ReplayStream::progress() const {
  ReplayProgress now = progress_;
  now.letters_waiting = letters_waiting();
  return now;
}

// ---- sending

void ReplayStream::refill() {
  const std::int64_t now = env_.clock.steady();
  const auto rate =
      static_cast<double>(progress_.state == ReplayState::running ? progress_.request.rate : kLetterRate);
  allowance_ += static_cast<double>(now - refilled_at_) * 1e-9 * rate;
  allowance_ = std::min(allowance_, std::max(1.0, rate / 4));
  refilled_at_ = now;
}

bool ReplayStream::feed(Sink& sink) {
  refill();
  const bool letters = feed_letters(sink);
  const bool records = progress_.state == ReplayState::running && feed_records(sink);
  return letters || records;
}

bool ReplayStream::feed_letters(Sink& sink) {
  bool any = false;
  while (!letters_to_send_.empty() && allowance_ >= 1 && sink.ready()) {
    const std::uint64_t seq = letters_to_send_.front();
    const auto letter = env_.letters->read(seq);
    Record record;
    std::vector<Piece> pieces;
    if (!letter || !letter->decode(record, pieces)) {  // dropped meanwhile, or damaged: it stays for a person to see
      letters_to_send_.pop_front();
      continue;
    }
    StoredRecord stored = of_letter(*letter, record);
    const Taken taken = write(sink, stored);
    if (taken == Taken::not_now) break;
    letters_to_send_.pop_front();
    tries_[seq] = {};
    any = true;
    if (taken == Taken::oversize) park(seq, "oversize", "longer than the target takes, as it is configured");
  }
  return any;
}

bool ReplayStream::feed_records(Sink& sink) {
  std::size_t count = 0;
  for (std::size_t read = 0; count < kMostRecordsATurn && allowance_ >= 1 && sink.ready();) {
    if (!batch_ && (read >= kMostReadATurn || !next_batch())) break;
    if (!held_ && !records_->next(record_)) {
      read += batch_->bytes().size();
      written_ = {batch_->end_offset(), std::min(batch_->end_seq(), until_seq_)};
      records_.reset();
      batch_ = {};
      continue;
    }
    held_ = false;
    if (records_->seq() < written_.seq) continue;
    if (records_->seq() >= until_seq_) {
      written_.seq = until_seq_;
      through_ = true;
      break;
    }
    StoredRecord stored{.record = record_,
                        .partition = batch_->partition(),
                        .offset = records_->offset(),
                        .seq = records_->seq(),
                        .journal_id = journal_id_,
                        .input_name = {},
                        .asset = {}};
    if (is_asked_for(stored)) {
      const Taken taken = write(sink, stored);
      if (taken == Taken::not_now) {
        held_ = true;
        break;
      }
      if (taken == Taken::oversize) refused("longer than the target takes, as it is configured");
      if (taken == Taken::yes) ++count;
    }
    written_ = {batch_->base_offset(), records_->seq() + 1};
  }
  unmarked_ += count;
  if (unmarked_ == 0 && marks_.empty() && written_.seq > progress_.position.seq) {
    progress_.position = written_;  // nothing of it was asked for
    unsaved_ = true;
  }
  finish_if_through();
  return count != 0;
}

bool ReplayStream::next_batch() {
  if (through_) return false;
  auto next = reader_->next();
  if (!next) {
    log_limited(Severity::error, "read", "output " + env_.output, "replay: " + next.error().message());
    return false;
  }
  if (!*next || (*next)->base_seq() >= until_seq_) {
    written_.seq = std::max(written_.seq, until_seq_);
    through_ = true;
    return false;
  }
  batch_ = *std::move(next);
  records_.emplace(*batch_);
  return true;
}

bool ReplayStream::is_asked_for(const StoredRecord& record) const {
  const Record& r = record.record;
  const ReplayRequest& request = progress_.request;
  if (r.event.kind == Kind::life || r.received < request.since || r.received > request.until) return false;
  if (!request.scan.empty() && r.event.scan_id != request.scan) return false;
  StoredRecord named = record;
  env_.name(named);
  named.extra_flags = flag::replayed;
  if (!request.asset.empty() && !same_name(named.asset_or_host(), request.asset) &&
      !same_name(r.event.canonical_host, request.asset)) {
    return false;
  }
  return env_.wants(named);
}

Taken ReplayStream::write(Sink& sink, StoredRecord& record) {
  const std::string_view input = record.input_name;
  env_.name(record);
  if (!input.empty()) record.input_name = input;  // a letter knows it itself
  record.extra_flags = flag::replayed;
  const Taken taken = sink.write(record);
  if (taken == Taken::yes) {
    allowance_ -= 1;
    ++progress_.sent;
  }
  return taken;
}

// ---- what comes back

void ReplayStream::marked(Token token) {
  for (auto& [seq, attempt] : tries_) {
    if (attempt.token == 0) attempt.token = token;
  }
  if (progress_.state != ReplayState::running || unmarked_ == 0) return;
  marks_.push_back({token, written_, unmarked_});
  unmarked_ = 0;
}

void ReplayStream::delivered(Token token) {
  for (auto attempt = tries_.begin(); attempt != tries_.end();) {
    if (attempt->second.token == 0 || attempt->second.token > token) {
      ++attempt;
      continue;
    }
    if (!attempt->second.refused) {
      ++progress_.letters_delivered;
      LetterHead head;
      head.journal_id = journal_id_;
      head.seq = attempt->first;
      if (auto removed = env_.letters->remove(head); !removed) {
        log_limited(Severity::warning, "park", "output " + env_.output, removed.error().message());
      }
    }
    attempt = tries_.erase(attempt);
  }
  while (!marks_.empty() && marks_.front().token <= token) {
    progress_.position = marks_.front().end;
    progress_.acknowledged += marks_.front().records;
    marks_.pop_front();
    unsaved_ = true;
  }
  if (marks_.empty() && unmarked_ == 0 && written_.seq > progress_.position.seq) progress_.position = written_;
  finish_if_through();
}

// All that was sent and not delivered is sent again.
void ReplayStream::rewind() {
  for (auto attempt = tries_.rbegin(); attempt != tries_.rend(); ++attempt) {
    if (!attempt->second.refused) letters_to_send_.push_front(attempt->first);
  }
  tries_.clear();
  if (progress_.state != ReplayState::running) return;
  marks_.clear();
  unmarked_ = 0;
  held_ = false;
  through_ = false;
  records_.reset();
  batch_ = {};
  written_ = progress_.position;
  reader_ = std::make_unique<JournalReader>(env_.journal, progress_.position);
}

void ReplayStream::retry(const std::vector<std::uint64_t>& numbers) {
  for (const std::uint64_t seq : numbers) {
    const bool waits = std::find(letters_to_send_.begin(), letters_to_send_.end(), seq) != letters_to_send_.end();
    if (!waits && !tries_.contains(seq) && env_.letters->has(seq)) letters_to_send_.push_back(seq);
  }
}

bool ReplayStream::park(std::uint64_t seq, std::string_view reason, std::string_view answer) {
  if (const auto attempt = tries_.find(seq); attempt != tries_.end() && !attempt->second.refused) {
    attempt->second.refused = true;
    ++progress_.letters_refused;
    const auto letter = env_.letters->read(seq);
    Record record;
    std::vector<Piece> pieces;
    if (!letter || !letter->decode(record, pieces)) return true;
    StoredRecord stored = of_letter(*letter, record);
    if (auto put = env_.letters->put(stored, reason, answer, env_.clock.wall()); !put) {
      // The letter stays as it was, which is all that was promised.
      log_limited(Severity::warning, "park", "output " + env_.output, put.error().message());
    }
    return true;
  }
  const bool ours = progress_.state == ReplayState::running && seq >= progress_.position.seq && seq < written_.seq;
  if (!ours) return false;
  refused(answer.empty() ? reason : answer);
  const auto mark =
      std::find_if(marks_.begin(), marks_.end(), [seq](const Mark& each) { return seq < each.end.seq; });
  std::uint64_t& records = mark == marks_.end() ? unmarked_ : mark->records;
  records -= records > 0 ? 1 : 0;
  return true;
}

void ReplayStream::refused(std::string_view answer) {
  ++progress_.refused;
  progress_.answer = answer.substr(0, 500);
  unsaved_ = true;
}

}  // namespace thorlog
