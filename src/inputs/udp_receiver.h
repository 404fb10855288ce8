// Reads the datagrams of one worker: its sockets of one udp input. Everything here belongs to the worker's thread,
// but what is marked otherwise.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "inputs/input.h"
#include "inputs/limits.h"
#include "inputs/udp_group.h"
#include "inputs/udp_peers.h"

namespace thorlog {

// What a receiver tells other threads.
struct UdpFigures {
  std::atomic<std::uint64_t> kernel_drops{0};
  std::atomic<std::uint32_t> paused{0};  // sockets
};

class UdpReceiver {
 public:
  struct Environment {
    WorkerContext& context;
    std::size_t slot;
    const std::string& name;  // of the input, for the log
    bool passed;              // systemd keeps the sockets: leave no filter on them
    SharedLimits limits;
    UdpFigures& figures;
  };
  UdpReceiver(Environment environment, std::vector<UdpSocket> sockets);
  ~UdpReceiver();  // closes what is still open

  void update(SharedLimits limits);  // any thread
  // Reads what the kernel holds already, then closes everything and calls `drained`, once, from any of its callbacks.
  void drain(std::function<void()> drained);

 private:
  static constexpr int kBatch = 64;
  static constexpr int kBatchesATurn = 16;  // then the loop's other work has its turn

  struct Watched {
    UdpSocket socket;
    std::unique_ptr<FdWatch> watch;  // gone before the socket is closed
    std::uint64_t drops = 0;         // last figure of the kernel, which wraps at 32 bits, widened
  };
  // Where the kernel puts a batch. Mapped, not touched: a page is used when a datagram first reaches it.
  class Arena;

  void ready(Watched& watched, int status);
  int read_all(Watched& watched);
  void start_polling();
  void poll();
  bool must_wait() const;
  int read(Watched& watched);
  void take(const mmsghdr& message, std::int64_t now, std::int64_t received);
  UdpPeer* peer_of(const sockaddr_storage& from, const AddressBytes& address);
  UdpPeer* meet(const sockaddr_storage& from, const AddressBytes& address);
  void offer(UdpPeer& peer, std::string_view bytes, std::int64_t now, std::int64_t received);
  void refuse(const mmsghdr& message, RefuseReason reason);
  void say_refused(const sockaddr_storage& from, RefuseReason reason);
  void pause();
  void resume();
  void count_drops();
  void change(SharedLimits limits);
  void go_on_draining();
  void close();
  InputBooks& books() { return env_.context.intake.books(env_.slot); }

  Environment env_;
  std::unique_ptr<Arena> arena_;
  std::vector<Watched> sockets_;
  UdpPeers peers_;
  UdpPeer* last_ = nullptr;             // of the datagram before; null after the table has changed
  std::optional<AddressBytes> denied_;  // the last peer that is not allowed
  bool paused_ = false;
  int close_readings_ = 0;  // in a row that came close to the one before
  std::int64_t last_reading_ = 0;
  std::int64_t quiet_until_ = 0;  // refusals are told at most once a second, whoever sends
  std::uint64_t drain_left_ = 0;  // bytes that may have waited when draining began
  std::uint64_t drain_looks_left_ = 0;
  bool closed_ = false;
  bool refuse_all_ = false;  // draining has waited long enough
  std::function<void()> drained_;
  std::shared_ptr<UdpReceiver*> self_;  // for callbacks that can't be taken back; null inside when we are gone
  Mailbox<SharedLimits> updates_;
  Timer look_at_drops_;
  Timer poll_timer_;  // active: the sockets are looked at by time, and not watched
  Timer drain_timer_;
};

}  // namespace thorlog
