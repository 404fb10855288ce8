// A list of names that a value may be one of; fast to say no. Immutable, any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "thorlog/identity.h"

namespace thorlog {

class NameList {
 public:
  NameList() = default;
  // With `any_case` ASCII letters are the same in upper and lower case.
  NameList(const std::vector<std::string>& names, bool any_case) : any_case_(any_case) {
    for (std::string name : names) {
      if (any_case) {
        for (char& c : name) c = lower(c);
      }
      lengths_ |= length_bit(name.size());
      if (name.size() > longest_) longest_ = name.size();
      names_.insert(std::move(name));
    }
  }

  // An empty list is a key that was not given.
  bool empty() const noexcept { return names_.empty(); }

  bool has(std::string_view value) const noexcept {
    if ((lengths_ & length_bit(value.size())) == 0 || value.size() > longest_) return false;
    if (!any_case_) return names_.find(value) != names_.end();
    std::array<char, 256> lowered;  // NOLINT: filled below
    if (value.size() > lowered.size()) return has_long(value);
    for (std::size_t i = 0; i < value.size(); ++i) lowered[i] = lower(value[i]);
    return names_.find(std::string_view(lowered.data(), value.size())) != names_.end();
  }

 private:
  static char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
  static std::uint64_t length_bit(std::size_t length) noexcept { return std::uint64_t{1} << (length % 64); }
  bool has_long(std::string_view value) const {
    std::string lowered(value);
    for (char& c : lowered) c = lower(c);
    return names_.find(std::string_view(lowered)) != names_.end();
  }

  std::unordered_set<std::string, StringHash, std::equal_to<>> names_;
  std::uint64_t lengths_ = 0;
  std::size_t longest_ = 0;
  bool any_case_ = false;
};

}  // namespace thorlog
