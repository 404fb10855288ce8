// Stamps as text: RFC 3339 and RFC 3164, always UTC. The part down to the second is kept from one call to the next,
// since neighbouring lines share it. One thread for each cache.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace thorlog {

inline constexpr std::size_t kMaxStampLength = 32;  // room that each append below needs at most

class StampCache {
 public:
  // Each writes at `to` and returns the end. `time` is nanoseconds since 1970; any value is fine.
  char* append_rfc3339_nano(char* to, std::int64_t time) noexcept;   // 2025-10-08T13:47:09.410735961Z
  char* append_rfc3339_micro(char* to, std::int64_t time) noexcept;  // RFC 5424, 6: six digits at most
  char* append_rfc3164(char* to, std::int64_t time) noexcept;        // "Oct  8 13:47:09" (RFC 3164, 4.1.2)

 private:
  std::uint32_t to_second(std::int64_t time) noexcept;  // the nanoseconds within it

  std::int64_t second_ = std::numeric_limits<std::int64_t>::min();
  std::int64_t day_ = std::numeric_limits<std::int64_t>::min();
  char text_[24] = {};   // "2025-10-08T13:47:09."
  char short_[16] = {};  // "Oct  8 13:47:09"
};

}  // namespace thorlog
