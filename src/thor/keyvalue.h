// Pairs KEY='value' KEY='value', one after the other.
#pragma once

#include <string_view>

namespace thorlog {

class KeyValuePairs {
 public:
  struct Pair {
    std::string_view key, value;
    bool closed = false;  // its closing quote is there
    bool last = false;
  };

  // The first pair tells the quote.
  explicit KeyValuePairs(std::string_view fields) noexcept : rest_(fields) {
    const std::size_t equals = fields.find('=');
    if (equals != std::string_view::npos && equals + 1 < fields.size()) quote_ = fields[equals + 1];
  }

  char quote() const noexcept { return quote_; }

  // False: there is no further pair.
  bool next(Pair& pair) noexcept;

 private:
  std::string_view rest_;
  char quote_ = '\'';
};

}  // namespace thorlog
