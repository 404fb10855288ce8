// Syslog over RELP, plain (relp://) or inside TLS (relps://): each record is a frame, and the target answers each
// one, when it has it. Only an answer moves the cursor, so nothing is lost when either side dies; what waited for its
// answer then is sent again. Exact bytes; a window of frames under way, as librelp has it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "outputs/part_maker.h"
#include "outputs/pool_link.h"
#include "outputs/relp_window.h"
#include "outputs/send_buffer.h"
#include "outputs/sink.h"
#include "wire/encode_line.h"
#include "wire/relp.h"

namespace thorlog {

class RelpSink final : public Sink, private PoolLink::Owner {
 public:
  static constexpr std::size_t kMostAnswer = 128U << 10;
  static constexpr std::size_t kWindow = 128;  // frames that wait for their answer, as librelp's default

  RelpSink(const OutputSettings& settings, const SinkContext& context);
  ~RelpSink();

  void start() override { link_.start(); }
  bool ready() const noexcept override;
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override;
  bool wants_early_marks() const noexcept override { return true; }
  void flush() override;
  void close(std::function<void()> done) override;
  void reopen() override { link_.reopen(); }
  const SinkStatus& status() const noexcept override { return status_; }

 private:
  // ending: no more records; once all are answered, close is said, and then farewell waits for the target's word.
  enum class Phase : std::uint8_t { waiting, opening, streaming, ending, farewell, closed };
  struct Refused {
    std::uint64_t seq;
    std::string answer;
  };

  void link_up() override;
  void link_writable() override;
  void link_heard(std::string_view bytes) override;
  void link_ended(Retry reason, const std::string& why) override;
  void link_better() override;

  void send_buffered();
  void heard(const RelpFrame& frame);
  void opened(const RelpResponse& answer);
  void answered(std::uint32_t number, const RelpResponse& answer);
  void refused(RelpWindow::Frame& frame, const RelpResponse& answer);
  void park_refused();
  void settle();
  void end_round();
  void look();
  void watch();
  void lost(Retry reason, const std::string& why);
  void say_close();
  void said_close();
  void end_of_close();
  void leave();
  bool is_up() const noexcept { return phase_ != Phase::waiting && phase_ != Phase::closed; }
  bool is_busy() const noexcept { return phase_ == Phase::streaming || phase_ == Phase::ending; }
  std::size_t window() const noexcept { return again_.times != 0 ? 2 : kWindow; }

  SinkContext context_;
  LineEncoder encoder_;
  std::size_t max_length_;
  PartMaker parts_;
  SinkStatus status_;
  PoolLink link_;
  Phase phase_ = Phase::waiting;
  Timer look_;  // while something is under way
  Timer park_again_;
  RelpReader reader_{kMostAnswer};

  ByteBuffer line_;
  SendBuffer buffer_;
  RelpWindow window_;
  std::vector<Refused> to_park_;
  std::int64_t answer_at_ = 0;  // when the target last answered, or nothing waited
  std::int64_t leave_at_ = 0;

  // A record that the target could not take (500): it is sent again, with one other beside it. When the others pass,
  // and this one does not, some times over, it is this record's fault.
  struct Again {
    std::uint64_t seq = 0;
    unsigned times = 0;
    bool sent = false;  // since the last break
    bool others_pass = false;
    std::string answer;
  } again_;
  bool round_is_over_ = false;  // one was refused: wait for the answers that are due, then connect anew
  std::function<void()> done_;
};

}  // namespace thorlog
