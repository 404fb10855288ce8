#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace thorlog {
namespace {

Errc code_of(int error) {
  return error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io;
}

Failure failed(std::string doing, int error) { return fail({code_of(error), std::move(doing), error}); }

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status write_at(std::uint64_t offset, std::span<const iovec> parts, FaultPoint point, std::size_t* written) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    std::vector<iovec> left(parts.begin(), parts.end());
    std::size_t first = 0;
    std::size_t done = 0;
    while (first < left.size()) {
      const int count = static_cast<int>(std::min<std::size_t>(left.size() - first, IOV_MAX));
      const ssize_t n = ::pwritev(fd_, left.data() + first, count, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (written != nullptr) *written = done + static_cast<std::size_t>(std::max<ssize_t>(n, 0));
      if (n <= 0) return failed("writing " + path_, n < 0 ? errno : ENOSPC);
      done += static_cast<std::size_t>(n);
      first = advance(left, first, static_cast<std::size_t>(n));
    }
    if (written != nullptr) *written = done;
    return ok();
  }

  Result<std::size_t> read_at(std::uint64_t offset, void* to, std::size_t size) const override {
    std::size_t done = 0;
    while (done < size) {
      const ssize_t n = ::pread(fd_, static_cast<char*>(to) + done, size - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("reading " + path_, errno);
      if (n == 0) break;
      done += static_cast<std::size_t>(n);
    }
    return done;
  }

  Status allocate(std::uint64_t size, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    const int error = ::posix_fallocate(fd_, 0, static_cast<off_t>(size));
    if (error != 0) return failed("reserving space for " + path_, error);
    return ok();
  }

  Status truncate(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return failed("shortening " + path_, errno);
    return ok();
  }

  Status sync_data(FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    if (::fdatasync(fd_) != 0) return failed("syncing " + path_, errno);
    return ok();
  }

  Result<std::uint64_t> size() const override {
    struct stat st {};
    if (::fstat(fd_, &st) != 0) return failed("looking at " + path_, errno);
    return static_cast<std::uint64_t>(st.st_size);
  }

  void forget_pages(std::uint64_t offset, std::uint64_t size) noexcept override {
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
  }

 private:
  // Takes n written bytes off the front; gives the index of the first part with something left.
  static std::size_t advance(std::vector<iovec>& parts, std::size_t first, std::size_t n) {
    while (first < parts.size() && n >= parts[first].iov_len) n -= parts[first++].iov_len;
    if (first < parts.size()) {
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + n;
      parts[first].iov_len -= n;
    }
    return first;
  }

  int fd_;
  std::string path_;
};

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fail(std::move(fault).error());
    int flags = O_CLOEXEC;
    switch (how) {
      case Open::read: flags |= O_RDONLY; break;
      case Open::read_write: flags |= O_RDWR; break;
      case Open::create_new: flags |= O_RDWR | O_CREAT | O_EXCL; break;
      case Open::create: flags |= O_RDWR | O_CREAT; break;
    }
    const int fd = ::open(path.c_str(), flags, 0640);
    if (fd < 0) return failed("opening " + path, errno);
    return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
  }

  Status make_folder(const std::string& path) override {
    for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
      const std::string part = path.substr(0, slash);
      if (::mkdir(part.c_str(), 0750) != 0 && errno != EEXIST) return failed("making the folder " + part, errno);
      if (slash == std::string::npos) break;
    }
    struct stat st {};
    if (::stat(path.c_str(), &st) != 0) return failed("looking at " + path, errno);
    if (!S_ISDIR(st.st_mode)) return failed("making the folder " + path, ENOTDIR);
    return ok();
  }

  Status sync_folder(const std::string& path, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("opening the folder " + path, errno);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error != 0) return failed("syncing the folder " + path, error);
    return ok();
  }

  Status remove(const std::string& path, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    if (::unlink(path.c_str()) != 0) return failed("removing " + path, errno);
    return ok();
  }

  Status rename(const std::string& from, const std::string& to, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    if (::rename(from.c_str(), to.c_str()) != 0) return failed("renaming " + from + " to " + to, errno);
    return ok();
  }

  Result<std::vector<std::string>> list(const std::string& folder) override {
    DIR* dir = ::opendir(folder.c_str());
    if (dir == nullptr) return failed("reading the folder " + folder, errno);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(dir)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
    }
    ::closedir(dir);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool exists(const std::string& path) override { return ::access(path.c_str(), F_OK) == 0; }

  Result<std::uint64_t> free_bytes(const std::string& path) override {
    struct statvfs st {};
    if (::statvfs(path.c_str(), &st) != 0) return failed("asking for the free space of " + path, errno);
    return static_cast<std::uint64_t>(st.f_bavail) * st.f_frsize;
  }
};

}  // namespace

FileSystem& real_file_system() {
  static PosixFileSystem instance;
  return instance;
}

}  // namespace thorlog
