// A file that lines are appended to: its buffer, its size, and the promise that it holds whole lines only. And how
// files below a folder are opened so that no name, link or race leads out of it. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/byte_buffer.h"
#include "thorlog/result.h"

namespace thorlog {

class FileHandle {
 public:
  FileHandle() = default;
  explicit FileHandle(int fd) noexcept : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileHandle();
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Opens the folder, made with its parents when it is not there. Links on the way are the operator's own.
Result<FileHandle> open_root(const std::string& folder);
// Opens a folder below root ("" is root itself), made when `make`; never through a link, never outside.
Result<FileHandle> open_folder_beneath(const FileHandle& root, const std::string& folder, bool make);

class OutputFile {
 public:
  // Opens `path` below root for appending. `may_create` false: only one that exists. Errors: ENOENT; no regular file;
  // others. A last line that a crash left unfinished is ended, so that the next one begins on its own.
  static Result<std::unique_ptr<OutputFile>> open(const FileHandle& root, std::string path, bool may_create);

  // Writes the first `bytes` of the buffer, or none: on an error (disk full) what was written in part is taken back,
  // and the buffer stays.
  Status write_front(std::size_t bytes);
  Status write_all() { return write_front(buffer.size()); }
  Status sync();
  // True when somebody has removed it meanwhile: what is written to it is gone.
  bool is_removed() const noexcept;

  const std::string& path() const noexcept { return path_; }  // below root
  std::uint64_t size() const noexcept { return size_; }       // on disk
  bool was_created() const noexcept { return created_; }

  ByteBuffer buffer;
  bool dirty = false;     // for its owner: stands in the list of those with something to write
  bool unsynced = false;  // likewise: written since the last sync
  std::int64_t looked = 0;

 private:
  OutputFile(FileHandle handle, std::string path, std::uint64_t size, bool created)
      : handle_(std::move(handle)), path_(std::move(path)), size_(size), created_(created) {}
  Status finish_last_line();

  FileHandle handle_;
  std::string path_;
  std::uint64_t size_;
  bool created_;
};

}  // namespace thorlog
