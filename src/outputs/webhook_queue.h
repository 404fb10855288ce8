// What a webhook has taken and not yet brought to its end: events that wait, posts that must be made again, and how
// far everything is done. Events are numbered as they come; posts may end in any order, and low_water() says up to
// which number all is done. Pure, one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <set>
#include <string>
#include <vector>

namespace thorlog {

struct WebhookEvent {
  std::uint64_t number = 0;         // as it came, from 1
  std::vector<std::uint64_t> seqs;  // of the records it stands for: one, or those of a summary
  std::string piece;                // its part of a body
  std::string title;                // one line for people; may be empty
  std::string key;                  // the same for the same event, whatever happens
};

using WebhookPost = std::vector<WebhookEvent>;  // never empty, in order

class WebhookQueue {
 public:
  // The number of the event that was taken just now. It is open until it is delivered or parked.
  std::uint64_t take() {
    open_.insert(open_.end(), ++last_);
    return last_;
  }
  // Nothing of it is to be done: it counts with an earlier number (a storm), or was handed elsewhere.
  void close(std::uint64_t number) { open_.erase(number); }

  // An event that waits to be sent.
  void add(WebhookEvent event);
  // The next post: one that must be made again, else up to `most` events that wait. Empty: nothing to do.
  WebhookPost next(std::size_t most);
  bool has_next() const noexcept { return !again_.empty() || !waiting_.empty(); }

  // How a post ended.
  void delivered(const WebhookPost& post);
  void retry(WebhookPost post);
  // Refused. More than one event: halved, both halves come next, and true. One: false, and it is the caller's to
  // park.
  bool halve(WebhookPost& post);

  // Up to this number all is done.
  std::uint64_t low_water() const noexcept { return open_.empty() ? last_ : *open_.begin() - 1; }
  std::uint64_t last() const noexcept { return last_; }
  std::size_t bytes() const noexcept { return bytes_; }    // of bodies, also of those under way
  std::size_t events() const noexcept { return events_; }  // likewise
  bool empty() const noexcept { return events_ == 0; }

 private:
  static constexpr std::size_t kMostBytesOfPost = 1U << 20;  // more than one event must fit in this

  void put_back(WebhookPost post);
  void forget(const WebhookPost& post);

  std::uint64_t last_ = 0;
  std::set<std::uint64_t> open_;
  std::deque<WebhookEvent> waiting_;
  std::list<WebhookPost> again_;  // by the number of their first event
  std::size_t bytes_ = 0;
  std::size_t events_ = 0;
};

}  // namespace thorlog
