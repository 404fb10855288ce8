// Goes through the targets of a pool until a connection to one of them is up, TLS included. One thread; callbacks
// come from the loop, but all_tried() and dial_failed() may come from inside start().
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "config/address.h"
#include "outputs/stream_connection.h"
#include "outputs/target_cycle.h"

namespace thorlog {

class Dial final : private StreamConnection::Owner, private TargetCycle::Owner {
 public:
  class Owner {
   public:
    // The connection is the owner's now, which hands it to itself; `target` is its place in the pool.
    virtual void dialed(Dial& dial, std::unique_ptr<StreamConnection> connection, std::size_t target) = 0;
    // One target, or one address of it, is no good; the next one is tried.
    virtual void dial_failed(Dial& dial, Retry reason, std::string why) = 0;
    virtual void all_tried(Dial& dial) = 0;

   protected:
    ~Owner() = default;
  };

  Dial(Loop& loop, std::vector<TargetAddress> targets, Owner& owner);
  ~Dial();

  // Tries those from `first` up to `end`, with TLS when there is a context; forgets what was under way.
  void start(SharedTls tls, std::size_t first, std::size_t end);
  void stop();
  const TargetAddress& target() const noexcept { return cycle_.target(); }  // that is being tried

 private:
  void try_endpoint(const Endpoint& endpoint) override;
  void not_found(std::string why) override;
  void all_tried() override;
  void up(StreamConnection& connection) override;
  void writable(StreamConnection& /*connection*/) override {}
  void heard(StreamConnection& /*connection*/, std::string_view /*bytes*/) override {}
  void ended(StreamConnection& connection) override;
  void failed(Retry reason, std::string why);

  Loop& loop_;
  Dial::Owner& owner_;
  TargetCycle cycle_;
  SharedTls tls_;
  Timer deadline_;
  std::unique_ptr<StreamConnection> connection_;
};

}  // namespace thorlog
