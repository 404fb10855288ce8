// Syslog over UDP (RFC 5426): one record, one datagram, many of them in one system call. A record is delivered when
// the kernel has taken it and no refusal (ICMP) came back within a moment; a target that refuses is tried again with
// back-off, one datagram at a time, until it is quiet.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "outputs/backoff.h"
#include "outputs/output_file.h"
#include "outputs/part_maker.h"
#include "outputs/sink.h"
#include "outputs/target_cycle.h"

namespace thorlog {

class SyslogUdp final : public Sink, private TargetCycle::Owner {
 public:
  static constexpr std::size_t kMostBytes = 65'507;  // of a datagram over IPv4: 65535 less IP and UDP headers

  SyslogUdp(const OutputSettings& settings, const SinkContext& context);
  ~SyslogUdp();

  void start() override;
  bool ready() const noexcept override { return open_ && !blocked_ && !(probing_ && probe_sent_) && !done_; }
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override;
  void flush() override;
  void close(std::function<void()> done) override;
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  struct Socket;
  static constexpr unsigned kMostAtOnce = 128;

  void try_endpoint(const Endpoint& endpoint) override;
  void not_found(std::string why) override;
  void all_tried() override;

  void add_datagram();  // what the buffer has got since the last one
  void send_gathered();
  void sent_all();
  void settle();
  void quiet();
  void refused(int error);
  void trouble(Retry reason, std::string why);
  void drop_gathered();
  void finish_close();

  SinkContext context_;
  std::size_t max_length_;
  LineEncoder encoder_;
  PartMaker parts_;
  bool splits_;
  SinkStatus status_;
  TargetCycle cycle_;
  Backoff backoff_;
  Timer retry_;
  Timer settle_;
  Endpoint endpoint_;
  std::unique_ptr<Socket> open_;

  ByteBuffer buffer_;
  std::vector<std::uint32_t> ends_;  // of the datagrams in the buffer
  std::size_t sent_ = 0;             // datagrams of the buffer
  std::array<mmsghdr, kMostAtOnce> messages_{};
  std::array<iovec, kMostAtOnce> pieces_{};

  struct Mark {
    Token token;
    std::int64_t sent_at;  // 0: not yet
  };
  std::deque<Mark> marks_;
  bool blocked_ = false;
  bool probing_ = false;  // after a refusal: one datagram, then a moment of listening
  bool probe_sent_ = false;
  std::int64_t quiet_from_ = 0;
  std::function<void()> done_;
};

}  // namespace thorlog
