// Reads the sample files of tests/data/thor: blocks of "key: value" (see the README there).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/frame.h"
#include "thorlog/thor.h"

namespace thorlog {

struct Sample {
  std::string file;
  int line_number = 0;
  std::string raw;
  std::map<std::string, std::string> circumstances;
  std::map<std::string, std::string> expected;
};

std::vector<Sample> read_samples(const std::string& file);  // "headers.txt"
std::vector<std::string> read_lines(const std::string& file);

// Ten bits of flag names, "joined,incomplete".
std::string flag_names(std::uint32_t flags);
std::string rule_name(StartRule rule);
std::int64_t time_of(const std::string& rfc3339);

// A line and the event made of it; both live as long as this. Bytes stand behind the line, as callers promise.
class Parsed {
 public:
  explicit Parsed(std::string_view line, ParseContext context = {});
  const Event& event() const { return event_; }
  const Start& start() const { return start_; }

 private:
  std::string bytes_;
  LineParser parser_;
  Start start_;
  Event event_;
};

}  // namespace thorlog
