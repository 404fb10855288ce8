// Who is connected to a tcp input: how many connections each address has, what it keeps in half lines, its rate
// limit. The table belongs to the acceptor's thread; a peer's numbers are shared with the workers that have its
// connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "config/address.h"

namespace thorlog {

struct TcpPeer {
  std::atomic<std::uint32_t> connections{0};
  std::atomic<std::size_t> held{0};      // bytes of half lines, on all workers
  std::atomic<std::int64_t> full_at{0};  // rate.h
  std::atomic<std::int64_t> handshakes_full_at{0};
};

class TcpPeers {
 public:
  explicit TcpPeers(std::uint64_t seed);
  // The peer with this address, new if it must be. Forgets peers that have gone now and then. now: steady ns.
  std::shared_ptr<TcpPeer> meet(const AddressBytes& address, std::int64_t now);
  std::size_t size() const noexcept { return peers_.size(); }

 private:
  struct Hash {
    std::uint64_t seed;
    std::size_t operator()(const AddressBytes& address) const noexcept;
  };
  void forget_gone(std::int64_t now);

  std::unordered_map<AddressBytes, std::shared_ptr<TcpPeer>, Hash> peers_;
  std::size_t look_at_size_;
};

}  // namespace thorlog
