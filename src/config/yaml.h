// A YAML document as a plain tree that knows where everything was written, and only the YAML that a configuration
// needs: one document of maps, lists and scalars. Anchors, aliases, tags, repeated keys, tabs as indentation and
// bytes that are no UTF-8 are errors. Bounded in depth and number of nodes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"

namespace thorlog {

struct YamlEntry;
struct YamlNode {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  Kind kind = Kind::null;
  Place place;
  std::string text;                // of a scalar
  std::vector<YamlNode> items;     // of a list
  std::vector<YamlEntry> entries;  // of a map, in the order of the file

  bool is(Kind wanted) const noexcept { return kind == wanted; }
  const YamlEntry* find(std::string_view key) const noexcept;
};
struct YamlEntry {
  std::string key;
  Place place;  // of the key
  YamlNode value;
};

// The tree of `text`, or a null node and at least one error. Repeated keys are told in `errors` and the first is
// kept.
YamlNode parse_yaml(std::string_view text, const std::string& file, std::vector<ConfigError>& errors);

}  // namespace thorlog
