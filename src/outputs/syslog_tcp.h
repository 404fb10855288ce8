// Syslog over TCP, plain or inside TLS: octet counting or LF. Keeps at most one buffer of its own besides the
// kernel's; what was sent and not delivered when a connection ends is brought again by the runner. When bytes count
// as delivered: trailing_ack.h. A list of targets is a pool: pool_link.h. It goes back to an earlier target between
// two batches, when the one in use has everything, so that nothing is lost or sent twice.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "outputs/part_maker.h"
#include "outputs/pool_link.h"
#include "outputs/send_buffer.h"
#include "outputs/sink.h"
#include "outputs/trailing_ack.h"
#include "wire/encode_line.h"

namespace thorlog {

class SyslogTcp final : public Sink, private PoolLink::Owner {
 public:
  SyslogTcp(const OutputSettings& settings, const SinkContext& context);
  ~SyslogTcp();

  void start() override;
  bool ready() const noexcept override { return phase_ == Phase::connected && !buffer_.blocked(); }
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override;
  void flush() override;
  void close(std::function<void()> done) override;
  void reopen() override { link_.reopen(); }
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  // leaving: nothing more is written, then to an earlier target; closing: the same, then the end.
  enum class Phase : std::uint8_t { waiting, connected, leaving, closing, closed };
  struct Mark {
    Token token;
    std::uint64_t end;  // bytes of this connection up to here
  };

  void link_up() override;
  void link_writable() override;
  void link_heard(std::string_view /*bytes*/) override {}  // nothing that counts is ever said over plain syslog
  void link_ended(Retry reason, const std::string& why) override;
  void link_better() override;

  Taken write_in_parts(const StoredRecord& record, std::size_t before);
  void send_buffered();
  void leave(Phase how);
  void say_finish();
  void look();  // at what the kernel says about the bytes under way
  void look_again_in(std::uint64_t ms);
  void judge_progress(const TcpProgress& progress, std::int64_t now);
  void report_delivered(std::uint64_t upto);
  void lost(Retry reason, const std::string& why);
  void forget_sent();
  void peer_has_all();
  void end_of_close();
  bool is_ending() const noexcept { return phase_ == Phase::leaving || phase_ == Phase::closing; }

  SinkContext context_;
  LineFraming framing_;
  LineEncoder encoder_;
  std::size_t max_length_;
  PartMaker parts_;
  SinkStatus status_;

  PoolLink link_;
  Phase phase_ = Phase::waiting;
  Timer look_;

  SendBuffer buffer_;
  bool between_ = true;      // two batches: all that was written is marked
  std::deque<Mark> marks_;   // not delivered yet
  std::size_t reached_ = 0;  // of them, how many the peer's kernel has
  TrailingAck trail_;
  std::uint64_t wait_ms_ = 1;     // until the next look
  std::int64_t progress_at_ = 0;  // when the peer last acknowledged something new, or nothing was under way
  std::int64_t leave_until_ = 0;  // then what the old target has not got goes to the earlier one
  bool said_finish_ = false;
  std::function<void()> done_;
};

}  // namespace thorlog
