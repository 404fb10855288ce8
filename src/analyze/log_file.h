// A log file (or standard input) line by line: plain or gzip, told by content; UTF-8, or UTF-16 with a mark at its
// beginning. Constant memory. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "thorlog/result.h"

namespace thorlog {

class LogFile {
 public:
  static constexpr std::size_t kLongestLine = 16U << 20;  // what is longer comes in pieces

  // "-" is standard input. `buffer`: bytes to read at once.
  static Result<std::unique_ptr<LogFile>> open(const std::string& path, std::size_t buffer);
  ~LogFile();
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  // The next line that is not empty, without its end; kReadAhead bytes behind it and 64 before it are readable. Valid
  // until the next call. False: the end, or trouble().
  bool next(std::string_view& line);

  // Where the last line began, in what the file holds once it is uncompressed.
  std::uint64_t offset() const noexcept { return line_at_; }
  std::uint64_t bytes_read() const noexcept { return bytes_read_; }  // of the file itself
  std::uint64_t size() const noexcept { return size_; }              // 0: unknown
  std::int64_t modified() const noexcept { return modified_; }       // ns since 1970; of standard input: now
  const std::string& path() const noexcept { return path_; }
  bool is_plain() const noexcept { return !gzip_ && !utf16_ && !is_input_; }
  // Empty: all was read. Else what went wrong; what came before it has been given.
  const std::string& trouble() const noexcept { return trouble_; }

 private:
  struct Gzip;
  LogFile(std::string path, int fd, std::size_t buffer);

  bool fill();
  std::size_t read_more(char* to, std::size_t room);
  std::size_t read_raw(char* to, std::size_t room);
  std::size_t inflate_more(char* to, std::size_t room);
  std::size_t narrow_more(char* to, std::size_t room);
  void look_at_beginning();

  std::string path_;
  int fd_;
  bool is_input_ = false, ended_ = false, utf16_ = false, big_endian_ = false;
  std::uint64_t bytes_read_ = 0, size_ = 0;
  std::uint64_t buffer_at_ = 0;  // offset of begin_
  std::uint64_t line_at_ = 0;
  std::int64_t modified_ = 0;
  std::string trouble_;
  std::unique_ptr<Gzip> gzip_;
  std::string wide_;     // UTF-16 that is not yet UTF-8
  std::string pending_;  // the first bytes, read to see what they are
  std::vector<char> buffer_;
  std::size_t begin_, end_;  // of what is not yet given
};

}  // namespace thorlog
