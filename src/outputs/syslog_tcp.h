// Syslog over TCP: octet counting or LF. Keeps at most one buffer of its own besides the kernel's; what was sent and
// not delivered when a connection ends is brought again by the runner. When bytes count as delivered: trailing_ack.h.
// A list of targets is a pool: the first that answers is used, and each new connection begins with the first again.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "outputs/backoff.h"
#include "outputs/part_maker.h"
#include "outputs/sink.h"
#include "outputs/target_cycle.h"
#include "outputs/tcp_connection.h"
#include "outputs/trailing_ack.h"
#include "wire/encode_line.h"

namespace thorlog {

class SyslogTcp final : public Sink, private TcpConnection::Owner, private TargetCycle::Owner {
 public:
  SyslogTcp(const OutputSettings& settings, const SinkContext& context);
  ~SyslogTcp();

  void start() override;
  bool ready() const noexcept override { return phase_ == Phase::connected && !blocked_; }
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override;
  void flush() override;
  void close(std::function<void()> done) override;
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  enum class Phase : std::uint8_t { waiting, connecting, connected, closing, closed };
  struct Mark {
    Token token;
    std::uint64_t end;  // bytes of this connection up to here
  };

  void connected() override;
  void writable() override;
  void ended(Retry reason, int error) override;

  void try_endpoint(const Endpoint& endpoint) override;
  void not_found(std::string why) override;
  void all_tried() override;
  void connect_timed_out();
  Taken write_in_parts(const StoredRecord& record, std::size_t before);
  void failed_to_connect(Retry reason, std::string why);
  void trouble(Retry reason, std::string why);

  void send_buffered();
  void look();  // at what the kernel says about the bytes under way
  void look_again_in(std::uint64_t ms);
  void judge_progress(const TcpProgress& progress, std::int64_t now);
  void report_delivered(std::uint64_t upto);
  void lost(Retry reason, int error);
  void end_of_close(bool peer_has_all);
  std::uint64_t sent_total() const noexcept { return before_buffer_ + sent_; }

  SinkContext context_;
  LineFraming framing_;
  LineEncoder encoder_;
  std::size_t max_length_;
  PartMaker parts_;
  SinkStatus status_;

  Phase phase_ = Phase::waiting;
  Endpoint endpoint_;
  TargetCycle cycle_;
  Backoff backoff_;
  Timer retry_;  // waits for the next try, or for the end of a connect
  Timer look_;
  std::unique_ptr<TcpConnection> connection_;

  ByteBuffer buffer_;
  std::size_t sent_ = 0;             // of the buffer
  std::uint64_t before_buffer_ = 0;  // bytes of this connection before the buffer
  bool blocked_ = false;             // the kernel takes no more
  std::deque<Mark> marks_;           // not delivered yet
  std::size_t reached_ = 0;          // of them, how many the peer's kernel has
  TrailingAck trail_;
  std::uint64_t wait_ms_ = 1;     // until the next look
  std::int64_t progress_at_ = 0;  // when the peer last acknowledged something new, or nothing was under way
  bool said_finish_ = false;
  std::function<void()> done_;
};

}  // namespace thorlog
