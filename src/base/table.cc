#include "base/table.h"

#include <algorithm>
#include <array>

#include "thorlog/result.h"

namespace thorlog {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeast = 8;  // no column shrinks below

bool begins_character(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

std::string padded(std::string_view text, std::size_t width, Align align) {
  const std::size_t have = display_width(text);
  const std::string blanks(width > have ? width - have : 0, ' ');
  return align == Align::right ? blanks + std::string(text) : std::string(text) + blanks;
}

void trim_end(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

}  // namespace

std::size_t display_width(std::string_view utf8) noexcept {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), begins_character));
}

std::string shortened(std::string_view utf8, std::size_t width) {
  if (width == 0) return {};
  if (display_width(utf8) <= width) return std::string(utf8);
  std::size_t characters = 0;
  std::size_t end = 0;
  for (; end < utf8.size(); ++end) {
    if (begins_character(utf8[end]) && characters++ == width - 1) break;
  }
  return std::string(utf8.substr(0, end)) + "…";
}

std::string coloured(std::string_view text, Colour colour, bool colours) {
  static constexpr std::array<std::string_view, 6> kCodes = {"", "31", "33", "32", "2", "1"};
  if (!colours || colour == Colour::none || text.empty()) return std::string(text);
  return "\x1b[" + std::string(kCodes[static_cast<std::size_t>(colour)]) + "m" + std::string(text) + "\x1b[0m";
}

void Table::add(std::vector<Cell> row) {
  THORLOG_ASSERT(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths(std::size_t width) const {
  std::vector<std::size_t> wide;
  std::size_t all = columns_.empty() ? 0 : kGap * (columns_.size() - 1);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t most = display_width(columns_[i].title);
    for (const auto& row : rows_) most = std::max(most, display_width(row[i].text));
    wide.push_back(most);
    all += most;
  }
  for (std::size_t i = 0; i < columns_.size() && width != 0 && all > width; ++i) {
    if (!columns_[i].shrinks || wide[i] <= kLeast) continue;
    const std::size_t less = std::min(all - width, wide[i] - kLeast);
    wide[i] -= less;
    all -= less;
  }
  return wide;
}

std::string Table::text(std::size_t width, bool colours) const {
  const std::vector<std::size_t> wide = widths(width);
  std::string out;
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    line += padded(columns_[i].title, wide[i], columns_[i].align) + std::string(kGap, ' ');
  }
  trim_end(line);
  out += coloured(line, Colour::bold, colours) + "\n";
  for (const auto& row : rows_) {
    line.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string text = padded(shortened(row[i].text, wide[i]), wide[i], columns_[i].align);
      line += coloured(text, row[i].colour, colours) + std::string(kGap, ' ');
    }
    trim_end(line);
    out += line + "\n";
  }
  return out;
}

}  // namespace thorlog
