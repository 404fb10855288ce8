#include "pipeline/tables.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::uint64_t kMaxTableBytes = 256U << 20;

Result<std::string> read_file(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return fail({Errc::config, "opening " + path, errno});
  std::string text;
  char block[65536];
  while (const std::size_t got = std::fread(block, 1, sizeof block, file.get())) {
    text.append(block, got);
    if (text.size() > kMaxTableBytes) return fail({Errc::config, path + " is larger than 256 MiB"});
  }
  if (std::ferror(file.get()) != 0) return fail({Errc::config, "reading " + path, errno});
  return text;
}

}  // namespace

LabelTables::Stamp LabelTables::stamp_of(const std::string& path) {
  struct stat st {};
  if (path.empty() || ::stat(path.c_str(), &st) != 0) return {};
  return {static_cast<std::int64_t>(st.st_mtim.tv_sec) * 1'000'000'000 + st.st_mtim.tv_nsec, st.st_size, st.st_ino};
}

Status LabelTables::load(const IdentitySettings& settings) {
  settings_ = settings;
  if (auto loaded = load_assets(); !loaded) return loaded;
  return load_groups();
}

Status LabelTables::load_assets() {
  std::shared_ptr<const AssetTable> table;
  assets_stamp_ = stamp_of(settings_.assets);
  if (!settings_.assets.empty()) {
    auto text = read_file(settings_.assets);
    if (!text) return fail(std::move(text).error());
    auto parsed = AssetTable::parse(*text, settings_.assets);
    if (!parsed) return fail(std::move(parsed).error());
    table = *std::move(parsed);
  }
  const std::lock_guard lock(mutex_);
  assets_ = std::move(table);
  version_.fetch_add(1, std::memory_order_release);
  return ok();
}

Status LabelTables::load_groups() {
  groups_stamp_ = stamp_of(settings_.groups);
  std::string text = "scan_id,group_id\n";
  if (!settings_.groups.empty()) {
    auto read = read_file(settings_.groups);
    if (!read) return fail(std::move(read).error());
    text = *std::move(read);
  }
  auto parsed = GroupTable::parse(text, settings_.groups.empty() ? "(none)" : settings_.groups);
  if (!parsed) return fail(std::move(parsed).error());
  auto table = std::make_shared<GroupTable>(**parsed);
  table->set_prefixes(settings_.group_prefixes);
  const std::lock_guard lock(mutex_);
  groups_ = std::move(table);
  version_.fetch_add(1, std::memory_order_release);
  return ok();
}

void LabelTables::refresh() {
  if (stamp_of(settings_.assets) != assets_stamp_) {
    const Status loaded = load_assets();
    log(loaded ? Severity::info : Severity::error, "assets",
        loaded ? fmt::format("{} was read again: {} hosts", settings_.assets, assets() ? assets()->size() : 0)
               : loaded.error().message() + "; the table read before stays");
  }
  if (stamp_of(settings_.groups) != groups_stamp_) {
    const Status loaded = load_groups();
    log(loaded ? Severity::info : Severity::error, "groups",
        loaded ? settings_.groups + " was read again" : loaded.error().message() + "; the table read before stays");
  }
}

std::shared_ptr<const AssetTable> LabelTables::assets() const {
  const std::lock_guard lock(mutex_);
  return assets_;
}

std::shared_ptr<const GroupTable> LabelTables::groups() const {
  const std::lock_guard lock(mutex_);
  return groups_;
}

}  // namespace thorlog
