#include "model_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace thorlog {
namespace {

Error crashed_error() { return {Errc::io, "the machine is off", EIO}; }

std::string folder_of(const std::string& path) { return path.substr(0, path.find_last_of('/')); }

}  // namespace

class ModelFile final : public File {
 public:
  ModelFile(ModelDisk& disk, std::shared_ptr<ModelDisk::Inode> inode)
      : disk_(disk), inode_(std::move(inode)), life_(disk.life_) {}

  Status write_at(std::uint64_t offset, std::span<const iovec> parts, FaultPoint point,
                  std::size_t* written) override {
    const std::lock_guard lock(disk_.mutex_);
    std::string bytes;
    for (const iovec& part : parts) bytes.append(static_cast<const char*>(part.iov_base), part.iov_len);
    if (written != nullptr) *written = 0;
    const bool alive = is_alive();
    Status stepped = alive ? disk_.step(point) : fail(crashed_error());
    if (!stepped) {
      // Torn at a byte that depends on the step, so that many of them are tried.
      if (alive && disk_.crashed_) put(offset, bytes.substr(0, disk_.steps_ * 37 % (bytes.size() + 1)));
      return stepped;
    }
    const std::uint64_t end = offset + bytes.size();
    if (end > inode_->now.size()) {
      if (auto room = disk_.full_if_over(end - inode_->now.size()); !room) return room;
    }
    put(offset, bytes);
    if (written != nullptr) *written = bytes.size();
    return ok();
  }

  Result<std::size_t> read_at(std::uint64_t offset, void* to, std::size_t size) const override {
    const std::lock_guard lock(disk_.mutex_);
    if (!is_alive()) return fail(crashed_error());
    const std::string& bytes = inode_->now;
    if (offset >= bytes.size()) return std::size_t{0};
    const std::size_t got = std::min<std::size_t>(size, bytes.size() - offset);
    std::memcpy(to, bytes.data() + offset, got);
    return got;
  }

  Status allocate(std::uint64_t size, FaultPoint point) override {
    const std::lock_guard lock(disk_.mutex_);
    if (!is_alive()) return fail(crashed_error());
    if (auto stepped = disk_.step(point); !stepped) return stepped;
    if (size <= inode_->now.size()) return ok();
    if (auto room = disk_.full_if_over(size - inode_->now.size()); !room) return room;
    inode_->now.resize(size, '\0');
    return ok();
  }

  Status truncate(std::uint64_t size) override {
    const std::lock_guard lock(disk_.mutex_);
    if (!is_alive()) return fail(crashed_error());
    if (auto stepped = disk_.step(FaultPoint::none); !stepped) return stepped;
    inode_->now.resize(size, '\0');
    return ok();
  }

  Status sync_data(FaultPoint point) override {
    const std::lock_guard lock(disk_.mutex_);
    if (auto stepped = write_out(point); !stepped) return stepped;
    std::string before = std::exchange(inode_->durable, inode_->now);
    before.resize(std::max(before.size(), inode_->now.size()), '\0');
    for (const std::uint64_t page : inode_->doomed) {
      const std::uint64_t at = page * ModelDisk::kPage;
      if (at >= inode_->durable.size()) continue;
      const auto size = std::min<std::size_t>(ModelDisk::kPage, inode_->durable.size() - at);
      inode_->durable.replace(at, size, before, at, size);
    }
    inode_->dirty.clear();
    return ok();
  }

  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    if (!is_alive()) return fail(crashed_error());
    return static_cast<std::uint64_t>(inode_->now.size());
  }

  // The disk may lose it still: nothing is durable by this.
  Status write_back(std::uint64_t /*offset*/, std::uint64_t /*size*/, FaultPoint point) override {
    const std::lock_guard lock(disk_.mutex_);
    return write_out(point);
  }

  void forget_pages(std::uint64_t /*offset*/, std::uint64_t /*size*/) noexcept override {}

 private:
  bool is_alive() const { return !disk_.crashed_ && life_ == disk_.life_; }

  // After a failure the kernel takes the pages for clean, and the disk never gets them.
  Status write_out(FaultPoint point) {
    if (!is_alive()) return fail(crashed_error());
    auto stepped = disk_.step(point);
    if (!stepped && !disk_.crashed_) {
      inode_->doomed.merge(inode_->dirty);
      inode_->dirty.clear();
    }
    return stepped;
  }

  void put(std::uint64_t offset, const std::string& bytes) {
    if (bytes.empty()) return;
    if (offset + bytes.size() > inode_->now.size()) inode_->now.resize(offset + bytes.size(), '\0');
    inode_->now.replace(offset, bytes.size(), bytes);
    for (std::uint64_t page = offset / ModelDisk::kPage; page * ModelDisk::kPage < offset + bytes.size(); ++page) {
      inode_->dirty.insert(page);
      inode_->doomed.erase(page);
    }
  }

  ModelDisk& disk_;
  std::shared_ptr<ModelDisk::Inode> inode_;
  std::uint64_t life_;
};

namespace {

class ModelLock final : public FolderLock {
 public:
  explicit ModelLock(std::function<void()> unlock) : unlock_(std::move(unlock)) {}
  ~ModelLock() override { unlock_(); }
  ModelLock(const ModelLock&) = delete;
  ModelLock& operator=(const ModelLock&) = delete;

 private:
  std::function<void()> unlock_;
};

}  // namespace

Status ModelDisk::step(FaultPoint point) {
  if (crashed_) return fail(crashed_error());
  if (steps_++ == crash_at_) {
    crashed_ = true;
    return fail(crashed_error());
  }
  const auto planned = planned_.find(point);
  if (planned == planned_.end()) return ok();
  Planned& plan = planned->second;
  if (plan.after > 0) {
    --plan.after;
    return ok();
  }
  if (plan.times == 0) return ok();
  --plan.times;
  return fail(plan.error);
}

Status ModelDisk::full_if_over(std::uint64_t growth) {
  if (used() + growth <= capacity_) return ok();
  return fail({Errc::disk_full, "writing to the model disk", ENOSPC});
}

std::uint64_t ModelDisk::used() const {
  std::uint64_t bytes = 0;
  for (const auto& [path, inode] : entries_) bytes += inode->now.size();
  return bytes;
}

std::uint64_t ModelDisk::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used();
}

void ModelDisk::set_entry(const std::string& path, std::shared_ptr<Inode> inode) {
  pending_.push_back({folder_of(path), path, inode});
  if (inode) {
    entries_[path] = std::move(inode);
  } else {
    entries_.erase(path);
  }
}

void ModelDisk::fail_at(FaultPoint point, std::uint64_t after, std::uint64_t times, Error error) {
  const std::lock_guard lock(mutex_);
  planned_[point] = {after, times, std::move(error)};
}

void ModelDisk::power_loss(std::mt19937_64& random) {
  const std::lock_guard lock(mutex_);
  const auto coin = [&random] { return random() % 2 == 0; };
  for (const PendingEntry& entry : pending_) {
    if (coin()) continue;
    if (entry.inode) {
      durable_entries_[entry.path] = entry.inode;
    } else {
      durable_entries_.erase(entry.path);
    }
  }
  pending_.clear();
  std::set<Inode*> seen;
  for (auto& [path, inode] : durable_entries_) {
    if (!seen.insert(inode.get()).second) continue;
    std::string after = inode->durable;
    if (coin()) after.resize(inode->now.size(), '\0');
    for (const std::uint64_t page : inode->dirty) {
      if (coin() || page * kPage >= after.size() || page * kPage >= inode->now.size()) continue;
      const std::size_t size = std::min({kPage, after.size() - page * kPage, inode->now.size() - page * kPage});
      after.replace(page * kPage, size, inode->now, page * kPage, size);
    }
    inode->now = after;
    inode->durable = after;
    inode->dirty.clear();
  }
  entries_ = durable_entries_;
  locked_.clear();
  crashed_ = false;
  crash_at_ = kNever;
  steps_ = 0;
  ++life_;
}

void ModelDisk::process_death() {
  const std::lock_guard lock(mutex_);
  locked_.clear();
  crashed_ = false;
  crash_at_ = kNever;
  steps_ = 0;
  ++life_;
}

std::string& ModelDisk::bytes_of(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return entries_.at(path)->now;
}

Result<std::unique_ptr<File>> ModelDisk::open(const std::string& path, Open how, FaultPoint point) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return fail(crashed_error());
  const auto found = entries_.find(path);
  const bool there = found != entries_.end();
  if (how == Open::create_new && there) return fail({Errc::io, "opening " + path, EEXIST});
  if ((how == Open::read || how == Open::read_write) && !there) return fail({Errc::io, "opening " + path, ENOENT});
  if (there) return std::unique_ptr<File>(std::make_unique<ModelFile>(*this, found->second));
  if (auto stepped = step(point); !stepped) return fail(std::move(stepped).error());
  const auto inode = std::make_shared<Inode>();
  set_entry(path, inode);
  return std::unique_ptr<File>(std::make_unique<ModelFile>(*this, inode));
}

Status ModelDisk::make_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return fail(crashed_error());
  folders_.insert(path);
  return ok();
}

Status ModelDisk::sync_folder(const std::string& path, FaultPoint point) {
  const std::lock_guard lock(mutex_);
  if (auto stepped = step(point); !stepped) return stepped;
  std::vector<PendingEntry> left;
  for (PendingEntry& entry : pending_) {
    if (entry.folder != path) {
      left.push_back(std::move(entry));
    } else if (entry.inode) {
      durable_entries_[entry.path] = entry.inode;
    } else {
      durable_entries_.erase(entry.path);
    }
  }
  pending_ = std::move(left);
  return ok();
}

Status ModelDisk::remove(const std::string& path, FaultPoint point) {
  const std::lock_guard lock(mutex_);
  if (auto stepped = step(point); !stepped) return stepped;
  if (!entries_.contains(path)) return fail({Errc::io, "removing " + path, ENOENT});
  set_entry(path, nullptr);
  return ok();
}

Status ModelDisk::rename(const std::string& from, const std::string& to, FaultPoint point) {
  const std::lock_guard lock(mutex_);
  if (auto stepped = step(point); !stepped) return stepped;
  const auto found = entries_.find(from);
  if (found == entries_.end()) return fail({Errc::io, "renaming " + from, ENOENT});
  const std::shared_ptr<Inode> inode = found->second;
  set_entry(to, inode);
  set_entry(from, nullptr);
  return ok();
}

Result<std::vector<std::string>> ModelDisk::list(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  if (crashed_) return fail(crashed_error());
  std::vector<std::string> names;
  for (const auto& [path, inode] : entries_) {
    if (folder_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
  }
  return names;
}

bool ModelDisk::exists(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return entries_.contains(path);
}

Result<std::uint64_t> ModelDisk::free_bytes(const std::string& /*path*/) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t in_use = used();
  return in_use < capacity_ ? capacity_ - in_use : 0;
}

Result<std::unique_ptr<FolderLock>> ModelDisk::lock_folder(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (!locked_.insert(path).second) return fail({Errc::busy, path + " is in use by another thorlogd", 0});
  return std::unique_ptr<FolderLock>(std::make_unique<ModelLock>([this, path, life = life_] {
    const std::lock_guard inner(mutex_);
    if (life == life_) locked_.erase(path);
  }));
}

Result<std::string> ModelDisk::network_kind(const std::string& /*path*/) { return network_; }

Status ModelDisk::pass(FaultPoint point) {
  const std::lock_guard lock(mutex_);
  return step(point);
}

}  // namespace thorlog
