// Rotation by size: a full file becomes NAME.1.gz, the one before NAME.2.gz, and so on. The file is only renamed by
// the output's thread; numbering and compressing happen on a thread of their own, which may take its time.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "config/settings.h"
#include "outputs/output_file.h"

namespace thorlog {

// Renames folder/NAME so that its place is free for a new file. What it is called then begins with NAME and ends in a
// number that grows, so that a Rotator finds it, also after a crash.
Status set_aside(const FileHandle& folder, const std::string& name, std::int64_t now);

class Rotator {
 public:
  explicit Rotator(std::string output) : output_(std::move(output)) {}
  // Leaves what is not done for the next start.
  ~Rotator();
  Rotator(const Rotator&) = delete;
  Rotator& operator=(const Rotator&) = delete;

  // Numbers and compresses all that was set aside for NAME in the folder; an empty name: for any file there.
  void tidy(FileHandle folder, std::string name, const RotateSettings& settings);
  // True when everything asked for is done.
  bool idle() const;

 private:
  struct Job {
    FileHandle folder;
    std::string name;
    RotateSettings settings;
  };
  void run();
  void work(const Job& job);
  Status take_in(const Job& job, const std::string& aside, const std::string& name);
  Status compress(const FileHandle& folder, const std::string& from, const std::string& to);
  bool stopping() const;

  std::string output_;
  mutable std::mutex mutex_;  // guards jobs_, stop_ and busy_
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  bool stop_ = false;
  bool busy_ = false;
  std::thread thread_;  // begins with the first job
};

}  // namespace thorlog
