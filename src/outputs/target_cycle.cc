#include "outputs/target_cycle.h"

#include <sys/socket.h>

#include <utility>

namespace thorlog {

TargetCycle::TargetCycle(Loop& loop, std::vector<TargetAddress> targets, int socket_type, Owner& owner)
    : targets_(std::move(targets)),
      socket_type_(socket_type),
      owner_(&owner),
      resolver_(loop, [this](Result<std::vector<Endpoint>> found) {
        if (!std::exchange(waiting_, false)) return;
        if (found) {
          endpoints_.assign(found->rbegin(), found->rend());
        } else {
          owner_->not_found(found.error().message());
        }
        next();
      }) {}

void TargetCycle::restart(std::size_t first, std::size_t end) {
  end_ = std::min(end, targets_.size());
  at_ = first;
  look_up();
}

void TargetCycle::look_up() {
  const TargetAddress& target = targets_[at_];
  endpoints_.clear();
  if (auto literal = literal_endpoint(target.host, target.port)) {
    endpoints_.push_back(*literal);
    return give();
  }
  waiting_ = true;
  resolver_.look_up(target.host, target.port, socket_type_);
}

void TargetCycle::next() {
  if (!endpoints_.empty()) return give();
  if (at_ + 1 >= end_) return owner_->all_tried();
  ++at_;
  look_up();
}

void TargetCycle::give() {
  const Endpoint endpoint = endpoints_.back();
  endpoints_.pop_back();
  owner_->try_endpoint(endpoint);
}

}  // namespace thorlog
