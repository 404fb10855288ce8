// Restartable sources: where a record came from, and how far the records of an input are durable.
#include <algorithm>

#include "base/peer_address.h"
#include "pipeline/worker_intake.h"
#include "thorlog/line_flags.h"

namespace thorlog {

void WorkerIntake::set_origin(Stream* stream, std::string_view origin) { stream->origin = origin; }

std::uint64_t WorkerIntake::held(const Stream* stream) const { return reassembler_.held(stream->pieces); }

// A source that begins again behind the origin of the last record must bring nothing twice, and leave nothing out. A
// line that leaves while its stream's newest frame is still in hand says where the source was before that, unless it
// ends with that very frame.
std::string_view WorkerIntake::origin_of(const Line& line, Stream& stream, bool nothing_held) {
  const bool is_newest = line.frame + line.frames == stream.offered;
  if (nothing_held && (!stream.offering || is_newest)) stream.passed = stream.origin;
  return stream.passed;
}

void WorkerIntake::take(Stream* stream, const WholeRecord& whole) {
  Record record;
  Event& event = record.event;
  if (whole.kind == Kind::detection || whole.kind == Kind::audit) {
    event.raw = whole.raw;
    event.kind = whole.kind;
    event.level = whole.level;
    event.host = whole.host;
    event.canonical_host = whole.host;
  } else {
    ParseContext context = rules_[stream->input].context(whole.received);
    context.peer_host = peer_address(whole.peer);
    context.cut = (whole.flags & (flag::truncated | flag::incomplete)) != 0;
    parser_.parse(whole.raw, test_start(whole.raw), context, event);
  }
  event.flags = flags_of(event.flags, whole.flags);
  if (!whole.scan_id.empty()) event.scan_id = whole.scan_id;
  event.group_id = whole.group_id;
  if (event.group_id.empty() && !event.scan_id.empty() && groups_) event.group_id = groups_->find(event.scan_id);
  record.input = rules_[stream->input].number;
  record.received = whole.received;
  record.peer = whole.peer.empty() ? std::string_view(stream->peer) : whole.peer;
  record.stream = whole.stream != 0 ? whole.stream : stream->number;
  record.frame = stream->offered + stream->taken++;
  record.parts = whole.parts;
  record.origin = whole.origin;
  stream->origin = stream->passed = whole.origin;

  InputBooks& books = now_.inputs[stream->input];
  ++books.received;
  books.bytes += whole.raw.size();
  store(record, stream->input, sender_hash(record.peer));
  count(record, stream->input);
  if (!waiting_.empty()) hand_over();
}

// ---- durable

void WorkerIntake::note_stored(const HandOver& batch, std::uint64_t end_seq) {
  const std::lock_guard lock(stored_mutex_);
  if (stored_.size() <= batch.slot) stored_.resize(batch.slot + 1);
  Stored& stored = stored_[batch.slot];
  stored.emitted = batch.emitted;
  stored.end_seq = end_seq;
}

// One place is waited for at a time: enough for who asks now and then, and no list that could grow.
std::uint64_t WorkerIntake::durable(std::size_t input) {
  if (!env_.synced_seq) return 0;
  const std::uint64_t synced = env_.synced_seq();
  const std::lock_guard lock(stored_mutex_);
  if (stored_.size() <= input) return 0;
  Stored& stored = stored_[input];
  if (stored.waiting_end_seq != 0 && stored.waiting_end_seq <= synced) stored.durable = stored.waiting_emitted;
  if (stored.end_seq <= synced) stored.durable = stored.emitted;
  if (stored.waiting_end_seq <= synced) {
    stored.waiting_emitted = stored.emitted;
    stored.waiting_end_seq = stored.end_seq;
  }
  return stored.durable;
}

}  // namespace thorlog
