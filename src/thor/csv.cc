#include "thor/csv.h"

namespace thorlog {

CsvReader::CsvReader(std::string_view text, std::string_view name) : text_(text), name_(name) {
  if (text_.substr(0, 3) == "\xEF\xBB\xBF") text_.remove_prefix(3);
}

Error CsvReader::error_at(int line, std::size_t column, std::string_view what) const {
  return {Errc::config, name_ + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " + std::string(what),
          0};
}

// A field whose opening quote is at at_; ends behind the closing one.
Result<bool> CsvReader::quoted(std::string& field) {
  const int line = line_;
  const std::size_t column = at_ - line_begin_ + 1;
  for (++at_; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '"') {
      if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
        ++at_;
        return true;
      }
      ++at_;
    }
    if (c == '\n') {
      ++line_;
      line_begin_ = at_ + 1;
    }
    field += c;
  }
  return fail(error_at(line, column, "a quote that is not closed"));
}

Result<bool> CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) {
    if (text_[at_] == '\n') {
      ++line_;
      line_begin_ = at_ + 1;
    }
    ++at_;
  }
  if (at_ >= text_.size()) return false;
  row_line_ = line_;
  for (;;) {
    std::string& field = fields.emplace_back();
    if (at_ < text_.size() && text_[at_] == '"') {
      auto read = quoted(field);
      if (!read) return read;
      if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
        return fail(error_at(line_, at_ - line_begin_ + 1, "text behind a closing quote"));
    } else {
      while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
        if (text_[at_] == '"')
          return fail(error_at(line_, at_ - line_begin_ + 1, "a quote inside a field without quotes"));
        field += text_[at_++];
      }
    }
    if (at_ >= text_.size() || text_[at_] != ',') return true;
    ++at_;
  }
}

}  // namespace thorlog
