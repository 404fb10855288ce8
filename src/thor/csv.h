// Small CSV files with a header line (RFC 4180): asset and group maps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

// Reads row after row. Blank lines and a byte order mark at the beginning are skipped; lines end with LF or CRLF.
class CsvReader {
 public:
  // `name` is the file's, for errors ("NAME:LINE:COLUMN: what").
  CsvReader(std::string_view text, std::string_view name);

  // False: no further row. A row's fields are as many as its commas say.
  Result<bool> next(std::vector<std::string>& fields);

  // Where the row that was read last begins.
  int line() const noexcept { return row_line_; }

  Error error_at(int line, std::size_t column, std::string_view what) const;

 private:
  Result<bool> quoted(std::string& field);

  std::string_view text_;
  std::string name_;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  int line_ = 1;
  int row_line_ = 0;
};

}  // namespace thorlog
