// A table for people: columns as wide as their content, numbers to the right, fitted to a terminal. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace thorlog {

enum class Align : unsigned char { left, right };
enum class Colour : unsigned char { none, red, yellow, green, dim, bold };

// `text` between the codes of a colour; as it is when `colours` is false.
std::string coloured(std::string_view text, Colour colour, bool colours);

class Table {
 public:
  // What gives way when the table is wider than the terminal, in this order: a column that goes `below` is written
  // under its row, wrapped; those with `leaves` are left out, the highest number first; one that `shrinks` ends in
  // "…".
  struct Column {
    std::string title;
    Align align = Align::left;
    bool shrinks = false;
    int leaves = 0;  // 0: stays
    bool below = false;
  };
  struct Cell {
    std::string text;  // printable UTF-8: escaped by the caller where it comes from outside
    Colour colour = Colour::none;
    Cell(std::string words, Colour in = Colour::none) : text(std::move(words)), colour(in) {}  // NOLINT: implicit
    Cell(const char* words) : text(words) {}                                                   // NOLINT: implicit
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row);
  bool empty() const noexcept { return rows_.empty(); }

  // width 0: as wide as it is.
  std::string text(std::size_t width, bool colours) const;

 private:
  // 0: the column is not in its row.
  std::vector<std::size_t> widths(std::size_t width, bool& below) const;
  std::string note_of_missing(const std::vector<std::size_t>& wide, bool below) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

// Characters on a terminal, one for each code point.
std::size_t display_width(std::string_view utf8) noexcept;
// Lines of at most `width` characters, broken at blanks where there are any.
std::vector<std::string> wrapped(std::string_view utf8, std::size_t width);
// At most `width` characters; "…" stands for what was cut off.
std::string shortened(std::string_view utf8, std::size_t width);

}  // namespace thorlog
