#include "inputs/relp_session.h"

#include "base/file.h"
#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {

bool RelpSession::next(Frame& frame) {
  RelpFrame relp;
  while (!ends_) {
    switch (reader_.next(relp)) {
      case RelpReader::Step::more:
        return false;
      case RelpReader::Step::broken:
        break_off(std::string(reader_.error()));
        return false;
      case RelpReader::Step::frame:
        break;
    }
    if (relp.command != RelpCommand::syslog)
      take_command(relp);
    else if (take_line(relp, frame))
      return true;
  }
  return false;
}

bool RelpSession::take_line(const RelpFrame& relp, Frame& frame) {
  if (!opened_) {
    break_off("a line before `open`");
    return false;
  }
  if (trouble_ != nullptr) {
    hang_up();
    return false;
  }
  frame = {};
  frame.bytes = relp.last ? strip_trailer(relp.data) : relp.data;
  const bool whole = relp.first && relp.last;
  const bool given = !frame.bytes.empty();
  if (given) ++given_;
  if (!given && whole) ++empty_;
  if (relp.last) waiting_.push_back({relp.txnr, given_, kHeld, whole && given});
  if (!given) return false;
  frame.flags = whole ? 0 : flag::oversize;
  frame.continues = !relp.first;
  frame.counted = true;
  frame.declared_length = relp.total;
  return true;
}

void RelpSession::take_command(const RelpFrame& relp) {
  RelpOffers offers;
  switch (relp.command) {
    case RelpCommand::open:
      if (opened_) return break_off("a second `open`");
      if (!relp.last || !read_relp_offers(relp.data, offers)) {
        append_relp_response(relp.txnr, 500, "relp_version is missing", "", outgoing_);
        return break_off("`open` without relp_version");
      }
      if (trouble_ != nullptr) {
        append_relp_response(relp.txnr, 500, trouble_, "", outgoing_);
        return hang_up();
      }
      opened_ = true;
      return append_relp_response(relp.txnr, 200, "OK", relp_offers(), outgoing_);
    case RelpCommand::close:
      close_txnr_ = relp.txnr;
      ends_ = true;
      return;
    case RelpCommand::rsp:
    case RelpCommand::serverclose:
      return;  // hints and answers mean nothing here
    default:
      if (relp.last) append_relp_response(relp.txnr, 500, "unknown command", "", outgoing_);
      return;
  }
}

void RelpSession::break_off(std::string why) {
  error_ = std::move(why);
  hang_up();
}

void RelpSession::hang_up() {
  ends_ = true;
  waiting_.clear();
  marked_ = asked_ = early_ = 0;
}

void RelpSession::offered(bool left, std::uint64_t emitted) noexcept {
  ++offered_;
  for (; asked_ < waiting_.size() && waiting_[asked_].frame <= offered_; ++asked_) {
    if (left && waiting_[asked_].frame == offered_ && waiting_[asked_].whole) waiting_[asked_].mark = emitted;
  }
}

void RelpSession::settled(std::uint64_t emitted) {
  for (; marked_ < waiting_.size() && waiting_[marked_].frame <= offered_; ++marked_) {
    if (waiting_[marked_].mark == kHeld) waiting_[marked_].mark = emitted;
  }
}

bool RelpSession::acknowledge(std::uint64_t durable) {
  bool any = false;
  while (!waiting_.empty() && waiting_.front().is_durable(durable)) {
    if (!answer(waiting_.front())) return any;
    if (waiting_.front().early) --early_;
    waiting_.pop_front();
    if (marked_ > 0) --marked_;
    if (asked_ > 0) --asked_;
    any = true;
  }
  return acknowledge_early(durable) || any;
}

// Behind a line that waits for its rest. kMostBehind bounds what is looked at.
bool RelpSession::acknowledge_early(std::uint64_t durable) {
  bool any = false;
  if (waiting_.empty() || waiting_.front().mark != kHeld) return false;
  for (Waiting& each : waiting_) {
    if (each.early || !each.is_durable(durable)) continue;
    if (!answer(each)) return any;
    each.early = true;
    ++early_;
    any = true;
  }
  return any;
}

// Once for each line. False: not now.
bool RelpSession::answer(const Waiting& line) {
  if (line.early) return true;
  if (!hit_fault(FaultPoint::ack_peer)) return false;
  append_relp_response(line.txnr, 200, "OK", "", outgoing_);
  return true;
}

void RelpSession::say_goodbye() {
  if (said_goodbye_) return;
  said_goodbye_ = true;
  if (close_txnr_ != 0 && waiting_.empty()) append_relp(close_txnr_, "rsp", "", outgoing_);
  append_relp(0, "serverclose", "", outgoing_);
}

}  // namespace thorlog
