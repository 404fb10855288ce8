// The daemon's answer to thorlogctl, parsed, and the ways to show numbers: what all commands share. One thread.
#pragma once

#include <simdjson.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "admin/commands.h"

namespace thorlog {

// Says it on standard error; gives the exit code.
int complain(const Error& error);

// On trouble says so and gives the exit code.
class Answer {
 public:
  Answer(const CommandOptions& options, const std::string& target, bool post = false);
  explicit operator bool() const noexcept { return exit_ == 0; }
  int exit() const noexcept { return exit_; }
  const std::string& text() const noexcept { return text_; }
  const simdjson::dom::element& root() const noexcept { return root_; }

 private:
  simdjson::dom::parser parser_;
  simdjson::dom::element root_;
  std::string text_;
  int exit_ = 0;
};

// Members of an object; empty, 0 or false when they are not there.
std::string text_at(const simdjson::dom::element& from, std::string_view key);
std::uint64_t count_at(const simdjson::dom::element& from, std::string_view key);
double number_at(const simdjson::dom::element& from, std::string_view key);
bool flag_at(const simdjson::dom::element& from, std::string_view key);

// 1234567 as "1 234 567": long counts must be readable at a glance.
std::string grouped(std::uint64_t number);
std::string duration_text(double seconds);
std::string bytes_text(std::uint64_t count);
void print_one_line(std::string text);

// Builds "/path?name=value&…", encoded.
class Target {
 public:
  explicit Target(std::string path) : text_(std::move(path)) {}
  Target& add(std::string_view name, std::string_view value);  // nothing for an empty value
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  char mark_ = '?';
};

}  // namespace thorlog
