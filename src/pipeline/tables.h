// The label tables (assets, groups) as they are now. Readers on any thread take a shared pointer; a new table
// replaces the old one at once when its file changes. A file that is wrong is said in the log and changes nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "config/settings.h"
#include "thorlog/identity.h"

namespace thorlog {

class LabelTables {
 public:
  // The first load: an error is one of the configuration.
  Status load(const IdentitySettings& settings);
  // Looks at the files' times and loads what changed. Main thread, each few seconds.
  void refresh();

  std::shared_ptr<const AssetTable> assets() const;
  std::shared_ptr<const GroupTable> groups() const;
  // Grows with each replacement, so that a reader can keep its pointer until it changes.
  std::uint64_t version() const noexcept { return version_.load(std::memory_order_acquire); }

 private:
  struct Stamp {
    std::int64_t modified = 0;
    std::int64_t size = -1;
    std::uint64_t inode = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp stamp_of(const std::string& path);
  Status load_assets();
  Status load_groups();

  IdentitySettings settings_;  // main thread
  Stamp assets_stamp_, groups_stamp_;
  mutable std::mutex mutex_;  // guards the two pointers
  std::shared_ptr<const AssetTable> assets_;
  std::shared_ptr<const GroupTable> groups_;
  std::atomic<std::uint64_t> version_{1};
};

}  // namespace thorlog
