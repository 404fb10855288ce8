// What an output over a stream needs of the network: one connection to the first target of its pool that answers,
// another try with back-off when it is over, and the way back. While a later target is in use the earlier ones are
// tried now and then; when one answers, the owner brings to its end what it has sent and then says switch_over().
// What won't come right by itself (a certificate, a refusal) holds: it is said as an error, and tried seldom.
// One thread. Callbacks come from the loop, but for link_heard(), which may also come from inside alive().
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/settings.h"
#include "outputs/backoff.h"
#include "outputs/dial.h"
#include "outputs/sink.h"
#include "outputs/stream_connection.h"

namespace thorlog {

class PoolLink final : private Dial::Owner, private StreamConnection::Owner {
 public:
  class Owner {
   public:
    virtual void link_up() = 0;  // a fresh connection: nothing was sent over it
    virtual void link_writable() = 0;
    virtual void link_heard(std::string_view bytes) = 0;
    // The connection is over. It can still be asked; the owner ends with give_up() or stop().
    virtual void link_ended(Retry reason, const std::string& why) = 0;
    // A connection to an earlier target is up: end with switch_over(), or with give_up() as ever.
    virtual void link_better() = 0;

   protected:
    ~Owner() = default;
  };

  // Keeps what it knows in `status`: target, retries, the last error, and the state while there is no connection.
  PoolLink(const OutputSettings& settings, const SinkContext& context, SinkStatus& status, Owner& owner);
  ~PoolLink();

  void start();
  void stop();    // no connection any more, and no new one
  void reopen();  // certificates are read anew for the next connection; one that waits is tried at once

  // Only between link_up() and give_up(), switch_over() or stop().
  bool is_up() const noexcept { return current_ != nullptr; }
  StreamConnection& connection() noexcept { return *current_; }
  std::string peer() const { return current_ ? current_->endpoint().text() : std::string(); }
  bool better_is_up() const noexcept { return better_ != nullptr; }

  // Lets go of the connection, says why, and tries again by itself. The next link_up() comes from the loop.
  void give_up(Retry reason, const std::string& why);
  // Everything that was sent has arrived: goes on with the earlier target. link_up() comes from the loop.
  void switch_over();
  // The target has kept something: only such a one deserves a quick return.
  void has_delivered() noexcept;

 private:
  void dialed(Dial& dial, std::unique_ptr<StreamConnection> connection, std::size_t target) override;
  void dial_failed(Dial& dial, Retry reason, std::string why) override;
  void all_tried(Dial& dial) override;
  void up(StreamConnection& /*connection*/) override {}
  void writable(StreamConnection& connection) override;
  void heard(StreamConnection& connection, std::string_view bytes) override;
  void ended(StreamConnection& connection) override;

  void take(std::unique_ptr<StreamConnection> connection, std::size_t target);
  void try_again();
  void hold();
  void look_for_better();
  bool load_tls();
  void trouble(Retry reason, std::string why);

  SinkContext context_;
  std::vector<TargetAddress> targets_;
  std::optional<TlsOptions> tls_options_;  // none: no TLS
  std::uint64_t fail_back_ms_;
  SinkStatus& status_;
  Owner& owner_;
  Backoff backoff_;
  std::uint64_t fail_back_wait_ms_;  // longer than asked for while an earlier target answers and keeps nothing
  bool on_trial_ = false;            // gone back, and nothing was kept yet
  Dial dial_;
  Dial better_dial_;
  Timer retry_;
  Timer fail_back_;
  SharedTls tls_;               // none: to be made anew
  std::size_t first_ = 0;       // target that the next try begins with
  bool needs_person_ = false;   // one of the targets that were tried won't come right by itself
  bool has_delivered_ = false;  // over this connection
  std::unique_ptr<StreamConnection> current_;
  std::size_t current_target_ = 0;
  std::unique_ptr<StreamConnection> better_;  // waits until the owner is ready for it
  std::size_t better_target_ = 0;
};

}  // namespace thorlog
