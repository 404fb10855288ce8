#include "outputs/output_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace thorlog {
namespace {

Failure failed(std::string doing, int error) {
  return fail(
      {error == ENOSPC || error == EDQUOT || error == EFBIG ? Errc::disk_full : Errc::io, std::move(doing), error});
}

int open_beneath(int root, const char* path, int flags, mode_t mode) noexcept {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  for (;;) {
    const long fd = ::syscall(SYS_openat2, root, path, &how, sizeof how);
    if (fd >= 0 || (errno != EINTR && errno != EAGAIN)) return static_cast<int>(fd);
  }
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

}  // namespace

FileHandle::~FileHandle() {
  if (fd_ >= 0) ::close(fd_);
}

Result<FileHandle> open_root(const std::string& folder) {
  if (folder != "/" && folder != ".") {
    if (auto made = real_file_system().make_folder(folder); !made) return fail(std::move(made).error());
  }
  const int fd = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("opening the folder " + folder, errno);
  return FileHandle(fd);
}

Result<FileHandle> open_folder_beneath(const FileHandle& root, const std::string& folder, bool make) {
  FileHandle at(open_beneath(root.get(), folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY, 0));
  if (at) return at;
  if (errno != ENOENT || !make) return failed("opening the folder " + folder, errno);
  auto parent = open_folder_beneath(root, folder_of(folder), true);
  if (!parent) return parent;
  const std::string name = folder.substr(folder.rfind('/') + 1);
  if (::mkdirat(parent->get(), name.c_str(), 0750) != 0 && errno != EEXIST) {
    return failed("making the folder " + folder, errno);
  }
  at = FileHandle(open_beneath(parent->get(), name.c_str(), O_RDONLY | O_DIRECTORY, 0));
  if (!at) return failed("opening the folder " + folder, errno);
  return at;
}

Result<std::unique_ptr<OutputFile>> OutputFile::open(const FileHandle& root, std::string path, bool may_create) {
  constexpr int kFlags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK;  // non-blocking: a FIFO shall not keep us
  bool created = false;
  FileHandle handle(open_beneath(root.get(), path.c_str(), kFlags, 0));
  if (!handle && errno == ENOENT && may_create) {
    auto folder = open_folder_beneath(root, folder_of(path), true);
    if (!folder) return fail(std::move(folder).error());
    const std::string name = path.substr(path.rfind('/') + 1);
    handle = FileHandle(open_beneath(folder->get(), name.c_str(), kFlags | O_CREAT, 0640));
    created = true;
  }
  if (!handle) return failed("opening " + path, errno);
  struct stat st {};
  if (::fstat(handle.get(), &st) != 0) return failed("looking at " + path, errno);
  if (!S_ISREG(st.st_mode)) return failed("opening " + path + ", which is no regular file", 0);
  std::unique_ptr<OutputFile> file(
      new OutputFile(std::move(handle), std::move(path), static_cast<std::uint64_t>(st.st_size), created));
  if (auto finished = file->finish_last_line(); !finished) return fail(std::move(finished).error());
  return file;
}

Status OutputFile::finish_last_line() {
  if (size_ == 0) return ok();
  char last = '\n';
  if (::pread(handle_.get(), &last, 1, static_cast<off_t>(size_ - 1)) < 0) return failed("reading " + path_, errno);
  if (last == '\n') return ok();
  buffer.push_back('\n');
  return write_all();
}

Status OutputFile::write_front(std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t n = ::write(handle_.get(), buffer.data() + done, bytes - done);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n == 0 || errno != EINTR) {
      const int error = n == 0 ? ENOSPC : errno;
      // Take back the part that was written: a reader shall never see half a line. Somebody may have emptied the file
      // meanwhile, so the place is counted from its end.
      struct stat st {};
      if (done != 0 && ::fstat(handle_.get(), &st) == 0 && st.st_size >= static_cast<off_t>(done) &&
          ::ftruncate(handle_.get(), st.st_size - static_cast<off_t>(done)) != 0) {
        buffer.drop_front(done);  // it can't be taken back, so it must not be written again
        size_ += done;
      }
      return failed("writing " + path_, error);
    }
  }
  size_ += bytes;
  buffer.drop_front(bytes);
  return ok();
}

Status OutputFile::sync() {
  if (::fdatasync(handle_.get()) != 0) return failed("syncing " + path_, errno);
  return ok();
}

bool OutputFile::is_removed() const noexcept {
  struct stat st {};
  return ::fstat(handle_.get(), &st) == 0 && st.st_nlink == 0;
}

}  // namespace thorlog
