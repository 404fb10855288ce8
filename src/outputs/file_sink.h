// Lines in text files: JSON events, raw lines and the other formats, one line each, escaped (specs 4). One file, or
// as many as the placeholders of the path make; rotated by size, and by time through {date}. A line is delivered when
// the kernel has it (durability os), or when the disk has it (disk). A full disk loses nothing: we hold, and try
// again.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "outputs/backoff.h"
#include "outputs/output_file.h"
#include "outputs/path_template.h"
#include "outputs/rotation.h"
#include "outputs/sink.h"
#include "thorlog/identity.h"
#include "wire/encode_line.h"

namespace thorlog {

struct FileSinkLimits {
  std::size_t open_files = 0;                 // 0: an eighth of what the process may open, at most 4096
  std::uint32_t new_files_per_hour = 10'000;  // more go to _overflow: names are chosen by strangers
};

class FileSink final : public Sink {
 public:
  FileSink(const OutputSettings& settings, PathTemplate path, const SinkContext& context, FileSinkLimits limits = {});
  ~FileSink();

  void start() override;
  bool ready() const noexcept override { return started_ && !blocked_ && !closed_; }
  Taken write(const StoredRecord& record) override;
  void mark(Token token) override { marked_ = token; }
  void flush() override;
  void close(std::function<void()> done) override;
  void reopen() override;
  const SinkStatus& status() const noexcept override { return status_; }

  bool rotator_idle() const { return rotator_.idle(); }

 private:
  using Order = std::list<std::unique_ptr<OutputFile>>;  // last used first

  OutputFile* file_for(const StoredRecord& record);
  OutputFile* find_open(const std::string& path);
  Result<OutputFile*> open(const std::string& path, bool may_create);
  OutputFile* keep_or_hold(Result<OutputFile*> opened);
  bool may_create_now();
  void tidy_folder_of(const std::string& path);

  bool write_out(OutputFile& file, std::size_t bytes);
  void rotate(OutputFile& file);
  bool flush_all();
  bool sync_all();
  bool drop_oldest();  // of the open files
  void forget(OutputFile& file);
  void start_over();
  void look_after(OutputFile& file);
  void report();
  void hold(const Error& error);
  void try_again();

  SinkContext context_;
  PathTemplate path_;
  std::optional<RotateSettings> rotate_;
  FileSinkLimits limits_;
  LineEncoder encoder_;
  SinkStatus status_;
  FileHandle root_;
  Rotator rotator_;
  std::unordered_set<std::string> tidied_;  // folders
  Timer retry_;
  Timer sync_;
  Backoff backoff_;

  Order order_;
  std::unordered_map<std::string_view, Order::iterator> open_;  // keys: path() of the file
  OutputFile* last_ = nullptr;
  std::vector<OutputFile*> dirty_;
  std::vector<OutputFile*> unsynced_;
  std::size_t buffered_ = 0;
  std::string name_;  // reused, so that expanding allocates nothing

  std::int64_t hour_began_ = 0;
  std::uint32_t created_this_hour_ = 0;
  Token marked_ = 0;
  Token told_ = 0;
  Token flushed_ = 0;
  bool started_ = false;
  bool blocked_ = false;
  bool closed_ = false;
};

}  // namespace thorlog
