#include "thorlog/framing.h"

#include <cstring>

#include "thorlog/event.h"
#include "wire/octet_count.h"

namespace thorlog {
namespace {

constexpr std::size_t kTrailer = 2;  // bytes behind a frame of full length that may be its CR and more of its end
constexpr std::size_t kSmallCarry = 256;  // kept while idle
constexpr std::size_t kFirstLook = 16;    // undecided: enough for the longest count with a priority
constexpr std::size_t kLastLook = 1024;   // and for the longest start

}  // namespace

std::string_view strip_trailer(std::string_view bytes) noexcept {
  std::size_t size = bytes.size();
  while (size > 0 && bytes[size - 1] == '\0') --size;
  if (size > 0 && bytes[size - 1] == '\n') --size;
  if (size > 0 && bytes[size - 1] == '\r') --size;
  while (size > 0 && bytes[size - 1] == '\0') --size;
  return bytes.substr(0, size);
}

StreamFramer::StreamFramer(Framing framing, std::size_t max_frame)
    : framing_(framing),
      delimiter_(framing == Framing::nul ? '\0' : '\n'),
      max_frame_(max_frame > 0 ? max_frame : 1) {}

void StreamFramer::feed(std::string_view bytes) { input_ = bytes; }

bool StreamFramer::undecided() const noexcept {
  return state_ == State::start && framing_ == Framing::automatic && !decided_line_ && used_ < carry_.size() &&
         (!counted_seen_ || lf_seen_);
}

void StreamFramer::decide_now() noexcept {
  if (undecided()) decided_line_ = true;
}

std::size_t StreamFramer::held() const noexcept { return carry_.capacity() > sizeof(carry_) ? carry_.capacity() : 0; }

bool StreamFramer::next(Frame& frame) {
  if (used_ > 0) drop(used_);
  for (;;) {
    if (state_ == State::start && !begin_frame(false)) return false;
    const Step step = state_ == State::counted ? next_counted(frame) : next_line(frame);
    if (step == Step::frame) return true;
    if (step == Step::more) return false;
  }
}

// Takes bytes off the front, of what was kept and then of what was fed.
void StreamFramer::drop(std::size_t n) {
  used_ = 0;
  if (n < carry_.size()) {
    carry_.erase(0, n);
    return;
  }
  input_.remove_prefix(n - carry_.size());
  carry_.clear();
  if (carry_.capacity() > kSmallCarry) std::string().swap(carry_);
}

// Decides how the frame that begins here is delimited; `ending`: no more is to come. False: nothing is here, or not
// enough to tell.
bool StreamFramer::begin_frame(bool ending) {
  if (carry_.empty() && input_.empty()) return false;
  const char first = carry_.empty() ? input_.front() : carry_.front();
  const bool countable =
      framing_ == Framing::octet || (framing_ == Framing::automatic && (counted_seen_ || !lf_seen_));
  if (!countable || first < '1' || first > '9') {
    state_ = State::line;
    return true;
  }

  // The beginning as one run of bytes, up to the line's end if that is here.
  char head[kLastLook];
  std::string_view bytes = input_;
  const void* end = std::memchr(input_.data(), '\n', input_.size() < kLastLook ? input_.size() : kLastLook);
  if (end != nullptr) bytes = bytes.substr(0, static_cast<std::size_t>(static_cast<const char*>(end) - bytes.data()));
  if (!carry_.empty()) {
    if (end == nullptr && !ending && carry_.size() + bytes.size() < look_at_) {
      keep_rest();
      return false;
    }
    const std::size_t kept = carry_.size() < kLastLook ? carry_.size() : kLastLook;
    const std::size_t more = bytes.size() < kLastLook - kept ? bytes.size() : kLastLook - kept;
    std::memcpy(head, carry_.data(), kept);
    if (more > 0) std::memcpy(head + kept, bytes.data(), more);
    bytes = std::string_view(head, kept + more);
  }

  const bool settled = framing_ == Framing::octet || (counted_seen_ && !lf_seen_);
  const OctetCount count = read_octet_count(bytes, settled);
  if (count.verdict == OctetCount::Verdict::more && end == nullptr && !ending && bytes.size() < kLastLook) {
    keep_rest();
    // Few looks even when bytes come one by one, and one when all counted bytes are there: not one more may be kept.
    look_at_ = carry_.size() < kFirstLook ? 0 : carry_.size() * 2;
    if (count.prefix > 0 && count.prefix + count.value < look_at_)
      look_at_ = count.prefix + static_cast<std::size_t>(count.value);
    return false;
  }
  look_at_ = 0;
  state_ = State::line;
  if (count.verdict != OctetCount::Verdict::count || (decided_line_ && !count.priority)) return true;
  state_ = decided_line_ ? State::printed : State::counted;
  declared_ = left_ = count.value;
  drop(count.prefix);
  left_ -= carry_.size() < left_ ? carry_.size() : left_;
  return true;
}

// Moves what is left of the fed bytes into the carry. Always with room to be read ahead.
void StreamFramer::keep_rest() { keep(input_.size()); }

void StreamFramer::keep(std::size_t n) {
  if (n == 0) return;
  carry_.reserve(carry_.size() + n + kReadAhead);
  carry_.append(input_.data(), n);
  input_.remove_prefix(n);
}

StreamFramer::Step StreamFramer::next_line(Frame& frame) {
  const std::size_t limit = max_frame_ + kTrailer;
  std::size_t look = carry_.size() <= limit ? limit + 1 - carry_.size() : 0;
  if (look > input_.size()) look = input_.size();
  const bool bounded = state_ == State::printed && left_ <= look;
  if (bounded) look = static_cast<std::size_t>(left_);

  const void* end = look > 0 ? std::memchr(input_.data(), delimiter_, look) : nullptr;
  if (end != nullptr || bounded) {
    const std::size_t n = end ? static_cast<std::size_t>(static_cast<const char*>(end) - input_.data()) : look;
    const std::string_view bytes = take(n);
    if (end != nullptr) input_.remove_prefix(1);
    if (state_ == State::printed) left_ -= n;
    return complete(bytes, frame);
  }
  if (carry_.size() + look > limit) return give_piece(frame);
  if (state_ == State::printed) left_ -= input_.size();
  keep_rest();
  return Step::more;
}

StreamFramer::Step StreamFramer::next_counted(Frame& frame) {
  if (carry_.size() > max_frame_) return give_piece(frame);
  const std::uint64_t wanted = max_frame_ - carry_.size() < left_ ? max_frame_ - carry_.size() : left_;
  if (input_.size() < wanted) {
    left_ -= input_.size();
    keep_rest();
    return Step::more;
  }
  left_ -= wanted;
  const std::string_view bytes = take(static_cast<std::size_t>(wanted));
  if (left_ == 0) return complete(bytes, frame);
  piece_flags_ |= flag::oversize;
  fill(bytes, frame);
  piece_left_ = true;
  return Step::frame;
}

// The frame's next n bytes behind those that were kept, in one run.
std::string_view StreamFramer::take(std::size_t n) {
  if (carry_.empty()) {
    const std::string_view bytes = input_.substr(0, n);
    input_.remove_prefix(n);
    return bytes;
  }
  keep(n);
  used_ = carry_.size();
  return carry_;
}

// The first max_frame bytes of a frame that is longer.
StreamFramer::Step StreamFramer::give_piece(Frame& frame) {
  piece_flags_ |= flag::oversize;
  if (carry_.size() <= max_frame_) {
    const std::size_t n = max_frame_ - carry_.size();
    if (state_ == State::printed) left_ -= n;
    fill(take(n), frame);
  } else {
    used_ = max_frame_;
    fill(std::string_view(carry_).substr(0, max_frame_), frame);
  }
  piece_left_ = true;
  return Step::frame;
}

StreamFramer::Step StreamFramer::complete(std::string_view bytes, Frame& frame) {
  bytes = strip_trailer(bytes);
  const bool whole = !piece_left_;
  if (bytes.empty()) {
    if (whole) ++empty_;
    drop(used_);
    end_frame();
    return Step::again;
  }
  fill(bytes, frame);
  end_frame();
  return Step::frame;
}

void StreamFramer::fill(std::string_view bytes, Frame& frame) {
  frame.bytes = bytes;
  frame.flags = piece_flags_;
  frame.continues = piece_left_;
  frame.counted = state_ == State::counted || (state_ == State::printed && left_ == 0);
  frame.declared_length = state_ == State::line ? 0 : declared_;
  frame.following = input_;
  if (state_ == State::counted) {
    counted_seen_ = true;
  } else if (state_ == State::line) {
    lf_seen_ = true;
    strip_printed_count(frame);
  }
}

// F27: a counted frame that somebody wrote down as a line. Only where the count can be that of this frame.
void StreamFramer::strip_printed_count(Frame& frame) const noexcept {
  const char first = frame.bytes.front();
  if (first < '1' || first > '9' || frame.flags != 0 || framing_ == Framing::nul) return;
  const OctetCount count = read_octet_count(frame.bytes, false);
  if (count.verdict != OctetCount::Verdict::count || !count.priority) return;
  if (count.value < frame.bytes.size() - count.prefix) return;
  frame.bytes.remove_prefix(count.prefix);
  frame.declared_length = count.value;
}

void StreamFramer::end_frame() noexcept {
  state_ = State::start;
  piece_flags_ = 0;
  piece_left_ = false;
  decided_line_ = false;
}

bool StreamFramer::finish(Frame& frame) {
  if (used_ > 0) drop(used_);
  if (carry_.empty()) return false;
  if (state_ == State::start) begin_frame(true);
  if ((state_ == State::counted ? next_counted(frame) : next_line(frame)) == Step::frame) return true;
  const std::string_view bytes = strip_trailer(carry_);
  if (bytes.empty()) {
    if (!piece_left_) ++empty_;
    drop(carry_.size());
    return false;
  }
  fill(bytes, frame);
  frame.flags |= flag::unterminated;
  piece_flags_ |= flag::unterminated;
  piece_left_ = true;
  used_ = carry_.size();
  return true;
}

}  // namespace thorlog
