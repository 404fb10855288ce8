// Labels that come from files: asset ids by host, group ids by scan id. Immutable once made; a new table replaces the
// old one when its file changes, so readers on any thread keep a shared pointer.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};
using StringMap = std::unordered_map<std::string, std::string, StringHash, std::equal_to<>>;

class AssetTable {
 public:
  // CSV text with the columns asset_id,hostname[,fqdn][,ip] in any order, named by its first line. `name` is for
  // errors.
  static Result<std::shared_ptr<const AssetTable>> parse(std::string_view csv, std::string_view name);

  // The asset id by canonical host, then by the full name (lower case), then by address; empty when none is known.
  std::string_view find(std::string_view canonical_host, std::string_view full_name,
                        std::string_view ip) const noexcept;
  std::size_t size() const noexcept { return hosts_.size(); }

 private:
  StringMap hosts_, names_, addresses_;
};

class GroupTable {
 public:
  // Columns scan_id,group_id.
  static Result<std::shared_ptr<const GroupTable>> parse(std::string_view csv, std::string_view name);
  void set_prefixes(std::vector<std::pair<std::string, std::string>> prefix_to_group);

  // By the map, then by the longest prefix; empty when none.
  std::string_view find(std::string_view scan_id) const noexcept;

 private:
  StringMap ids_;
  std::vector<std::pair<std::string, std::string>> prefixes_;
};

}  // namespace thorlog
