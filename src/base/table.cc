#include "base/table.h"

#include <algorithm>
#include <array>

#include "thorlog/result.h"

namespace thorlog {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kLeast = 8;       // no column shrinks below
constexpr std::size_t kGoodWidth = 15;  // nor below this, while others can leave
constexpr std::size_t kIndent = 4;

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

std::vector<std::string> wrapped(std::string_view utf8, std::size_t width) {
  std::vector<std::string> lines;
  while (width != 0 && display_width(utf8) > width) {
    std::size_t characters = 0, end = 0, blank = 0;
    for (; end < utf8.size(); ++end) {
      if (begins_character(utf8[end]) && characters++ == width) break;
      if (utf8[end] == ' ') blank = end;
    }
    if (end < utf8.size() && utf8[end] == ' ') blank = end;
    lines.emplace_back(utf8.substr(0, blank != 0 ? blank : end));
    utf8.remove_prefix(blank != 0 ? blank + 1 : end);
  }
  lines.emplace_back(utf8);
  return lines;
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

std::vector<std::size_t> Table::widths(std::size_t width, bool& below) const {
  std::vector<std::size_t> wide;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t most = display_width(columns_[i].title);
    for (const auto& row : rows_) most = std::max(most, display_width(row[i].text));
    wide.push_back(most);
  }
  below = false;
  if (width == 0) return wide;
  const auto all = [&wide] {
    std::size_t sum = 0, shown = 0;
    for (const std::size_t one : wide) sum += one, shown += one != 0 ? 1U : 0U;
    return sum + (shown == 0 ? 0 : kGap * (shown - 1));
  };
  for (std::size_t i = 0; i < columns_.size() && all() > width; ++i) {
    if (!columns_[i].below) continue;
    wide[i] = 0;
    below = true;
  }
  // Those that shrink may do so as far as it still reads well; before they shrink further, others leave.
  const auto excess = [&](std::size_t least) {
    std::size_t sum = all();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].shrinks && wide[i] > least) sum -= wide[i] - least;
    return sum > width;
  };
  while (excess(kGoodWidth)) {
    std::size_t next = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (wide[i] != 0 && columns_[i].leaves > (next == columns_.size() ? 0 : columns_[next].leaves)) next = i;
    if (next == columns_.size()) break;
    wide[next] = 0;
  }
  for (std::size_t i = 0; i < columns_.size() && all() > width; ++i) {
    if (columns_[i].shrinks && wide[i] > kLeast) wide[i] -= std::min(all() - width, wide[i] - kLeast);
  }
  return wide;
}

std::string Table::note_of_missing(const std::vector<std::size_t>& wide, bool below) const {
  std::string names;
  for (std::size_t i = 0; i < columns_.size(); ++i)
    if (wide[i] == 0 && !(below && columns_[i].below)) names += (names.empty() ? "" : ", ") + columns_[i].title;
  return names.empty() ? names : "no room for " + names + ": see a wider terminal, or --json";
}

std::string Table::text(std::size_t width, bool colours) const {
  bool below = false;
  const std::vector<std::size_t> wide = widths(width, below);
  std::string out;
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (wide[i] != 0) line += padded(columns_[i].title, wide[i], columns_[i].align) + std::string(kGap, ' ');
  }
  trim_end(line);
  out += coloured(line, Colour::bold, colours) + "\n";
  for (const auto& row : rows_) {
    line.clear();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (wide[i] == 0) continue;
      const std::string text = padded(shortened(row[i].text, wide[i]), wide[i], columns_[i].align);
      line += coloured(text, row[i].colour, colours) + std::string(kGap, ' ');
    }
    trim_end(line);
    out += line + "\n";
    for (std::size_t i = 0; i < columns_.size() && below; ++i) {
      if (!columns_[i].below || wide[i] != 0) continue;
      for (const std::string& part : wrapped(row[i].text, width - std::min(width, kIndent)))
        out += std::string(kIndent, ' ') + part + "\n";
    }
  }
  if (const std::string note = note_of_missing(wide, below); !note.empty())
    for (const std::string& part : wrapped(note, width)) out += coloured(part, Colour::dim, colours) + "\n";
  return out;
}

}  // namespace thorlog
