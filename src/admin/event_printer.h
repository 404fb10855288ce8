// Shows a JSON event as one line that a person likes to read:
//
//   11:37:54  web01            WARNING  Filescan      Suspicious file found  [S-KybbdhFvHhc] joined 3
//
// Everything that came from outside is escaped for the terminal. One thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace thorlog {

class EventPrinter {
 public:
  struct Options {
    std::size_t width = 0;  // of the terminal; 0: nothing is cut
    bool colours = false;
  };
  explicit EventPrinter(Options options);
  ~EventPrinter();

  std::string line(std::string_view event_json);

 private:
  struct Parser;
  Options options_;
  std::unique_ptr<Parser> parser_;
};

// Text from outside, for a terminal.
std::string printable(std::string_view text);

}  // namespace thorlog
