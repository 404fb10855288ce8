#include "admin/answer.h"

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <utility>

namespace thorlog {

using simdjson::dom::element;

int complain(const Error& error) {
  fmt::print(stderr, "thorlogctl: {}\n", error.message());
  return error.code == Errc::cancelled ? kNoDaemon : 1;
}

Answer::Answer(const CommandOptions& options, const std::string& target, bool post) {
  AdminClient client(options.address);
  auto response = post ? client.post(target) : client.get(target);
  if (!response) {
    exit_ = complain(response.error());
    return;
  }
  text_ = std::move(response->body);
  if (parser_.parse(text_).get(root_) != simdjson::SUCCESS) {
    exit_ = complain({Errc::io, "the daemon's answer is no JSON"});
  } else if (response->status != 200) {
    std::string_view what = "the daemon refuses";
    if (root_["error"].get(what) != simdjson::SUCCESS) what = "the daemon refuses";
    exit_ = complain({Errc::io, std::string(what)});
  }
}

std::string text_at(const element& from, std::string_view key) {
  std::string_view value;
  return from[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}

std::uint64_t count_at(const element& from, std::string_view key) {
  std::uint64_t value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0;
}

double number_at(const element& from, std::string_view key) {
  double value = 0;
  return from[key].get(value) == simdjson::SUCCESS ? value : 0.0;
}

bool flag_at(const element& from, std::string_view key) {
  bool value = false;
  return from[key].get(value) == simdjson::SUCCESS && value;
}

// 1234567 as "1 234 567": long counts must be readable at a glance.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ' ');
  }
  return digits;
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole >= 86400) return fmt::format("{}d {}h", whole / 86400, whole % 86400 / 3600);
  if (whole >= 3600) return fmt::format("{}h {}m", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{}m {}s", whole / 60, whole % 60);
  return seconds < 10 ? fmt::format("{:.1f}s", seconds) : fmt::format("{}s", whole);
}

std::string bytes_text(std::uint64_t count) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(count);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", count) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

void print_one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  fmt::print("{}\n", text);
}

Target& Target::add(std::string_view name, std::string_view value) {
  if (!value.empty()) text_ += fmt::format("{}{}={}", std::exchange(mark_, '&'), name, percent_encode(value));
  return *this;
}

}  // namespace thorlog
