// Who sends datagrams to one worker: a bounded table from address to stream, the least recently heard leaves first.
// One thread. Flat, with a seeded hash, so that invented addresses cost no more than real ones.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "config/address.h"
#include "inputs/intake.h"

namespace thorlog {

struct UdpPeer {
  AddressBytes address{};
  Intake::Stream* stream = nullptr;
  std::uint16_t port = 0;    // as the stream knows it
  bool allowed = true;       // by the limits of now
  std::int64_t full_at = 0;  // its rate limit (rate.h)
  std::uint32_t newer = 0, older = 0;
};

class UdpPeers {
 public:
  static constexpr std::size_t kMost = 8192;

  explicit UdpPeers(std::uint64_t seed, std::size_t most = kMost);

  // Null: unknown. A found one is the most recently heard from now on. Valid until the next add().
  UdpPeer* find(const AddressBytes& address) noexcept;
  // The address must be unknown. When the table is full, the peer that must leave is given to `evict(UdpPeer&)`
  // first.
  template <class Evict>
  UdpPeer& add(const AddressBytes& address, Evict evict) {
    if (size_ == most_) {
      UdpPeer& oldest = peers_[oldest_];
      evict(oldest);
      forget(oldest_);
      return place(address);
    }
    return place(address);
  }
  template <class See>
  void for_each(See see) {
    for (std::uint32_t at = newest_; at != kNone; at = peers_[at].older) see(peers_[at]);
  }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  std::size_t home(const AddressBytes& address) const noexcept;
  UdpPeer& place(const AddressBytes& address);
  void forget(std::uint32_t at) noexcept;
  void unlink(std::uint32_t at) noexcept;
  void make_newest(std::uint32_t at) noexcept;
  void grow();

  std::uint64_t seed_;
  std::size_t most_;
  std::size_t size_ = 0;
  std::vector<UdpPeer> peers_;
  std::vector<std::uint32_t> slots_;  // open addressing; an index into peers_ or kNone
  std::uint32_t newest_ = kNone, oldest_ = kNone, free_ = kNone;
};

}  // namespace thorlog
