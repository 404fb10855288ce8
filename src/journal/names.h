// journal/NAMES: the numbers of the inputs' names, one "NUMBER NAME" on each line. A name keeps its number for ever,
// so that old records still say where they came from. Any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/file.h"
#include "thorlog/result.h"

namespace thorlog {

inline constexpr std::string_view kInternalInput = "internal";  // number 0

class Names {
 public:
  static Result<std::unique_ptr<Names>> open(FileSystem& files, const std::string& folder);
  // Gives a new name the next number; it is on the disk when this returns. Errors: config (a name that can't be kept,
  // or 65535 of them), io, disk_full.
  Result<std::uint16_t> number_of(std::string_view name);
  std::string name_of(std::uint16_t number) const;  // "input-N" for a number that nobody knows

 private:
  Names(FileSystem& files, const std::string& folder) : files_(files), folder_(folder) {}
  Status load();
  Status save();

  FileSystem& files_;
  const std::string folder_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, std::uint16_t, std::less<>> numbers_;
  std::map<std::uint16_t, std::string> names_;
};

// Puts a small file in its place as a whole: written beside it, synced, renamed, the folder synced.
Status replace_file(FileSystem& files, const std::string& folder, const std::string& name, std::string_view bytes);
Result<std::string> read_file(FileSystem& files, const std::string& path, std::size_t most);

}  // namespace thorlog
