#include "outputs/webhook_storm.h"

#include <utility>

namespace thorlog {
namespace {

constexpr std::string_view kOthers = "other";

}  // namespace

Storms::Sort& Storms::sort_of(std::string_view name) {
  auto found = sorts_.find(name);
  if (found == sorts_.end()) {
    if (sorts_.size() >= kMostSorts) name = kOthers;
    found = sorts_.try_emplace(std::string(name)).first;
  }
  return found->second;
}

Storms::Took Storms::take(Message message, std::int64_t now) {
  Sort& sort = sort_of(message.sort);
  if (!sort.open && (sort.count == 0 || now - sort.since >= settings_.per.count())) sort = {now, 0, {}};
  if (sort.count < settings_.events) {
    ++sort.count;
    return Took::nothing;
  }
  const bool opens = !sort.open;
  if (opens) {
    sort.open.emplace();
    sort.open->sort = message.sort;
    sort.open->number = message.number;
    sort.open->key = std::move(message.key);
    sort.open->began = now;
  }
  Summary& open = *sort.open;
  open.seqs.push_back(message.seq);
  open.ended = now;
  if (open.first.size() < kMostFirst) open.first.push_back(std::move(message.title));
  ++folded_;
  return opens ? Took::first : Took::more;
}

std::optional<Storms::Summary> Storms::due(std::int64_t now, bool all) {
  Sort* oldest = nullptr;
  for (auto& [name, sort] : sorts_) {
    if (!sort.open) continue;
    const bool is_due = now - sort.since >= settings_.per.count() || folded_ >= kMostFolded;
    if ((all || is_due) && (oldest == nullptr || sort.open->number < oldest->open->number)) oldest = &sort;
  }
  if (oldest == nullptr) return std::nullopt;
  std::optional<Summary> summary = std::exchange(oldest->open, std::nullopt);
  folded_ -= summary->seqs.size();
  oldest->count = 0;
  return summary;
}

std::int64_t Storms::next_due() const noexcept {
  std::int64_t next = 0;
  for (const auto& [name, sort] : sorts_) {
    if (!sort.open) continue;
    const std::int64_t at = sort.since + settings_.per.count();
    if (next == 0 || at < next) next = at;
  }
  return next;
}

}  // namespace thorlog
