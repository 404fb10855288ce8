#include "reassembly/holdings.h"

#include <bit>

#include "thorlog/result.h"

namespace thorlog {

Peer* Holdings::enter(std::string_view address) {
  std::unique_ptr<Peer>& peer = peers_[std::string(address)];
  if (!peer) {
    peer = std::make_unique<Peer>();
    peer->address = address;
  }
  ++peer->streams;
  return peer.get();
}

void Holdings::leave(Peer* peer) {
  if (--peer->streams > 0) return;
  THORLOG_ASSERT(peer->used == 0 && peer->held.empty());
  peers_.erase(peers_.find(peer->address));
}

bool Holdings::try_take(Peer& peer, std::size_t bytes) noexcept {
  if (peer.used + bytes > budget_.peer_limit() || !budget_.try_take(bytes)) return false;
  peer.used += bytes;
  rank(peer);
  return true;
}

void Holdings::give_back(Peer& peer, std::size_t bytes) noexcept {
  budget_.give_back(bytes);
  peer.used -= bytes;
  rank(peer);
}

void Holdings::add(Peer& peer, Held& held) noexcept {
  peer.held.push_back(held);
  rank(peer);
}

void Holdings::remove(Held& held, Peer& peer) noexcept {
  held.in_peer.leave();
  give_back(peer, held.charge);
  held.charge = 0;
}

Held* Holdings::oldest(const Peer& peer, const Held* keep) const noexcept {
  Held* held = peer.held.front();
  if (held != nullptr && held == keep) held = peer.held.after(*held);
  return held;
}

// Peers of one rank differ by less than a factor of two: near enough, and found without a search.
Held* Holdings::oldest_of_greediest(const Held* keep) const noexcept {
  for (unsigned i = kRanks; i-- > 0;) {
    for (const Peer* peer = ranks_[i].front(); peer != nullptr; peer = ranks_[i].after(*peer))
      if (Held* held = oldest(*peer, keep)) return held;
  }
  return nullptr;
}

// Only peers that hold something are ranked.
void Holdings::rank(Peer& peer) noexcept {
  if (peer.held.empty()) {
    peer.by_rank.leave();
    return;
  }
  const auto rank = static_cast<unsigned>(std::bit_width(peer.used));
  if (peer.by_rank.listed() && peer.rank == rank) return;
  peer.rank = rank;
  ranks_[rank].push_back(peer);
}

}  // namespace thorlog
