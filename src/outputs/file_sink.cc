#include "outputs/file_sink.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>

#include "base/log.h"
#include "outputs/syslog_encoding.h"

namespace thorlog {
namespace {

constexpr std::size_t kWriteBytes = 256U << 10;  // of one file, written at once
constexpr std::size_t kMostBuffered = 8U << 20;  // of all files together
constexpr std::size_t kKeepBuffer = 512U << 10;
constexpr std::size_t kMostTidied = 1000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kHour = 3600 * kSecond;
constexpr std::uint64_t kSyncAfterMs = 20;  // lines of so long share one fdatasync

std::pair<std::string, std::string> split(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::size_t usual_open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 64;
  return std::clamp<std::size_t>(limit.rlim_cur / 8, 16, 4096);
}

}  // namespace

FileSink::FileSink(const OutputSettings& settings, PathTemplate path, const SinkContext& context,
                   FileSinkLimits limits)
    : context_(context),
      path_(std::move(path)),
      rotate_(settings.rotate),
      limits_(limits),
      encoder_(encode_options(settings, LineFraming::lf)),
      rotator_(context.name),
      retry_(context.loop, [this] { try_again(); }),
      sync_(context.loop,
            [this] {
              if (sync_all()) report();
            }),
      backoff_({.first_ms = 250, .most_ms = 5000}, static_cast<std::uint64_t>(context.clock.steady())) {
  if (limits_.open_files == 0) limits_.open_files = usual_open_files();
  status_.target = settings.path;
}

FileSink::~FileSink() = default;

void FileSink::start() {
  auto root = open_root(path_.root());
  if (!root) return hold(root.error());
  root_ = *std::move(root);
  started_ = true;
  status_.state = OutputState::streaming;
}

// ---- writing

Taken FileSink::write(const StoredRecord& record) {
  if (!ready()) return Taken::not_now;
  OutputFile* file = last_ != nullptr && !path_.may_differ(record) ? last_ : file_for(record);
  if (file == nullptr) return Taken::not_now;
  const std::size_t before = file->buffer.size();
  encoder_.append(record, file->buffer);
  const std::size_t after = file->buffer.size();
  buffered_ += after - before;
  if (!file->dirty) {
    file->dirty = true;
    dirty_.push_back(file);
  }
  // From here on the line is ours, whatever happens to the disk.
  if (rotate_ && file->size() + after > rotate_->size && file->size() + before > 0) {
    if (write_out(*file, before)) rotate(*file);
  } else if (after >= kWriteBytes) {
    write_out(*file, after);
  }
  if (buffered_ >= kMostBuffered) flush_all();
  return Taken::yes;
}

OutputFile* FileSink::file_for(const StoredRecord& record) {
  path_.expand(record, name_);
  if (OutputFile* file = find_open(name_)) return last_ = file;
  const bool may_create = may_create_now();
  auto opened = open(name_, may_create);
  if (!opened && opened.error().sys == ENOENT && !may_create) {
    path_.expand_overflow(record, name_);
    if (OutputFile* file = find_open(name_)) return last_ = file;
    opened = open(name_, true);
  }
  return keep_or_hold(std::move(opened));
}

OutputFile* FileSink::keep_or_hold(Result<OutputFile*> opened) {
  if (!opened) {
    hold(opened.error());
    return nullptr;
  }
  return last_ = *opened;
}

OutputFile* FileSink::find_open(const std::string& path) {
  const auto found = open_.find(path);
  if (found == open_.end()) return nullptr;
  order_.splice(order_.begin(), order_, found->second);
  return found->second->get();
}

Result<OutputFile*> FileSink::open(const std::string& path, bool may_create) {
  while (order_.size() >= limits_.open_files) {
    if (!drop_oldest()) return fail({Errc::io, "writing out a file to make room for another", 0});
  }
  auto opened = OutputFile::open(root_, path, may_create);
  if (!opened) return fail(std::move(opened).error());
  if ((*opened)->was_created()) ++created_this_hour_;
  order_.push_front(*std::move(opened));
  OutputFile* file = order_.front().get();
  open_.emplace(file->path(), order_.begin());
  file->looked = context_.clock.steady();
  if (rotate_) tidy_folder_of(path);
  return file;
}

bool FileSink::may_create_now() {
  const std::int64_t now = context_.clock.steady();
  if (now - hour_began_ >= kHour) {
    hour_began_ = now;
    created_this_hour_ = 0;
  }
  if (created_this_hour_ < limits_.new_files_per_hour) return true;
  log_limited(Severity::warning, "new files", "output " + context_.name,
              "too many new files in an hour: lines for more of them go to _overflow");
  return false;
}

// What an earlier life set aside and did not get to number.
void FileSink::tidy_folder_of(const std::string& path) {
  auto [folder, name] = split(path);
  if (tidied_.size() >= kMostTidied || !tidied_.insert(folder).second) return;
  if (auto opened = open_folder_beneath(root_, folder, false)) rotator_.tidy(*std::move(opened), "", *rotate_);
}

bool FileSink::write_out(OutputFile& file, std::size_t bytes) {
  if (bytes == 0) return true;
  const std::size_t before = file.buffer.size();
  Status written = file.write_front(bytes);
  buffered_ -= before - file.buffer.size();
  file.buffer.release_above(kKeepBuffer);
  if (!written) {
    hold(written.error());
    return false;
  }
  if (context_.durability == Durability::disk && !file.unsynced) {
    file.unsynced = true;
    unsynced_.push_back(&file);
  }
  return true;
}

// The lines that are still in the buffer go on in the new file. `file` may be gone afterwards.
void FileSink::rotate(OutputFile& file) {
  const std::string path = file.path();
  auto [folder, name] = split(path);
  auto opened = open_folder_beneath(root_, folder, false);
  Status moved = opened ? set_aside(*opened, name, context_.clock.wall()) : fail(opened.error());
  if (!moved) {
    return hold(moved.error());
  }
  if (file.unsynced && !sync_all()) return;  // it has started over
  ByteBuffer rest = std::move(file.buffer);
  buffered_ -= rest.size();
  forget(file);
  rotator_.tidy(*std::move(opened), name, *rotate_);
  OutputFile* next = keep_or_hold(open(path, true));
  if (next == nullptr) {
    if (!rest.empty()) start_over();  // lines that we had taken have no place
    return;
  }
  created_this_hour_ -= created_this_hour_ > 0 ? 1 : 0;  // it has no new name
  next->buffer.append(rest.view());
  buffered_ += rest.size();
  if (!rest.empty()) {
    next->dirty = true;
    dirty_.push_back(next);
  }
}

void FileSink::flush() {
  if (!started_ || blocked_ || !flush_all()) return;
  flushed_ = marked_;
  if (context_.durability == Durability::os) return report();
  if (!unsynced_.empty() && !sync_.active()) sync_.start(kSyncAfterMs);
  if (unsynced_.empty()) report();
}

bool FileSink::flush_all() {
  while (!dirty_.empty()) {
    OutputFile& file = *dirty_.back();
    if (!write_out(file, file.buffer.size())) return false;
    dirty_.pop_back();
    file.dirty = false;
    look_after(file);
  }
  return true;
}

// A file that somebody has removed would swallow all that follows.
void FileSink::look_after(OutputFile& file) {
  const std::int64_t now = context_.clock.steady();
  if (now - file.looked < kSecond) return;
  file.looked = now;
  if (!file.is_removed()) return;
  log_limited(Severity::notice, "removed", "output " + context_.name, file.path() + " was removed: it is made anew");
  forget(file);
}

bool FileSink::sync_all() {
  while (!unsynced_.empty()) {
    OutputFile& file = *unsynced_.back();
    if (Status synced = file.sync(); !synced) {
      hold(synced.error());  // what the file holds now is not known
      start_over();
      return false;
    }
    file.unsynced = false;
    unsynced_.pop_back();
  }
  return true;
}

// Everything that was not delivered is written again, to files opened anew; some lines may then stand there twice.
void FileSink::start_over() {
  dirty_.clear();
  unsynced_.clear();
  open_.clear();
  order_.clear();
  last_ = nullptr;
  buffered_ = 0;
  flushed_ = marked_ = told_;
  context_.host.rewind();
}

void FileSink::report() {
  if (flushed_ == told_) return;
  told_ = flushed_;
  context_.host.delivered(told_);
}

// ---- files come and go

bool FileSink::drop_oldest() {
  OutputFile& oldest = *order_.back();
  if (!write_out(oldest, oldest.buffer.size())) return false;
  if (oldest.unsynced && !sync_all()) return false;
  if (!order_.empty()) forget(*order_.back());
  return true;
}

void FileSink::forget(OutputFile& file) {
  std::erase(dirty_, &file);
  std::erase(unsynced_, &file);
  if (last_ == &file) last_ = nullptr;
  const auto found = open_.find(file.path());
  const auto at = found->second;
  open_.erase(found);
  order_.erase(at);
}

void FileSink::reopen() {
  if (!started_ || blocked_ || !flush_all() || !sync_all()) return;
  open_.clear();
  order_.clear();
  last_ = nullptr;
}

// ---- trouble

void FileSink::hold(const Error& error) {
  blocked_ = true;
  status_.state = OutputState::holding;
  const Retry reason = error.code == Errc::disk_full ? Retry::disk_full : Retry::write;
  ++status_.retries[static_cast<std::size_t>(reason)];
  status_.last_error = error.message();
  status_.last_error_at = context_.clock.wall();
  ++status_.error_count;
  log_limited(Severity::error, "file", "output " + context_.name, status_.last_error);
  if (!closed_) retry_.start(backoff_.next_ms());
}

void FileSink::try_again() {
  blocked_ = false;
  if (!started_) start();
  if (blocked_ || !flush_all()) return;
  backoff_.reset();
  status_.state = OutputState::streaming;
  flush();
  context_.host.sink_ready();
}

void FileSink::close(std::function<void()> done) {
  closed_ = true;
  blocked_ = false;  // one more try, whatever was wrong
  retry_.stop();
  if (started_ && flush_all() && sync_all()) {
    flushed_ = marked_;
    report();
    status_.state = OutputState::stopped;
  } else {
    context_.host.rewind();
  }
  done();
}

}  // namespace thorlog
