#include "journal/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace thorlog {
namespace {

constexpr std::string_view kFile = "NAMES";
constexpr std::size_t kMostBytes = 16U << 20;

bool can_be_kept(std::string_view name) {
  return !name.empty() && name.size() <= 128 &&
         std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

}  // namespace

Result<std::unique_ptr<Names>> Names::open(FileSystem& files, const std::string& folder) {
  std::unique_ptr<Names> names(new Names(files, folder));
  if (auto done = names->load(); !done) return fail(std::move(done).error());
  return names;
}

Status Names::load() {
  const std::string path = folder_ + "/" + std::string(kFile);
  if (!files_.exists(path)) return ok();
  auto text = read_file(files_, path, kMostBytes);
  if (!text) return fail(std::move(text).error());
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::uint16_t number = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), number);
    const std::string_view name = line.substr(static_cast<std::size_t>(end - line.data()));
    if (error != std::errc() || number == 0 || name.size() < 2 || name.front() != ' ') {
      return fail({Errc::corrupt_record, fmt::format("reading {}: not a line of \"NUMBER NAME\"", path), 0});
    }
    numbers_.emplace(name.substr(1), number);
    names_.emplace(number, name.substr(1));
  }
  return ok();
}

Status Names::save() {
  std::string text;
  for (const auto& [number, name] : names_) text += fmt::format("{} {}\n", number, name);
  return replace_file(files_, folder_, std::string(kFile), text);
}

Result<std::uint16_t> Names::number_of(std::string_view name) {
  if (name == kInternalInput) return std::uint16_t{0};
  const std::lock_guard lock(mutex_);
  if (const auto found = numbers_.find(name); found != numbers_.end()) return found->second;
  if (!can_be_kept(name)) return fail({Errc::config, fmt::format("the input name \"{}\" can't be kept", name), 0});
  const unsigned next = names_.empty() ? 1U : names_.rbegin()->first + 1U;
  if (next > 0xffff) return fail({Errc::config, "65535 names of inputs are used up", 0});
  const auto number = static_cast<std::uint16_t>(next);
  names_.emplace(number, name);
  if (auto saved = save(); !saved) {
    names_.erase(number);
    return fail(std::move(saved).error());
  }
  numbers_.emplace(name, number);
  return number;
}

std::string Names::name_of(std::uint16_t number) const {
  if (number == 0) return std::string(kInternalInput);
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(number);
  return found == names_.end() ? fmt::format("input-{}", number) : found->second;
}

Status replace_file(FileSystem& files, const std::string& folder, const std::string& name, std::string_view bytes) {
  const std::string path = folder + "/" + name;
  const std::string fresh = path + ".new";
  auto file = files.open(fresh, FileSystem::Open::create, FaultPoint::none);
  if (!file) return fail(std::move(file).error());
  if (auto cut = (*file)->truncate(0); !cut) return cut;
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // NOLINT: iovec has no const form
  if (auto wrote = (*file)->write_at(0, {&part, 1}, FaultPoint::none, nullptr); !wrote) return wrote;
  if (auto synced = (*file)->sync_data(FaultPoint::sync); !synced) return synced;
  if (auto renamed = files.rename(fresh, path, FaultPoint::none); !renamed) return renamed;
  return files.sync_folder(folder, FaultPoint::dir_sync);
}

Result<std::string> read_file(FileSystem& files, const std::string& path, std::size_t most) {
  auto file = files.open(path, FileSystem::Open::read, FaultPoint::none);
  if (!file) return fail(std::move(file).error());
  auto size = (*file)->size();
  if (!size) return fail(std::move(size).error());
  if (*size > most) return fail({Errc::corrupt_record, "reading " + path + ": it is far too long", 0});
  std::string bytes(*size, '\0');
  auto got = (*file)->read_at(0, bytes.data(), bytes.size());
  if (!got) return fail(std::move(got).error());
  bytes.resize(*got);
  return bytes;
}

}  // namespace thorlog
