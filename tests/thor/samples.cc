#include "thor/samples.h"

#include <fstream>
#include <stdexcept>

#include "thor/stamp.h"

namespace thorlog {
namespace {

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

std::string plain(std::string text) {
  replace_all(text, "⇥", "\t");
  replace_all(text, "⏎", "\n");
  return text;
}

std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "\\x") == 0 && at + 3 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(at + 2, 2), nullptr, 16));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

std::vector<std::string> read_lines(const std::string& file) {
  std::ifstream in(std::string(THORLOG_SOURCE_DIR) + "/tests/data/thor/" + file, std::ios::binary);
  if (!in) throw std::runtime_error("no file " + file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<Sample> read_samples(const std::string& file) {
  std::vector<Sample> samples;
  Sample sample;
  int number = 0;
  const auto finish = [&] {
    if (!sample.raw.empty()) samples.push_back(sample);
    sample = Sample();
  };
  for (const std::string& line : read_lines(file)) {
    ++number;
    if (line.empty()) finish();
    if (line.empty() || line[0] == '#') continue;
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) throw std::runtime_error(file + ":" + std::to_string(number) + ": no key");
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 2);
    if (key == "line" || key == "bytes") {
      finish();
      sample.file = file;
      sample.line_number = number;
      sample.raw = key == "line" ? plain(value) : unescaped(value);
    } else if (key == "received" || key == "peer" || key == "zone" || key == "agent_zone" || key == "cut" ||
               key == "short_hostname") {
      sample.circumstances[key] = value;
    } else {
      sample.expected[key] = value == "-" ? "" : plain(value);
    }
  }
  finish();
  return samples;
}

std::string flag_names(std::uint32_t flags) {
  std::string names;
  for (int bit = 0; bit < flag::count; ++bit)
    if ((flags >> bit & 1U) != 0) names += (names.empty() ? "" : ",") + std::string(flag_name(bit));
  return names;
}

std::string rule_name(StartRule rule) {
  static const char* const kNames[] = {"none", "s1", "s1b", "s2", "s3", "s4", "s5", "s6", "s7"};
  return kNames[static_cast<std::size_t>(rule)];
}

std::int64_t time_of(const std::string& rfc3339) { return rfc3339.empty() ? kNoTime : iso_time(rfc3339, nullptr); }

Parsed::Parsed(std::string_view line, ParseContext context) : bytes_(line) {
  if (context.received == 0) context.received = time_of("2025-10-08T12:00:00Z");
  bytes_.append(kReadAhead, '\x3a');  // colons, which would be seen if they were taken for the line's
  const std::string_view raw(bytes_.data(), line.size());
  start_ = test_start(raw);
  parser_.parse(raw, start_, context, event_);
}

}  // namespace thorlog
