// A disk that forgets: what was written but not synced may be gone after a power cut, page by page and folder entry
// by folder entry, and the write that was under way may be torn at any byte. It can crash at its n-th step, refuse a
// fault point with an error, and be full. Held in memory; for tests with one or several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"

namespace thorlog {

class ModelDisk final : public FileSystem {
 public:
  static constexpr std::uint64_t kPage = 4096;
  static constexpr std::uint64_t kNever = ~0ULL;

  ModelDisk() = default;

  // --- What the test decides.
  // The step with this number (each changing call is one) does not return well; a write is torn. Nothing works then.
  void crash_at(std::uint64_t step) { crash_at_ = step; }
  bool crashed() const { return crashed_; }
  std::uint64_t steps() const { return steps_; }
  // The machine comes back with what was on the disk: each unsynced page and entry is there or not.
  void power_loss(std::mt19937_64& random);
  // Only the process died: all that was written is there.
  void process_death();
  // From the `after`-th hit of a point on, `times` hits fail.
  void fail_at(FaultPoint point, std::uint64_t after, std::uint64_t times, Error error);
  void set_capacity(std::uint64_t bytes) { capacity_ = bytes; }
  void set_network_kind(std::string kind) { network_ = std::move(kind); }
  std::uint64_t used_bytes() const;
  // A file's bytes, to look at or to damage.
  std::string& bytes_of(const std::string& path);

  // --- FileSystem.
  Result<std::unique_ptr<File>> open(const std::string& path, Open how, FaultPoint point) override;
  Status make_folder(const std::string& path) override;
  Status sync_folder(const std::string& path, FaultPoint point) override;
  Status remove(const std::string& path, FaultPoint point) override;
  Status rename(const std::string& from, const std::string& to, FaultPoint point) override;
  Result<std::vector<std::string>> list(const std::string& folder) override;
  bool exists(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;
  Result<std::unique_ptr<FolderLock>> lock_folder(const std::string& path) override;
  Result<std::string> network_kind(const std::string& path) override;
  Status pass(FaultPoint point) override;

 private:
  friend class ModelFile;
  struct Inode {
    std::string now;                 // as the process sees it
    std::string durable;             // as of the last sync
    std::set<std::uint64_t> dirty;   // pages changed since
    std::set<std::uint64_t> doomed;  // a sync of them failed: no later one writes them, though it says it did
  };
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  struct PendingEntry {  // a folder change that is not synced
    std::string folder;
    std::string path;
    std::shared_ptr<Inode> inode;  // null: removed
  };
  struct Planned {
    std::uint64_t after = 0;
    std::uint64_t times = 0;
    Error error;
  };

  // All under mutex_. One step: crashes, fails as planned, or goes on.
  Status step(FaultPoint point);
  Status full_if_over(std::uint64_t growth);
  void set_entry(const std::string& path, std::shared_ptr<Inode> inode);
  std::uint64_t used() const;

  mutable std::mutex mutex_;
  Entries entries_;  // as the process sees them
  Entries durable_entries_;
  std::vector<PendingEntry> pending_;
  std::set<std::string> folders_;
  std::set<std::string> locked_;
  std::map<FaultPoint, Planned> planned_;
  std::uint64_t crash_at_ = kNever;
  std::uint64_t steps_ = 0;
  std::uint64_t life_ = 0;  // files opened before a crash are dead after it
  std::uint64_t capacity_ = kNever;
  std::string network_;
  bool crashed_ = false;
};

}  // namespace thorlog
