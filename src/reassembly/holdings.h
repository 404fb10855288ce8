// The memory of everything held: one byte budget, at most a quarter of it for one peer. Who is over loses his own
// oldest; when the budget itself is full, the peer that holds most does.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "reassembly/held.h"
#include "thorlog/budget.h"

namespace thorlog {

struct Peer {
  std::string address;
  std::size_t streams = 0;
  std::size_t used = 0;  // bytes
  unsigned rank = 0;     // of the list it is in
  List<Held, &Held::in_peer> held;
  ListHook<Peer> by_rank;
};

class Holdings {
 public:
  explicit Holdings(MemoryBudget& budget) : budget_(budget) {}

  Peer* enter(std::string_view address);
  void leave(Peer* peer);

  // Takes bytes for `peer`, letting others go by release(Held&) where needed, oldest first; never `keep`. False:
  // there is no room, nothing was taken.
  template <class Release>
  bool take(Peer& peer, std::size_t bytes, const Held* keep, Release&& release);
  // The same for what nothing is given up for.
  bool try_take(Peer& peer, std::size_t bytes) noexcept;
  void give_back(Peer& peer, std::size_t bytes) noexcept;

  void add(Peer& peer, Held& held) noexcept;
  void remove(Held& held, Peer& peer) noexcept;

 private:
  Held* oldest(const Peer& peer, const Held* keep) const noexcept;
  Held* oldest_of_greediest(const Held* keep) const noexcept;
  void rank(Peer& peer) noexcept;

  static constexpr unsigned kRanks = 65;  // by the number of bits of what a peer uses

  MemoryBudget& budget_;
  std::unordered_map<std::string, std::unique_ptr<Peer>> peers_;
  std::array<List<Peer, &Peer::by_rank>, kRanks> ranks_;
};

template <class Release>
bool Holdings::take(Peer& peer, std::size_t bytes, const Held* keep, Release&& release) {
  for (;;) {
    const bool greedy = peer.used + bytes > budget_.peer_limit();
    if (!greedy && try_take(peer, bytes)) return true;
    Held* victim = greedy ? oldest(peer, keep) : oldest_of_greediest(keep);
    if (victim == nullptr) return false;
    release(*victim);
  }
}

}  // namespace thorlog
