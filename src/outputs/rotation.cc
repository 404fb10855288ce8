#include "outputs/rotation.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/log.h"

namespace thorlog {
namespace {

constexpr std::string_view kAside = ".rotating-";
constexpr std::size_t kDigits = 20;
constexpr std::size_t kChunk = 256U << 10;

Failure failed(std::string doing, int error) {
  return fail({error == ENOSPC || error == EDQUOT ? Errc::disk_full : Errc::io, std::move(doing), error});
}

std::string aside_name(const std::string& name, std::int64_t now) {
  std::array<char, kDigits + 1> digits;
  std::snprintf(digits.data(), digits.size(), "%020lld", static_cast<long long>(now));
  return name + std::string(kAside) + digits.data();
}

// NAME of a file that was set aside, or nothing.
std::string_view name_of_aside(std::string_view file) {
  if (file.size() <= kAside.size() + kDigits) return {};
  const std::string_view name = file.substr(0, file.size() - kAside.size() - kDigits);
  const std::string_view end = file.substr(name.size());
  const bool fits = end.starts_with(kAside) && end.find_first_not_of("0123456789", kAside.size()) == end.npos;
  return fits ? name : std::string_view{};
}

std::vector<std::string> set_aside_in(const FileHandle& folder, const std::string& name) {
  std::vector<std::string> found;
  const int fd = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = fd < 0 ? nullptr : ::fdopendir(fd);
  if (dir == nullptr) return found;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view of = name_of_aside(entry->d_name);
    if (!of.empty() && (name.empty() || of == name)) found.emplace_back(entry->d_name);
  }
  ::closedir(dir);
  std::sort(found.begin(), found.end());
  return found;
}

std::string numbered(const std::string& name, std::uint32_t number, bool gzip) {
  return name + "." + std::to_string(number) + (gzip ? ".gz" : "");
}

bool exists(const FileHandle& folder, const std::string& name) {
  struct stat st {};
  return ::fstatat(folder.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
}

// Makes room for number 1. Plain and compressed ones count in one row, since the setting may have been changed.
void shift(const FileHandle& folder, const std::string& name, std::uint32_t keep) {
  std::uint32_t last = 1;
  while (last < keep && (exists(folder, numbered(name, last, false)) || exists(folder, numbered(name, last, true)))) {
    ++last;
  }
  for (const bool gzip : {false, true}) {
    ::unlinkat(folder.get(), numbered(name, last, gzip).c_str(), 0);
    for (std::uint32_t i = last; i > 1; --i) {
      ::renameat(folder.get(), numbered(name, i - 1, gzip).c_str(), folder.get(), numbered(name, i, gzip).c_str());
    }
  }
}

}  // namespace

Status set_aside(const FileHandle& folder, const std::string& name, std::int64_t now) {
  std::string to = aside_name(name, now);
  while (exists(folder, to)) to = aside_name(name, ++now);
  if (::renameat(folder.get(), name.c_str(), folder.get(), to.c_str()) != 0) return failed("rotating " + name, errno);
  return ok();
}

Rotator::~Rotator() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Rotator::tidy(FileHandle folder, std::string name, const RotateSettings& settings) {
  const std::lock_guard lock(mutex_);
  jobs_.push_back({std::move(folder), std::move(name), settings});
  changed_.notify_all();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

bool Rotator::idle() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() && !busy_;
}

bool Rotator::stopping() const {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void Rotator::run() {
  ::pthread_setname_np(::pthread_self(), "rotate");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10);  // of this thread: lines go first
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stop_ || !jobs_.empty(); });
    if (stop_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop_front();
    busy_ = true;
    lock.unlock();
    work(job);
    lock.lock();
    busy_ = false;
  }
}

void Rotator::work(const Job& job) {
  for (const std::string& aside : set_aside_in(job.folder, job.name)) {
    if (stopping()) return;
    const std::string name(name_of_aside(aside));
    if (auto done = take_in(job, aside, name); !done && done.error().code != Errc::cancelled) {
      log_limited(Severity::error, "rotate", "output " + output_, done.error().message());
      return;
    }
  }
}

// The file keeps its name until the compressed one is whole, so a crash on the way loses nothing.
Status Rotator::take_in(const Job& job, const std::string& aside, const std::string& name) {
  const bool gzip = job.settings.compress == Compression::gzip;
  const std::string part = aside + ".part";
  if (job.settings.keep == 0) {
    ::unlinkat(job.folder.get(), aside.c_str(), 0);
    return ok();
  }
  if (gzip) {
    if (auto compressed = compress(job.folder, aside, part); !compressed) {
      ::unlinkat(job.folder.get(), part.c_str(), 0);
      return compressed;
    }
  }
  shift(job.folder, name, job.settings.keep);
  const std::string& from = gzip ? part : aside;
  if (::renameat(job.folder.get(), from.c_str(), job.folder.get(), numbered(name, 1, gzip).c_str()) != 0) {
    return failed("rotating " + name, errno);
  }
  if (gzip) ::unlinkat(job.folder.get(), aside.c_str(), 0);
  return ok();
}

Status Rotator::compress(const FileHandle& folder, const std::string& from, const std::string& to) {
  const FileHandle in(::openat(folder.get(), from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!in) return failed("opening " + from, errno);
  const int out = ::openat(folder.get(), to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
  if (out < 0) return failed("making " + to, errno);
  gzFile zipped = ::gzdopen(out, "wb6");
  if (zipped == nullptr) {
    ::close(out);
    return failed("compressing " + from, ENOMEM);
  }
  std::vector<char> chunk(kChunk);
  int error = 0;
  bool cancelled = false;
  for (;;) {
    if ((cancelled = stopping())) break;
    const ssize_t n = ::read(in.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    if (::gzwrite(zipped, chunk.data(), static_cast<unsigned>(n)) != n) {
      error = errno != 0 ? errno : EIO;
      break;
    }
  }
  // The copy must be on the disk before the only other one goes.
  if (error == 0 && !cancelled && ::gzflush(zipped, Z_FINISH) == Z_OK) ::fdatasync(out);
  if (::gzclose(zipped) != Z_OK && error == 0) error = EIO;
  if (cancelled) return fail({Errc::cancelled, "compressing " + from, 0});
  if (error != 0) return failed("compressing " + from, error);
  return ok();
}

}  // namespace thorlog
