// A connection's place in all counts: of its input, its worker, its peer. Taken by the acceptor, given back by
// whoever lets go of the connection, on any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "inputs/intake.h"
#include "inputs/tcp_peers.h"

namespace thorlog {

// What a tcp input tells other threads.
struct TcpFigures {
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::uint32_t> paused{0};
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(RefuseReason::count)> refused{};
};

class TcpTicket {
 public:
  TcpTicket() = default;
  TcpTicket(std::shared_ptr<TcpPeer> peer, std::atomic<std::uint32_t>& input, std::atomic<std::uint32_t>& worker)
      : peer_(std::move(peer)), input_(&input), worker_(&worker) {
    peer_->connections.fetch_add(1, std::memory_order_relaxed);
    input_->fetch_add(1, std::memory_order_relaxed);
    worker_->fetch_add(1, std::memory_order_relaxed);
  }
  TcpTicket(TcpTicket&&) noexcept = default;
  TcpTicket& operator=(TcpTicket&&) = delete;
  ~TcpTicket() {
    if (!peer_) return;
    peer_->connections.fetch_sub(1, std::memory_order_release);
    input_->fetch_sub(1, std::memory_order_relaxed);
    worker_->fetch_sub(1, std::memory_order_relaxed);
  }

  TcpPeer& peer() const noexcept { return *peer_; }

 private:
  std::shared_ptr<TcpPeer> peer_;  // null: nothing was taken, or moved away
  std::atomic<std::uint32_t>* input_ = nullptr;
  std::atomic<std::uint32_t>* worker_ = nullptr;
};

}  // namespace thorlog
