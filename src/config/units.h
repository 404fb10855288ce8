// Sizes and durations as the configuration writes them, and the nearest name to a misspelt one. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace thorlog {

// Bytes of "64KiB", "4MiB", "10GiB", "2TiB", "512" (bytes). Nothing for any other text, or when it is too large.
std::optional<std::uint64_t> parse_size(std::string_view text) noexcept;
// In the largest unit that says it exactly; parse_size() gives the same number back.
std::string size_text(std::uint64_t bytes);

// "100ns", "10us", "250ms", "2s", "30m", "6h", "7d"; "0" needs no unit.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) noexcept;
std::string duration_text(std::chrono::nanoseconds duration);

// A whole number of decimal digits.
std::optional<std::uint64_t> parse_number(std::string_view text) noexcept;

// The known name that `given` most probably means; empty when none is near.
std::string_view nearest_name(std::string_view given, std::span<const std::string_view> known);

// "a, b or c"
std::string one_of(std::span<const std::string_view> names);

// As a YAML scalar: plain where that is safe, else in double quotes.
std::string yaml_scalar(std::string_view text);

}  // namespace thorlog
