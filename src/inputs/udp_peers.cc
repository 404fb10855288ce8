#include "inputs/udp_peers.h"

#include "inputs/address_hash.h"

namespace thorlog {

UdpPeers::UdpPeers(std::uint64_t seed, std::size_t most) : seed_(seed), most_(most), slots_(64, kNone) {}

std::size_t UdpPeers::home(const AddressBytes& address) const noexcept {
  return hash_of(address, seed_) & (slots_.size() - 1);
}

UdpPeer* UdpPeers::find(const AddressBytes& address) noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t slot = home(address); slots_[slot] != kNone; slot = (slot + 1) & mask) {
    UdpPeer& peer = peers_[slots_[slot]];
    if (peer.address != address) continue;
    if (slots_[slot] != newest_) {
      unlink(slots_[slot]);
      make_newest(slots_[slot]);
    }
    return &peer;
  }
  return nullptr;
}

UdpPeer& UdpPeers::place(const AddressBytes& address) {
  if ((size_ + 1) * 2 > slots_.size()) grow();
  std::uint32_t at = free_;
  if (at == kNone) {
    at = static_cast<std::uint32_t>(peers_.size());
    peers_.emplace_back();
  } else {
    free_ = peers_[at].older;
    peers_[at] = UdpPeer();
  }
  peers_[at].address = address;
  std::size_t slot = home(address);
  while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = at;
  make_newest(at);
  ++size_;
  return peers_[at];
}

// Closes the hole in the probe sequence by moving later entries back, so that no tombstones pile up.
void UdpPeers::forget(std::uint32_t at) noexcept {
  const std::size_t mask = slots_.size() - 1;
  std::size_t hole = home(peers_[at].address);
  while (slots_[hole] != at) hole = (hole + 1) & mask;
  for (std::size_t slot = (hole + 1) & mask; slots_[slot] != kNone; slot = (slot + 1) & mask) {
    const std::size_t wanted = home(peers_[slots_[slot]].address);
    if (((slot - wanted) & mask) < ((slot - hole) & mask)) continue;  // it may not stand before its home
    slots_[hole] = slots_[slot];
    hole = slot;
  }
  slots_[hole] = kNone;
  unlink(at);
  peers_[at].older = free_;
  free_ = at;
  --size_;
}

void UdpPeers::unlink(std::uint32_t at) noexcept {
  const UdpPeer& peer = peers_[at];
  (peer.newer != kNone ? peers_[peer.newer].older : newest_) = peer.older;
  (peer.older != kNone ? peers_[peer.older].newer : oldest_) = peer.newer;
}

void UdpPeers::make_newest(std::uint32_t at) noexcept {
  peers_[at].newer = kNone;
  peers_[at].older = newest_;
  (newest_ != kNone ? peers_[newest_].newer : oldest_) = at;
  newest_ = at;
}

void UdpPeers::grow() {
  std::vector<std::uint32_t> old(slots_.size() * 2, kNone);
  old.swap(slots_);
  for (const std::uint32_t at : old) {
    if (at == kNone) continue;
    std::size_t slot = home(peers_[at].address);
    while (slots_[slot] != kNone) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = at;
  }
}

}  // namespace thorlog
