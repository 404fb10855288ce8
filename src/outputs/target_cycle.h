// Goes through the targets of a pool and the addresses of each, one try at a time: the first target first, then the
// others in their order. Names are looked up when their turn comes. One thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "config/address.h"
#include "outputs/endpoint.h"

namespace thorlog {

class TargetCycle {
 public:
  class Owner {
   public:
    virtual void try_endpoint(const Endpoint& endpoint) = 0;
    virtual void not_found(std::string why) = 0;  // a name that has no address now; the cycle goes on by itself
    virtual void all_tried() = 0;

   protected:
    ~Owner() = default;
  };

  TargetCycle(Loop& loop, std::vector<TargetAddress> targets, int socket_type, Owner& owner);

  // Those from `first` up to `end`; calls the owner at once, or when a look-up has come back.
  void restart(std::size_t first = 0, std::size_t end = SIZE_MAX);
  void next();  // the one that was given is no good
  void stop() noexcept { waiting_ = false; }
  std::size_t at() const noexcept { return at_; }
  const TargetAddress& target() const noexcept { return targets_[at_]; }
  std::string current() const { return targets_.empty() ? std::string() : targets_[at_].text(); }

 private:
  void look_up();
  void give();

  std::vector<TargetAddress> targets_;
  int socket_type_;
  Owner* owner_;
  Resolver resolver_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;              // the targets up to here are tried
  std::vector<Endpoint> endpoints_;  // of the target, still to be tried, last one first
  bool waiting_ = false;             // for a look-up
};

}  // namespace thorlog
