#include "pipeline/worker_intake.h"

#include <bit>

#include "thorlog/line_flags.h"
#include "wire/encode_syslog.h"

namespace thorlog {

namespace {

constexpr std::size_t kRoomLeft = BatchRing::capacity() / 4;  // inputs stop reading when fewer places are free,
constexpr std::size_t kMostQueued = 8U << 20;  // or when what waits is larger: lines may have megabytes

}  // namespace

WorkerIntake::WorkerIntake(Environment environment)
    : env_(std::move(environment)), budget_(env_.budget), reassembler_(env_.reassembly, budget_) {}

WorkerIntake::~WorkerIntake() = default;

void WorkerIntake::set_rules(std::size_t slot, const InputRules& rules) {
  if (rules_.size() <= slot) {
    rules_.resize(slot + 1);
    now_.inputs.resize(slot + 1);
  }
  rules_[slot] = rules;
}

Intake::Stream* WorkerIntake::open(const StreamInfo& info) {
  auto stream = std::make_unique<Stream>();
  stream->input = info.input;
  stream->peer = info.peer;
  stream->address = info.peer_address;
  stream->identity = info.peer_identity;
  stream->sender = sender_hash(info.peer);
  stream->number = env_.stream_numbers.fetch_add(1, std::memory_order_relaxed);
  const InputRules& rules = rules_[info.input];
  StreamOptions options;
  options.peer_address = stream->address;
  options.datagrams = info.datagrams;
  options.split = rules.split;
  options.trusted = rules.trusted;
  options.owner = stream.get();
  stream->pieces = reassembler_.open_stream(options);
  return stream.release();
}

void WorkerIntake::close(Stream* stream) {
  const std::unique_ptr<Stream> owned(stream);
  reassembler_.close_stream(stream->pieces, *this);  // on_line() brings the books up to date
}

void WorkerIntake::change_port(Stream* stream, std::uint16_t port) {
  stream->peer.resize(stream->peer.rfind(':') + 1);
  stream->peer += std::to_string(port);
}

void WorkerIntake::offer(Stream* stream, const Frame& frame, std::int64_t now, std::int64_t received,
                         bool more_buffered) {
  InputBooks& books = now_.inputs[stream->input];
  books.bytes += frame.bytes.size();
  ++stream->offered;
  stream->offering = true;
  stream->newest_left = false;
  // A datagram that is split counts as the records that it was split into.
  books.received += reassembler_.offer(stream->pieces, frame, now, received, more_buffered, *this);
  stream->offering = false;
  settle_held(*stream);
  if (stream->held == 0 && !stream->origin.empty()) stream->passed = stream->origin;
  if (!waiting_.empty()) hand_over();
}

void WorkerIntake::settle_held(Stream& stream) {
  const std::uint64_t held = reassembler_.held(stream.pieces);
  InputBooks& books = now_.inputs[stream.input];
  books.held += held - stream.held;  // modulo 2^64: right also when it shrinks
  stream.held = held;
}

void WorkerIntake::on_line(const Line& line) {
  Stream& stream = *static_cast<Stream*>(line.owner);
  Record& record = record_;
  if (stream.offering && line.frames == 1 && line.frame + 1 == stream.offered) stream.newest_left = true;
  fill(line, stream, record);
  record.origin = {};
  if (!stream.origin.empty()) record.origin = origin_of(line, stream, reassembler_.held(stream.pieces) == 0);
  store(record, stream.input, stream.sender);
  count(record, stream.input);
  now_.inputs[stream.input].joined += line.frames - 1;
  settle_held(stream);
}

void WorkerIntake::count(const Record& record, std::size_t slot) {
  InputBooks& books = now_.inputs[slot];
  ++books.emitted;
  if ((record.event.flags & flag::incomplete) != 0) ++books.incomplete;
  ++now_.kinds[static_cast<std::size_t>(record.event.kind)];
  for (std::uint32_t flags = record.event.flags; flags != 0; flags &= flags - 1) {
    ++now_.flags[static_cast<std::size_t>(std::countr_zero(flags))];
  }
}

void WorkerIntake::fill(const Line& line, const Stream& stream, Record& record) {
  const InputRules& rules = rules_[stream.input];
  ParseContext context = rules.context(line.received);
  context.cut = line.cut;
  context.memory = line.memory;
  context.peer_host = stream.address;
  parser_.parse(line.raw, line.start, context, record.event);
  record.event.flags = flags_of(record.event.flags, line.flags);
  // What another thorlogd says of a line (its hops) is believed of such peers only.
  if (!rules.trusted) record.event.structured_data = without_own_elements(record.event.structured_data);
  if (!record.event.scan_id.empty() && groups_) record.event.group_id = groups_->find(record.event.scan_id);

  record.input = rules.number;
  record.received = line.received;
  record.peer = stream.peer;
  record.peer_identity = stream.identity;
  record.stream = stream.number;
  record.frame = line.frame;
  record.pieces = line.pieces;
  record.parts = line.parts;
}

void WorkerIntake::store(const Record& record, std::size_t slot, std::uint32_t sender) {
  if (open_.batch && open_.slot == slot && add(record, sender)) return;
  close_batch();
  open_ = HandOver{Batch::make(env_.pool, env_.checksum_seed), slot, 0};
  THORLOG_ASSERT(add(record, sender));  // an empty batch grows for any record
}

bool WorkerIntake::add(const Record& record, std::uint32_t sender) {
  return env_.hints ? open_.batch->add(record, hint_of(record, sender)) : open_.batch->add(record);
}

void WorkerIntake::close_batch() {
  if (!open_.batch || open_.batch->empty()) return;
  open_.emitted = now_.inputs[open_.slot].emitted;
  waiting_.push_back(std::exchange(open_, HandOver()));
}

// Only where the books balance, since they are published first: nobody may see a line stored that was not received.
void WorkerIntake::hand_over() {
  now_.budget_used = budget_.used();
  {
    const std::lock_guard lock(mutex_);
    published_ = now_;
  }
  if (waiting_.empty()) return;
  push_waiting();
  env_.ring_bell();
}

bool WorkerIntake::push_waiting() {
  while (!waiting_.empty()) {
    const std::size_t bytes = waiting_.front().batch->capacity();
    (void)queued_bytes();  // forgets what is gone before its place is used again
    if (!ring_.push(waiting_.front())) break;
    waiting_.pop_front();
    sizes_[pushed_++ % sizes_.size()] = bytes;
    queued_bytes_ += bytes;
  }
  return waiting_.empty();
}

std::size_t WorkerIntake::queued_bytes() const noexcept {
  for (const std::size_t left = ring_.size(); pushed_ - gone_ > left; ++gone_) {
    queued_bytes_ -= sizes_[gone_ % sizes_.size()];
  }
  return queued_bytes_;
}

void WorkerIntake::end_turn() {
  const std::int64_t now = env_.clock.steady();
  if (const std::int64_t due = reassembler_.next_due(); due != kNoTime && due <= now) {
    reassembler_.release_due(now, *this);
  }
  if (const std::uint64_t version = env_.tables.version(); version != tables_version_) {
    groups_ = env_.tables.groups();
    tables_version_ = version;
  }
  close_batch();
  hand_over();
  resume_if_room();
}

void WorkerIntake::flush_all() {
  reassembler_.flush(nullptr, *this);
  close_batch();
  hand_over();
}

void WorkerIntake::room_made() {
  if (!waiting_.empty()) {
    push_waiting();
    env_.ring_bell();
  }
  resume_if_room();
}

void WorkerIntake::resume_if_room() {
  if (!paused_ || !has_room()) return;
  paused_ = false;
  for (const auto& resume : resume_) resume();
}

bool WorkerIntake::has_room() const noexcept {
  const bool stopped =
      env_.pressure.full.load(std::memory_order_relaxed) || env_.pressure.failed.load(std::memory_order_relaxed);
  if (!stopped && waiting_.empty() && ring_.size() + kRoomLeft <= BatchRing::capacity() &&
      queued_bytes() <= kMostQueued) {
    return true;
  }
  paused_ = true;
  return false;
}

bool WorkerIntake::must_refuse(RefuseReason& reason) const noexcept {
  if (env_.pressure.failed.load(std::memory_order_relaxed)) {
    reason = RefuseReason::journal_failed;
    return true;
  }
  if (env_.pressure.full.load(std::memory_order_relaxed)) {
    reason = RefuseReason::journal_full;
    return true;
  }
  return false;
}

WorkerSnapshot WorkerIntake::snapshot() const {
  const std::lock_guard lock(mutex_);
  return published_;
}

}  // namespace thorlog
