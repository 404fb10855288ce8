#include "outputs/host_rate.h"

#include <algorithm>
#include <map>
#include <mutex>

namespace thorlog {

struct HostRate::Book {
  std::mutex mutex;  // guards all of it, and each next_
  std::map<std::string, std::weak_ptr<HostRate>> hosts;
};

HostRate::Book& HostRate::book() {
  static Book the_book;
  return the_book;
}

std::shared_ptr<HostRate> HostRate::of(const std::string& origin) {
  Book& all = book();
  const std::lock_guard lock(all.mutex);
  std::erase_if(all.hosts, [](const auto& each) { return each.second.expired(); });
  auto& known = all.hosts[origin];
  auto host = known.lock();
  if (!host) known = host = std::make_shared<HostRate>();
  return host;
}

std::int64_t HostRate::ask(const RateLimit& limit, std::int64_t now) {
  if (limit.events == 0) return 0;
  const std::int64_t apart = std::max<std::int64_t>(limit.per.count() / static_cast<std::int64_t>(limit.events), 1);
  const std::int64_t tolerance = apart * (static_cast<std::int64_t>(std::max<std::uint64_t>(limit.burst, 1)) - 1);
  const std::lock_guard lock(book().mutex);
  const std::int64_t at = std::max(next_, now);
  if (at - now > tolerance) return at - now - tolerance;
  next_ = at + apart;
  return 0;
}

}  // namespace thorlog
