// Storms: when many messages of one sort come in a short time, the first few go out one by one and the rest becomes
// one summary with the count and the first of them. Those folded into it are done when the summary is delivered, not
// before. Pure, one thread; times in ns of a steady clock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace thorlog {

class Storms {
 public:
  static constexpr std::size_t kMostSorts = 64;       // sorts can be a stranger's words; further ones are one sort
  static constexpr std::size_t kMostFolded = 50'000;  // in all; then summaries leave early
  static constexpr std::size_t kMostFirst = 5;

  struct Message {
    std::string_view sort;
    std::uint64_t number = 0;  // WebhookQueue's
    std::uint64_t seq = 0;
    std::string title;  // one line for people
    std::string key;    // what makes it the same
  };
  struct Summary {
    std::string sort;
    std::uint64_t number = 0;         // of the first one folded
    std::vector<std::uint64_t> seqs;  // all that were folded
    std::vector<std::string> first;   // titles
    std::string key;                  // of the first one folded
    std::int64_t began = 0;
    std::int64_t ended = 0;
  };

  explicit Storms(StormSettings settings) : settings_(settings) {}
  bool on() const noexcept { return settings_.events != 0; }

  enum class Took : std::uint8_t {
    nothing,  // send it
    first,    // it opens a summary: its number stays open until that is done
    more,     // it counts with the first
  };
  Took take(Message message, std::int64_t now);

  // A summary that is due, oldest first. `all`: due or not.
  std::optional<Summary> due(std::int64_t now, bool all = false);
  // When the next one will be; 0: none is open.
  std::int64_t next_due() const noexcept;
  std::size_t folded() const noexcept { return folded_; }  // in open summaries

 private:
  struct Sort {
    std::int64_t since = 0;
    std::uint32_t count = 0;
    std::optional<Summary> open;
  };
  Sort& sort_of(std::string_view name);

  StormSettings settings_;
  std::map<std::string, Sort, std::less<>> sorts_;
  std::size_t folded_ = 0;
};

}  // namespace thorlog
