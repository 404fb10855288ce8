// How long records took from their first byte to the target's acknowledgement: counts by fixed bounds, as a
// Prometheus histogram wants them. Plain value, one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace thorlog {

struct LatencyHistogram {
  static constexpr std::array<double, 16> kBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                     0.25,   0.5,   1,      2.5,   5,    10,    60,   600};

  std::array<std::uint64_t, kBounds.size() + 1> counts{};  // not cumulative; the last one: above all bounds
  double sum_seconds = 0;

  void add(std::int64_t nanoseconds, std::uint64_t records) noexcept {
    const double seconds = static_cast<double>(std::max<std::int64_t>(nanoseconds, 0)) * 1e-9;
    const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
    counts[static_cast<std::size_t>(bucket)] += records;
    sum_seconds += seconds * static_cast<double>(records);
  }
  std::uint64_t total() const noexcept {
    std::uint64_t all = 0;
    for (const std::uint64_t count : counts) all += count;
    return all;
  }
};

}  // namespace thorlog
