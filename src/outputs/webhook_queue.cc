#include "outputs/webhook_queue.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace thorlog {
namespace {

std::size_t size_of(const WebhookEvent& event) noexcept {
  return event.piece.size() + event.title.size() + event.key.size();
}

}  // namespace

void WebhookQueue::add(WebhookEvent event) {
  bytes_ += size_of(event);
  ++events_;
  waiting_.push_back(std::move(event));
}

WebhookPost WebhookQueue::next(std::size_t most) {
  WebhookPost post;
  if (!again_.empty()) {
    post = std::move(again_.front());
    again_.pop_front();
    return post;
  }
  std::size_t bytes = 0;
  while (!waiting_.empty() && post.size() < most) {
    bytes += waiting_.front().piece.size();
    if (!post.empty() && bytes > kMostBytesOfPost) break;
    post.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return post;
}

void WebhookQueue::delivered(const WebhookPost& post) {
  forget(post);
  for (const WebhookEvent& event : post) open_.erase(event.number);
}

void WebhookQueue::retry(WebhookPost post) { put_back(std::move(post)); }

bool WebhookQueue::halve(WebhookPost& post) {
  if (post.size() == 1) return false;
  const auto middle = post.begin() + static_cast<std::ptrdiff_t>(post.size() / 2);
  WebhookPost second(std::make_move_iterator(middle), std::make_move_iterator(post.end()));
  post.erase(middle, post.end());
  put_back(std::move(second));
  put_back(std::move(post));
  return true;
}

void WebhookQueue::put_back(WebhookPost post) {
  const auto place = std::find_if(again_.begin(), again_.end(), [&](const WebhookPost& other) {
    return other.front().number > post.front().number;
  });
  again_.insert(place, std::move(post));
}

void WebhookQueue::forget(const WebhookPost& post) {
  events_ -= post.size();
  for (const WebhookEvent& event : post) bytes_ -= size_of(event);
}

}  // namespace thorlog
