#include "thorlog/identity.h"

#include <algorithm>
#include <array>

#include "thor/csv.h"
#include "thor/host_name.h"
#include "thor/lex.h"

namespace thorlog {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lex::to_lower(c);
  return out;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return std::string(text);
}

constexpr std::size_t kNoColumn = static_cast<std::size_t>(-1);

// A table whose first line names its columns. `names` are those that may stand there, in lower case; the first
// `needed` of them must. Unknown names are errors: a typing mistake must not make a column vanish.
template <std::size_t n>
class Table {
 public:
  Table(std::string_view csv, std::string_view name, const std::array<std::string_view, n>& names, std::size_t needed)
      : reader_(csv, name), names_(names), needed_(needed) {
    columns_.fill(kNoColumn);
  }

  Status read_header() {
    auto read = reader_.next(row_);
    if (!read) return fail(std::move(read).error());
    if (!*read) return fail(reader_.error_at(1, 1, "empty: the first line must name the columns"));
    for (std::size_t at = 0; at < row_.size(); ++at) {
      const std::string name = lower(trimmed(row_[at]));
      const auto known = std::find(names_.begin(), names_.end(), name);
      if (known == names_.end())
        return fail(reader_.error_at(reader_.line(), column_of(at), "unknown column '" + name + "'"));
      std::size_t& column = columns_[static_cast<std::size_t>(known - names_.begin())];
      if (column != kNoColumn)
        return fail(reader_.error_at(reader_.line(), column_of(at), "column '" + name + "' twice"));
      column = at;
    }
    for (std::size_t number = 0; number < needed_; ++number)
      if (columns_[number] == kNoColumn)
        return fail(reader_.error_at(reader_.line(), 1, "column '" + std::string(names_[number]) + "' is missing"));
    width_ = row_.size();
    return ok();
  }

  // False: the table ends. Each row has as many fields as the header.
  Result<bool> next() {
    auto read = reader_.next(row_);
    if (!read || !*read) return read;
    if (row_.size() != width_)
      return fail(reader_.error_at(
          reader_.line(), 1, std::to_string(row_.size()) + " fields where the header has " + std::to_string(width_)));
    return true;
  }

  // Empty where the column is not there.
  std::string value(std::size_t number) const {
    return columns_[number] == kNoColumn ? std::string() : trimmed(row_[columns_[number]]);
  }
  Error error(std::size_t number, std::string_view what) const {
    return reader_.error_at(reader_.line(), column_of(columns_[number]), what);
  }

 private:
  // Where a field begins in a row without quotes; good enough to find it.
  std::size_t column_of(std::size_t field) const {
    std::size_t column = 1;
    for (std::size_t at = 0; at < field && at < row_.size(); ++at) column += row_[at].size() + 1;
    return column;
  }

  CsvReader reader_;
  const std::array<std::string_view, n>& names_;
  std::size_t needed_;
  std::array<std::size_t, n> columns_;
  std::vector<std::string> row_;
  std::size_t width_ = 0;
};

constexpr std::array<std::string_view, 4> kAssetColumns = {"asset_id", "hostname", "fqdn", "ip"};
enum AssetColumn : std::size_t { asset_id, hostname, fqdn, ip };
constexpr std::array<std::string_view, 2> kGroupColumns = {"scan_id", "group_id"};

std::string_view find_in(const StringMap& map, std::string_view key) noexcept {
  if (key.empty() || map.empty()) return {};
  const auto found = map.find(key);
  return found == map.end() ? std::string_view() : std::string_view(found->second);
}

// The same name for two assets can't be told apart later.
bool add(StringMap& map, std::string key, const std::string& value) {
  if (key.empty()) return true;
  const auto [entry, fresh] = map.try_emplace(std::move(key), value);
  return fresh || entry->second == value;
}

}  // namespace

Result<std::shared_ptr<const AssetTable>> AssetTable::parse(std::string_view csv, std::string_view name) {
  Table<kAssetColumns.size()> table(csv, name, kAssetColumns, 2);
  if (auto header = table.read_header(); !header) return fail(std::move(header).error());
  auto assets = std::make_shared<AssetTable>();
  StringMap full_names;  // of host names seen so far
  for (;;) {
    auto more = table.next();
    if (!more) return fail(std::move(more).error());
    if (!*more) return std::shared_ptr<const AssetTable>(std::move(assets));
    const std::string id = table.value(asset_id);
    if (id.empty()) return fail(table.error(asset_id, "an asset_id is empty"));
    if (table.value(hostname).empty() && table.value(fqdn).empty() && table.value(ip).empty())
      return fail(table.error(hostname, "asset '" + id + "' has no hostname, fqdn or ip"));
    const std::string host = lower(table.value(hostname));
    const std::string full = lower(table.value(fqdn));
    if (!add(assets->hosts_, host, id)) {
      // One short name in two domains: only the full name tells which.
      std::string& first = full_names[host];
      if (first.empty() || full.empty() || first == full)
        return fail(table.error(hostname, "hostname '" + table.value(hostname) + "' belongs to two assets"));
      assets->hosts_[host].clear();
    } else {
      full_names.try_emplace(host, full);
    }
    if (!add(assets->names_, full, id))
      return fail(table.error(fqdn, "fqdn '" + table.value(fqdn) + "' belongs to two assets"));
    if (!add(assets->addresses_, lower(table.value(ip)), id))
      return fail(table.error(ip, "ip '" + table.value(ip) + "' belongs to two assets"));
  }
}

std::string_view AssetTable::find(std::string_view canonical_host, std::string_view full_name,
                                  std::string_view ip) const noexcept {
  // Names are compared in lower case; longer ones than a name can be are none.
  HostBuffer buffer;
  if (const auto id = find_in(hosts_, canonical_host); !id.empty()) return id;
  if (const auto id = find_in(names_, ::thorlog::canonical_host(full_name, false, buffer)); !id.empty()) return id;
  if (const auto id = find_in(addresses_, ::thorlog::canonical_host(ip, false, buffer)); !id.empty()) return id;
  // A line that named no host has its peer's address for one.
  return find_in(addresses_, canonical_host);
}

Result<std::shared_ptr<const GroupTable>> GroupTable::parse(std::string_view csv, std::string_view name) {
  Table<kGroupColumns.size()> table(csv, name, kGroupColumns, 2);
  if (auto header = table.read_header(); !header) return fail(std::move(header).error());
  auto groups = std::make_shared<GroupTable>();
  for (;;) {
    auto more = table.next();
    if (!more) return fail(std::move(more).error());
    if (!*more) return std::shared_ptr<const GroupTable>(std::move(groups));
    const std::string scan = table.value(0);
    if (scan.empty()) return fail(table.error(0, "a scan_id is empty"));
    if (table.value(1).empty()) return fail(table.error(1, "a group_id is empty"));
    if (!add(groups->ids_, scan, table.value(1)))
      return fail(table.error(0, "scan_id '" + scan + "' belongs to two groups"));
  }
}

void GroupTable::set_prefixes(std::vector<std::pair<std::string, std::string>> prefix_to_group) {
  prefixes_ = std::move(prefix_to_group);
  // The longest one that fits counts.
  std::stable_sort(prefixes_.begin(), prefixes_.end(),
                   [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
}

std::string_view GroupTable::find(std::string_view scan_id) const noexcept {
  if (scan_id.empty()) return {};
  if (const auto group = find_in(ids_, scan_id); !group.empty()) return group;
  for (const auto& [prefix, group] : prefixes_)
    if (lex::starts_with(scan_id, prefix)) return group;
  return {};
}

}  // namespace thorlog
