// The cases of tests/data/reassembly/*.txt; what their lines mean is said there.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "thorlog/event.h"
#include "thorlog/framing.h"

namespace thorlog {

struct Step {
  enum class What { bytes, wait, end } what = What::bytes;
  std::string bytes;
  int ms = 0;
};

struct Wanted {
  std::string raw;
  std::uint32_t flags = 0;
  std::uint32_t parts = 1;
  std::uint32_t frames = 0;  // 0: as many as parts
  int at = -1;               // -1: at once
};

struct FragmentCase {
  std::string name;
  std::vector<std::uint32_t> cuts;
  Framing framing = Framing::automatic;
  bool datagrams = false, split = false, trusted = false, burst = false;
  int clock = 0;
  std::vector<Step> steps;
  std::vector<Wanted> wanted;
};

inline void PrintTo(const FragmentCase& one, std::ostream* out) { *out << one.name; }

inline const std::string& counter_header() {
  static const std::string header = "<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: ";
  return header;
}

// Bytes [from, to) of the endless line of the domain notes: words of five digits.
inline std::string counter_line(std::size_t from, std::size_t to) {
  static const std::string line = [] {
    std::string text = counter_header();
    text += "Warning: MODULE: Filescan MESSAGE: Suspicious file found SCANID: S-KybbdhFvHhc FILE:";
    for (int n = 0; n < 100'000; ++n) {
      char word[16];
      std::snprintf(word, sizeof(word), " %05d", n);
      text += word;
    }
    return text;
  }();
  return line.substr(from, to - from);
}

inline std::string expand(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text.compare(at, 2, "${") == 0) {
      const std::size_t end = text.find('}', at);
      std::istringstream words(text.substr(at + 2, end - at - 2));
      std::string name;
      std::size_t a = 0, b = 0;
      words >> name >> a >> b;
      if (name == "F")
        out += counter_line(a, b);
      else if (name == "H")
        out += counter_header();
      else if (name == "x")
        out.append(a, 'x');
      else
        ADD_FAILURE() << "no such text: " << name;
      at = end;
    } else if (text[at] == '\\' && at + 1 < text.size()) {
      const char c = text[++at];
      if (c == 'x') {
        out += static_cast<char>(std::stoi(text.substr(at + 1, 2), nullptr, 16));
        at += 2;
      } else {
        out += c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? '\0' : c;
      }
    } else {
      out += text[at];
    }
  }
  return out;
}

inline std::uint32_t flags_of(const std::string& names) {
  std::uint32_t flags = 0;
  std::istringstream words(names);
  for (std::string name; words >> name;) {
    int bit = 0;
    while (bit < flag::count && flag_name(bit) != name) ++bit;
    EXPECT_LT(bit, flag::count) << "no such flag: " << name;
    flags |= 1U << bit;
  }
  return flags;
}

inline std::vector<FragmentCase> read_fragments(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file.good()) << path;
  std::vector<FragmentCase> cases;
  int repeat = 1;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const std::size_t blank = line.find(' ');
    const std::string word = line.substr(0, blank);
    const std::string rest = blank == std::string::npos ? "" : line.substr(blank + 1);
    if (word == "case") {
      cases.emplace_back();
      cases.back().name = rest;
      continue;
    }
    FragmentCase& one = cases.back();
    if (word == "cut")
      one.cuts.push_back(static_cast<std::uint32_t>(std::stoul(rest)));
    else if (word == "udp")
      one.datagrams = true;
    else if (word == "tcp")
      one.datagrams = false;
    else if (word == "split")
      one.split = true;
    else if (word == "trusted")
      one.trusted = true;
    else if (word == "burst")
      one.burst = true;
    else if (word == "framing")
      one.framing = rest == "lf" ? Framing::lf : rest == "octet" ? Framing::octet : Framing::automatic;
    else if (word == "clock")
      one.clock = std::stoi(rest);
    else if (word == "repeat")
      repeat = std::stoi(rest);
    else if (word == "in" || word == "frame") {
      const std::string bytes = expand(rest) + (word == "frame" ? "\n" : "");
      for (; repeat > 0; --repeat) one.steps.push_back({Step::What::bytes, bytes, 0});
      repeat = 1;
    } else if (word == "wait")
      one.steps.push_back({Step::What::wait, "", std::stoi(rest)});
    else if (word == "end")
      one.steps.push_back({Step::What::end, "", 0});
    else if (word == "out")
      one.wanted.push_back({expand(rest), 0, 1, 0, -1});
    else if (word == "flags")
      one.wanted.back().flags = flags_of(rest);
    else if (word == "parts")
      one.wanted.back().parts = static_cast<std::uint32_t>(std::stoul(rest));
    else if (word == "frames")
      one.wanted.back().frames = static_cast<std::uint32_t>(std::stoul(rest));
    else if (word == "at")
      one.wanted.back().at = std::stoi(rest);
    else
      ADD_FAILURE() << "no such word: " << word;
  }
  return cases;
}

}  // namespace thorlog
