// The file layer: the only way to the disk for anything that must survive. A FileSystem gives files and folders; the
// real one is POSIX, the tests' one loses what was not synced. Every operation that can fail in an interesting way is
// a named fault point, so that tests can make it crash or fail at will. Any thread; one File may be read, written and
// synced by several threads at once, like a descriptor with pread(2) and pwrite(2).
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

// The names of specs.md 1. A fault point is hit just before its operation.
enum class FaultPoint : std::uint8_t {
  none,
  seg_create,
  seg_fallocate,
  seg_header,
  dir_sync,
  batch_write,
  batch_short,
  sync,
  publish,
  seal,
  cursor_slot,
  cursor_sync,
  ack_peer,
  park_write,
  outbox_commit,
  outbox_append,
  outbox_mark,
  unlink,
  ledger_mark,
  rename_ok,
  count
};
std::string_view name_of(FaultPoint point) noexcept;

class File {
 public:
  virtual ~File() = default;  // closes
  // Writes all of it, continuing short writes. On an error some of it may have been written; `written` says how much.
  virtual Status write_at(std::uint64_t offset, std::span<const iovec> parts, FaultPoint point,
                          std::size_t* written) = 0;
  // Reads up to `size` bytes; fewer only at the file's end.
  virtual Result<std::size_t> read_at(std::uint64_t offset, void* to, std::size_t size) const = 0;
  virtual Status allocate(std::uint64_t size,
                          FaultPoint point) = 0;  // posix_fallocate: keeps ENOSPC out of later writes
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Status sync_data(FaultPoint point) = 0;  // fdatasync
  virtual Result<std::uint64_t> size() const = 0;
  // Waits until the kernel has given this range to the disk, which may still lose it (sync_file_range(2)). Where the
  // file system can't, nothing happens. An error is that of a sync, and is told only once.
  virtual Status write_back(std::uint64_t offset, std::uint64_t size, FaultPoint point) = 0;
  // Advice to the kernel: the pages of this range won't be needed again (best effort; only what was written back
  // goes).
  virtual void forget_pages(std::uint64_t offset, std::uint64_t size) noexcept = 0;
};

// Held for as long as it lives.
class FolderLock {
 public:
  virtual ~FolderLock() = default;
};

class FileSystem {
 public:
  enum class Open : std::uint8_t { read, read_write, create_new, create };

  virtual ~FileSystem() = default;
  virtual Result<std::unique_ptr<File>> open(const std::string& path, Open how, FaultPoint point) = 0;
  virtual Status make_folder(const std::string& path) = 0;  // with parents, mode 0750; fine when it is there
  virtual Status sync_folder(const std::string& path, FaultPoint point) = 0;
  virtual Status remove(const std::string& path, FaultPoint point) = 0;
  virtual Status rename(const std::string& from, const std::string& to, FaultPoint point) = 0;
  virtual Result<std::vector<std::string>> list(const std::string& folder) = 0;  // names, sorted; no "." and ".."
  virtual bool exists(const std::string& path) = 0;
  virtual Result<std::uint64_t> free_bytes(const std::string& path) = 0;
  // The advisory lock of a folder (flock(2)), against a second daemon. Errors: busy.
  virtual Result<std::unique_ptr<FolderLock>> lock_folder(const std::string& path) = 0;
  // "nfs", "cifs", ... when the folder lies on a network file system, whose locks and syncs promise less; else empty.
  virtual Result<std::string> network_kind(const std::string& path) = 0;
  // For a step that is no file operation but has a fault point (publish). Errors: what the fault says.
  virtual Status pass(FaultPoint point) = 0;
};

FileSystem& real_file_system();

// Arms a fault in the real file system: THORLOG_FAULT="name:count:action[,...]", action crash (SIGKILL to itself),
// eio or enospc; the count-th time the point is hit. Read once at start, for crash tests of the real daemon.
void arm_faults_from_environment();
// True when any point is armed: for the few places that do their work in another way under test.
bool faults_armed() noexcept;
// Called by code that has a fault point outside of a file operation (publish, ack_peer, ...).
Status hit_fault(FaultPoint point);

}  // namespace thorlog
