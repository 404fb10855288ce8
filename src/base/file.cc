#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace thorlog {
namespace {

Errc code_of(int error) { return error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io; }

Failure failed(std::string doing, int error) { return fail({code_of(error), std::move(doing), error}); }

class PosixFile final : public File {
 public:
  PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status write_at(std::uint64_t offset, std::span<const iovec> parts, FaultPoint point,
                  std::size_t* written) override {
    std::size_t done = 0;
    Status status = hit_fault(point);
    if (status && point == FaultPoint::batch_write && faults_armed()) status = write_short(offset, parts, done);
    if (status) status = write_all(offset, parts, done);
    if (written != nullptr) *written = done;
    return status;
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

  Status write_back(std::uint64_t offset, std::uint64_t size, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fault;
    constexpr unsigned kStartAndWait =
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    const int done = ::sync_file_range(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), kStartAndWait);
    // Any other error says that this system or this file can't: that changes nothing.
    if (done != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT))
      return failed("writing back " + path_, errno);
    return ok();
  }

  void forget_pages(std::uint64_t offset, std::uint64_t size) noexcept override {
    ::posix_fadvise(fd_, static_cast<off_t>(offset), static_cast<off_t>(size), POSIX_FADV_DONTNEED);
  }

 private:
  Status write_all(std::uint64_t offset, std::span<const iovec> parts, std::size_t& done) {
    std::size_t part = 0;    // first one with something left
    std::size_t inside = 0;  // bytes of it that are written
    while (part < parts.size()) {
      const ssize_t n = inside > 0 ? write_rest(parts[part], inside, offset + done)
                                   : ::pwritev(fd_, &parts[part],
                                               static_cast<int>(std::min<std::size_t>(parts.size() - part, IOV_MAX)),
                                               static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return failed("writing " + path_, errno);
      done += static_cast<std::size_t>(n);
      inside += static_cast<std::size_t>(n);
      while (part < parts.size() && inside >= parts[part].iov_len) inside -= parts[part++].iov_len;
      if (n == 0 && part < parts.size()) return failed("writing " + path_, ENOSPC);
    }
    return ok();
  }

  ssize_t write_rest(const iovec& part, std::size_t inside, std::uint64_t offset) {
    return ::pwrite(fd_, static_cast<const char*>(part.iov_base) + inside, part.iov_len - inside,
                    static_cast<off_t>(offset));
  }

  // Fault point batch_short: half of it reaches the file, then the fault strikes (or doesn't, and all is written
  // again).
  Status write_short(std::uint64_t offset, std::span<const iovec> parts, std::size_t& done) {
    std::size_t total = 0;
    for (const iovec& part : parts) total += part.iov_len;
    std::vector<iovec> half;
    std::size_t left = total / 2;
    for (const iovec& part : parts) {
      half.push_back({part.iov_base, std::min(left, part.iov_len)});
      left -= half.back().iov_len;
      if (left == 0) break;
    }
    if (auto wrote = write_all(offset, half, done); !wrote) return wrote;
    if (auto fault = hit_fault(FaultPoint::batch_short); !fault) return fault;
    done = 0;
    return ok();
  }

  int fd_;
  std::string path_;
};

class PosixLock final : public FolderLock {
 public:
  explicit PosixLock(int fd) : fd_(fd) {}
  ~PosixLock() override { ::close(fd_); }
  PosixLock(const PosixLock&) = delete;
  PosixLock& operator=(const PosixLock&) = delete;

 private:
  int fd_;
};

// statfs(2). A network file system may forget a lock when its server restarts and say "synced" when it is not.
std::string_view network_name(std::uint32_t magic) {
  switch (magic) {
    case NFS_SUPER_MAGIC:
      return "nfs";
    case SMB_SUPER_MAGIC:
      return "smb";
    case CIFS_SUPER_MAGIC:
      return "cifs";
    case SMB2_SUPER_MAGIC:
      return "smb2";
    case AFS_SUPER_MAGIC:
      return "afs";
    case CODA_SUPER_MAGIC:
      return "coda";
    case CEPH_SUPER_MAGIC:
      return "ceph";
    case V9FS_MAGIC:
      return "9p";
    default:
      return {};
  }
}

class PosixFileSystem final : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, Open how, FaultPoint point) override {
    if (auto fault = hit_fault(point); !fault) return fail(std::move(fault).error());
    int flags = O_CLOEXEC;
    switch (how) {
      case Open::read:
        flags |= O_RDONLY;
        break;
      case Open::read_write:
        flags |= O_RDWR;
        break;
      case Open::create_new:
        flags |= O_RDWR | O_CREAT | O_EXCL;
        break;
      case Open::create:
        flags |= O_RDWR | O_CREAT;
        break;
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

  Result<std::unique_ptr<FolderLock>> lock_folder(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return failed("opening the folder " + path, errno);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      ::close(fd);
      if (error == EWOULDBLOCK) return fail({Errc::busy, path + " is in use by another thorlogd", 0});
      return failed("locking the folder " + path, error);
    }
    return std::unique_ptr<FolderLock>(std::make_unique<PosixLock>(fd));
  }

  Result<std::string> network_kind(const std::string& path) override {
    struct statfs st {};
    if (::statfs(path.c_str(), &st) != 0) return failed("asking for the file system of " + path, errno);
    return std::string(network_name(static_cast<std::uint32_t>(st.f_type)));
  }

  Status pass(FaultPoint point) override { return hit_fault(point); }
};

}  // namespace

FileSystem& real_file_system() {
  static PosixFileSystem instance;
  return instance;
}

}  // namespace thorlog
