#include "inputs/tcp_peers.h"

#include <algorithm>

#include "inputs/address_hash.h"
#include "inputs/rate.h"

namespace thorlog {
namespace {

constexpr std::size_t kFewPeers = 1024;
// Peers that left in debt to their rate limit are remembered, but no more of them than this.
constexpr std::size_t kMostGone = 65'536;

}  // namespace

std::size_t TcpPeers::Hash::operator()(const AddressBytes& address) const noexcept { return hash_of(address, seed); }

TcpPeers::TcpPeers(std::uint64_t seed) : peers_(16, Hash{seed}), look_at_size_(kFewPeers) {}

std::shared_ptr<TcpPeer> TcpPeers::meet(const AddressBytes& address, std::int64_t now) {
  if (peers_.size() >= look_at_size_) forget_gone(now);
  auto& peer = peers_[address];
  if (!peer) peer = std::make_shared<TcpPeer>();
  return peer;
}

// The next look comes when the table has doubled, so that each meeting pays for a constant part of it.
void TcpPeers::forget_gone(std::int64_t now) {
  std::size_t gone = 0;
  std::erase_if(peers_, [&](const auto& entry) {
    const TcpPeer& peer = *entry.second;
    if (peer.connections.load(std::memory_order_acquire) != 0) return false;
    return RatePlan::is_full(peer.full_at.load(std::memory_order_relaxed), now) || ++gone > kMostGone;
  });
  look_at_size_ = std::max(kFewPeers, peers_.size() * 2);
}

}  // namespace thorlog
