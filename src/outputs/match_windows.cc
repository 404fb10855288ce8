#include "outputs/match_windows.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#define THORLOG_SSSE3 __attribute__((target("ssse3")))
#define THORLOG_AVX2 __attribute__((target("avx2")))
#endif

namespace thorlog {
namespace {

unsigned char byte_at(const char* at) noexcept { return static_cast<unsigned char>(*at); }

// How many different keys there are.
double key_width(const Window& window) noexcept {
  double width = 1;
  for (std::size_t i = 0; i < Window::kLength; ++i) width *= window.bytes[window.key + i].size();
  return width;
}

// `at`: where the key stands.
bool stands_at(std::string_view text, std::size_t at, const Window& window) noexcept {
  if (at < window.key || window.bytes.size() > text.size() - (at - window.key)) return false;
  const char* const begin = text.data() + (at - window.key);
  for (std::size_t i = 0; i < window.bytes.size(); ++i) {
    if (!window.bytes[i].has(byte_at(begin + i))) return false;
  }
  return true;
}

}  // namespace

bool WindowFilter::can_run() noexcept {
#if defined(THORLOG_SSSE3)
  return __builtin_cpu_supports("ssse3") != 0;
#else
  return false;
#endif
}

bool WindowFilter::can_run_wide() noexcept {
#if defined(THORLOG_AVX2)
  return __builtin_cpu_supports("avx2") != 0;
#else
  return false;
#endif
}

void WindowFilter::Halves::add(const Window& window) noexcept {
  for (std::size_t i = 0; i < Window::kLength; ++i) {
    window.bytes[window.key + i].for_each([&](unsigned byte) {
      low[i] = static_cast<std::uint16_t>(low[i] | 1U << (byte & 15U));
      high[i] = static_cast<std::uint16_t>(high[i] | 1U << (byte >> 4));
    });
  }
}

bool WindowFilter::Halves::pass(const char* at) const noexcept {
  for (std::size_t i = 0; i < Window::kLength; ++i) {
    const unsigned char byte = byte_at(at + i);
    if ((low[i] >> (byte & 15U) & 1U) == 0 || (high[i] >> (byte >> 4) & 1U) == 0) return false;
  }
  return true;
}

// How many places of the sample pass; of equals the narrowest is least.
double WindowFilter::Halves::cost(std::string_view sample) const noexcept {
  double passes = 0;
  for (std::size_t at = 0; at + Window::kLength <= sample.size(); ++at) passes += pass(sample.data() + at) ? 1 : 0;
  double width = 1;
  for (std::size_t i = 0; i < Window::kLength; ++i) width *= std::popcount(low[i]) * std::popcount(high[i]) / 256.0;
  return passes + 100 * width;
}

// Gives each window the group that it makes least worse; again and again, since the first had no company yet.
std::vector<std::size_t> WindowFilter::grouped(const std::vector<Window>& windows, std::string_view sample) {
  constexpr std::size_t kNone = kGroups;
  constexpr int kRounds = 3;
  std::vector<std::size_t> group_of(windows.size(), kNone);
  const auto halves_of = [&](std::size_t group) {
    Halves halves;
    for (std::size_t i = 0; i < windows.size(); ++i) {
      if (group_of[i] == group) halves.add(windows[i]);
    }
    return halves;
  };
  std::array<Halves, kGroups> groups;
  std::array<double, kGroups> costs{};
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < windows.size(); ++i) {
      const std::size_t old = std::exchange(group_of[i], kNone);
      if (old != kNone) {
        groups[old] = halves_of(old);
        costs[old] = groups[old].cost(sample);
      }
      double least = std::numeric_limits<double>::infinity();
      for (std::size_t group = 0; group < kGroups; ++group) {
        Halves with = groups[group];
        with.add(windows[i]);
        const double more = with.cost(sample) - costs[group];
        if (more >= least) continue;
        least = more;
        group_of[i] = group;
      }
      groups[group_of[i]].add(windows[i]);
      costs[group_of[i]] = groups[group_of[i]].cost(sample);
    }
  }
  return group_of;
}

void WindowFilter::build(std::vector<Window> windows, std::string_view sample, bool wide) {
  wide_ = wide && can_run_wide();
  // Wide ones first: then the narrow ones keep away from them.
  std::stable_sort(windows.begin(), windows.end(),
                   [](const Window& a, const Window& b) { return key_width(a) > key_width(b); });
  const std::vector<std::size_t> group_of = grouped(windows, sample);
  std::array<Halves, kGroups> groups;
  std::array<std::vector<Window>, kGroups> members;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    groups[group_of[i]].add(windows[i]);
    members[group_of[i]].push_back(std::move(windows[i]));
  }
  windows_.clear();
  for (std::size_t g = 0; g < kGroups; ++g) {
    begin_[g] = static_cast<std::uint32_t>(windows_.size());
    std::move(members[g].begin(), members[g].end(), std::back_inserter(windows_));
    for (std::size_t i = 0; i < Window::kLength; ++i) {
      for (std::size_t half = 0; half < 16; ++half) {
        const auto bit = static_cast<unsigned char>(1U << g);
        if ((groups[g].low[i] >> half & 1U) != 0) low_[i][half] = static_cast<unsigned char>(low_[i][half] | bit);
        if ((groups[g].high[i] >> half & 1U) != 0) high_[i][half] = static_cast<unsigned char>(high_[i][half] | bit);
      }
    }
  }
  begin_[kGroups] = static_cast<std::uint32_t>(windows_.size());
  glances_.clear();
  for (const Window& window : windows_) glances_.push_back(glance_of(window));
}

WindowFilter::Glance WindowFilter::glance_of(const Window& window) noexcept {
  std::array<unsigned char, Window::kLength> mask{};
  std::array<unsigned char, Window::kLength> value{};
  for (std::size_t i = 0; i < Window::kLength; ++i) {
    unsigned in_all = 0xFF;
    unsigned in_any = 0;
    window.bytes[window.key + i].for_each([&](unsigned byte) {
      in_all &= byte;
      in_any |= byte;
    });
    mask[i] = static_cast<unsigned char>(in_all | ~in_any);
    value[i] = static_cast<unsigned char>(in_all & mask[i]);
  }
  Glance glance;
  std::memcpy(&glance.mask, mask.data(), sizeof glance.mask);
  std::memcpy(&glance.value, value.data(), sizeof glance.value);
  return glance;
}

void WindowFilter::look(std::string_view text, std::size_t at, unsigned groups, Found found, void* context) const {
  std::uint32_t four = 0;
  std::memcpy(&four, text.data() + at, sizeof four);
  for (; groups != 0; groups &= groups - 1) {
    const auto group = static_cast<std::size_t>(std::countr_zero(groups));
    for (std::uint32_t i = begin_[group]; i < begin_[group + 1]; ++i) {
      if ((four & glances_[i].mask) != glances_[i].value) continue;
      if (stands_at(text, at, windows_[i])) found(context, windows_[i].owner);
    }
  }
}

#if defined(THORLOG_SSSE3)

void WindowFilter::search(std::string_view text, Found found, void* context) const {
  wide_ ? search_avx2(text, found, context) : search_ssse3(text, found, context);
}

// `places`: a bit for each place after `at` where groups are left, which stand in `each`.
void WindowFilter::look_at_all(std::string_view text, std::size_t at, unsigned places, const unsigned char* each,
                               Found found, void* context) const {
  for (; places != 0; places &= places - 1) {
    const auto place = static_cast<std::size_t>(std::countr_zero(places));
    if (at + place + Window::kLength <= text.size()) look(text, at + place, each[place], found, context);
  }
}

THORLOG_SSSE3 void WindowFilter::search_ssse3(std::string_view text, Found found, void* context) const {
  __m128i low[Window::kLength];
  __m128i high[Window::kLength];
  for (std::size_t i = 0; i < Window::kLength; ++i) {
    low[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(low_[i].data()));
    high[i] = _mm_load_si128(reinterpret_cast<const __m128i*>(high_[i].data()));
  }
  const __m128i half = _mm_set1_epi8(0x0F);
  constexpr std::size_t kSpan = 16 + Window::kLength - 1;  // what sixteen places look at
  char tail[kSpan] = {};
  for (std::size_t at = 0; at + Window::kLength <= text.size(); at += 16) {
    const char* from = text.data() + at;
    if (text.size() - at < kSpan) {
      std::memcpy(tail, from, text.size() - at);
      from = tail;
    }
    __m128i groups = _mm_set1_epi8(-1);
    for (std::size_t i = 0; i < Window::kLength; ++i) {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      const __m128i by_low = _mm_shuffle_epi8(low[i], _mm_and_si128(bytes, half));
      const __m128i by_high = _mm_shuffle_epi8(high[i], _mm_and_si128(_mm_srli_epi16(bytes, 4), half));
      groups = _mm_and_si128(groups, _mm_and_si128(by_low, by_high));
    }
    const auto none = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(groups, _mm_setzero_si128())));
    if (none == 0xFFFF) continue;
    unsigned char each[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(each), groups);
    look_at_all(text, at, ~none & 0xFFFFU, each, found, context);
  }
}

// The same for 32 places: its two halves are looked up in the same tables.
THORLOG_AVX2 void WindowFilter::search_avx2(std::string_view text, Found found, void* context) const {
  __m256i low[Window::kLength];
  __m256i high[Window::kLength];
  for (std::size_t i = 0; i < Window::kLength; ++i) {
    low[i] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(low_[i].data())));
    high[i] = _mm256_broadcastsi128_si256(_mm_load_si128(reinterpret_cast<const __m128i*>(high_[i].data())));
  }
  const __m256i half = _mm256_set1_epi8(0x0F);
  constexpr std::size_t kSpan = 32 + Window::kLength - 1;
  char tail[kSpan] = {};
  for (std::size_t at = 0; at + Window::kLength <= text.size(); at += 32) {
    const char* from = text.data() + at;
    if (text.size() - at < kSpan) {
      std::memcpy(tail, from, text.size() - at);
      from = tail;
    }
    __m256i groups = _mm256_set1_epi8(-1);
    for (std::size_t i = 0; i < Window::kLength; ++i) {
      const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
      const __m256i by_low = _mm256_shuffle_epi8(low[i], _mm256_and_si256(bytes, half));
      const __m256i by_high = _mm256_shuffle_epi8(high[i], _mm256_and_si256(_mm256_srli_epi16(bytes, 4), half));
      groups = _mm256_and_si256(groups, _mm256_and_si256(by_low, by_high));
    }
    const auto none = static_cast<unsigned>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256())));
    if (none == ~0U) continue;
    unsigned char each[32];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(each), groups);
    look_at_all(text, at, ~none, each, found, context);
  }
}

#else

void WindowFilter::search(std::string_view text, Found found, void* context) const {
  for (std::size_t at = 0; at + Window::kLength <= text.size(); ++at)
    look(text, at, (1U << kGroups) - 1, found, context);
}

#endif

}  // namespace thorlog
