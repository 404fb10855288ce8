// How fast posts may go to one host, whoever sends them: outputs that post to the same server share its patience. The
// generic cell rate algorithm: one number for each host. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "config/settings.h"

namespace thorlog {

class HostRate {
 public:
  // The one of this host: "https://hooks.example". Lives as long as somebody holds it.
  static std::shared_ptr<HostRate> of(const std::string& origin);

  // 0: go, it was counted. Else how many ns to wait before asking again. `now`: ns of the steady clock.
  std::int64_t ask(const RateLimit& limit, std::int64_t now);

 private:
  struct Book;
  static Book& book();
  std::int64_t next_ = 0;  // guarded by the book's mutex: when the host is at rest again
};

}  // namespace thorlog
