#include "analyze/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "thorlog/frame.h"
#include "wire/utf8.h"

namespace thorlog {
namespace {

constexpr std::size_t kFront = 64;  // readable bytes before the first line
constexpr std::size_t kLook = 4;

}  // namespace

struct LogFile::Gzip {
  z_stream stream{};
  std::vector<unsigned char> input = std::vector<unsigned char>(64 * 1024);
  bool member_ended = false;

  Gzip() { inflateInit2(&stream, 15 + 16); }
  ~Gzip() { inflateEnd(&stream); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;
};

LogFile::LogFile(std::string path, int fd, std::size_t buffer)
    : path_(std::move(path)), fd_(fd), buffer_(kFront + buffer + kReadAhead), begin_(kFront), end_(kFront) {}

LogFile::~LogFile() {
  if (fd_ > STDIN_FILENO) ::close(fd_);
}

Result<std::unique_ptr<LogFile>> LogFile::open(const std::string& path, std::size_t buffer) {
  const bool input = path == "-";
  const int fd = input ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail({Errc::io, "opening " + path, errno});
  std::unique_ptr<LogFile> file(new LogFile(input ? "standard input" : path, fd, buffer));
  file->is_input_ = input;
  struct stat about {};
  if (::fstat(fd, &about) == 0) {
    if (S_ISDIR(about.st_mode)) return fail({Errc::io, path + " is a folder: name the files in it"});
    if (S_ISREG(about.st_mode)) file->size_ = static_cast<std::uint64_t>(about.st_size);
  }
  file->modified_ = input ? std::time(nullptr) * std::int64_t{1'000'000'000}
                          : about.st_mtim.tv_sec * std::int64_t{1'000'000'000} + about.st_mtim.tv_nsec;
  file->look_at_beginning();
  return file;
}

// gzip, a mark of UTF-16 or UTF-8, or neither.
void LogFile::look_at_beginning() {
  char first[kLook];
  std::size_t count = 0;
  while (count < kLook) {
    const std::size_t more = read_raw(first + count, kLook - count);
    if (more == 0) break;
    count += more;
  }
  const std::string_view bytes(first, count);
  if (bytes.starts_with("\x1f\x8b"))
    gzip_ = std::make_unique<Gzip>();
  else if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"))
    utf16_ = true, big_endian_ = bytes[0] == '\xfe';
  pending_ = bytes.starts_with("\xef\xbb\xbf") ? bytes.substr(3) : utf16_ ? bytes.substr(2) : bytes;
}

std::size_t LogFile::read_raw(char* to, std::size_t room) {
  if (!pending_.empty()) {
    const std::size_t count = std::min(room, pending_.size());
    std::memcpy(to, pending_.data(), count);
    pending_.erase(0, count);
    return count;
  }
  for (;;) {
    const ssize_t count = ::read(fd_, to, room);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) trouble_ = "reading " + path_ + ": " + std::strerror(errno);
    if (count <= 0) return 0;
    bytes_read_ += static_cast<std::uint64_t>(count);
    return static_cast<std::size_t>(count);
  }
}

std::size_t LogFile::inflate_more(char* to, std::size_t room) {
  z_stream& stream = gzip_->stream;
  stream.next_out = reinterpret_cast<unsigned char*>(to);
  stream.avail_out = static_cast<unsigned>(room);
  while (stream.avail_out == room) {
    if (stream.avail_in == 0) {
      const std::size_t count = read_raw(reinterpret_cast<char*>(gzip_->input.data()), gzip_->input.size());
      if (count == 0) {
        if (!gzip_->member_ended && trouble_.empty()) trouble_ = path_ + " is cut: its gzip data has no end";
        return 0;
      }
      stream.next_in = gzip_->input.data();
      stream.avail_in = static_cast<unsigned>(count);
    }
    if (gzip_->member_ended) {  // another member may follow; so may padding
      if (stream.next_in[0] != 0x1f) return 0;
      inflateReset(&stream);
      gzip_->member_ended = false;
    }
    const int result = ::inflate(&stream, Z_NO_FLUSH);
    if (result == Z_STREAM_END) {
      gzip_->member_ended = true;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      trouble_ = path_ + " holds broken gzip data";
      break;
    }
  }
  return room - stream.avail_out;
}

// Half a line of UTF-16 at a time; what is no character becomes U+FFFD.
std::size_t LogFile::narrow_more(char* to, std::size_t room) {
  std::string narrow;
  while (narrow.empty()) {
    char chunk[8192];
    const std::size_t count = read_raw(chunk, std::min<std::size_t>(sizeof chunk, room / 3 & ~std::size_t{1}));
    if (count == 0) return 0;
    wide_.append(chunk, count);
    std::size_t at = 0;
    const auto unit = [&](std::size_t n) {
      const auto a = static_cast<unsigned char>(wide_[n]), b = static_cast<unsigned char>(wide_[n + 1]);
      return static_cast<std::uint32_t>(big_endian_ ? a << 8 | b : b << 8 | a);
    };
    while (at + 2 <= wide_.size()) {
      std::uint32_t point = unit(at);
      if (point >= 0xD800 && point < 0xDC00) {
        if (at + 4 > wide_.size()) break;
        const std::uint32_t low = unit(at + 2);
        const bool pair = low >= 0xDC00 && low < 0xE000;
        point = pair ? 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
        at += pair ? 4 : 2;
      } else {
        if (point >= 0xDC00 && point < 0xE000) point = 0xFFFD;
        at += 2;
      }
      append_utf8(narrow, point);
    }
    wide_.erase(0, at);
  }
  std::memcpy(to, narrow.data(), std::min(room, narrow.size()));
  return std::min(room, narrow.size());
}

std::size_t LogFile::read_more(char* to, std::size_t room) {
  if (gzip_) return inflate_more(to, room);
  return utf16_ ? narrow_more(to, room) : read_raw(to, room);
}

// More bytes behind end_; false: there are none.
bool LogFile::fill() {
  if (ended_) return false;
  if (begin_ > kFront) {
    std::memmove(buffer_.data() + kFront, buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_ - kFront;
    begin_ = kFront;
  }
  if (end_ + kReadAhead == buffer_.size()) buffer_.resize(2 * buffer_.size());
  const std::size_t count = read_more(buffer_.data() + end_, buffer_.size() - kReadAhead - end_);
  ended_ = count == 0;
  end_ += count;
  return !ended_;
}

bool LogFile::next(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const char* const from = buffer_.data() + begin_;
    const std::size_t size = end_ - begin_;
    const void* const found = size > searched ? std::memchr(from + searched, '\n', size - searched) : nullptr;
    std::size_t length = found != nullptr ? static_cast<std::size_t>(static_cast<const char*>(found) - from) : size;
    if (found == nullptr && size < kLongestLine) {
      searched = size;
      if (fill()) continue;
      if (size == 0) return false;
    }
    const std::size_t taken = std::min(length + (found != nullptr ? 1 : 0), size);
    const std::string_view bytes(buffer_.data() + begin_, length);
    line_at_ = buffer_at_;
    buffer_at_ += taken;
    begin_ += taken;
    searched = 0;
    line = bytes.ends_with('\r') ? bytes.substr(0, length - 1) : bytes;
    if (!line.empty()) return true;
  }
}

}  // namespace thorlog
